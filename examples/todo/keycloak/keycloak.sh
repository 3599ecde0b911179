#!/usr/bin/env bash
#
# Boots a real Keycloak with the realm of this folder, without Docker.
#
#   keycloak.sh fetch                   download, unpack and build it into the cache
#   keycloak.sh run [-p PORT] [-d DIR]  run it in the foreground on 127.0.0.1:PORT
#
# PORT is 8081 unless given. DIR holds one installation with its database and
# its keys, and is made when absent: running again with the same DIR continues
# with the same users and keys, and removing DIR starts afresh. The realm is
# imported only into a DIR that does not have it yet. DIR is run-PORT in the
# cache unless given. run fetches first when the cache is empty.
#
# run turns into Keycloak's own launcher, so the pid of this script is the one
# to stop, with SIGTERM (or Ctrl-C): the launcher passes it on to Java, waits for
# it and exits with status 143 (130). SIGKILL would leave Java behind.
# Keycloak is ready when
# http://127.0.0.1:PORT/realms/myrealm/.well-known/openid-configuration
# answers 200.
#
# Environment:
#   KEYCLOAK_CACHE               where Keycloak is kept between runs
#                                (${XDG_CACHE_HOME:-~/.cache}/bearerproof/keycloak)
#   KEYCLOAK_VERSION             26.7.0
#   KC_HOSTNAME                  URL which the issuer starts with
#                                (http://127.0.0.1:PORT)
#   KC_BOOTSTRAP_ADMIN_USERNAME  admin
#   KC_BOOTSTRAP_ADMIN_PASSWORD  admin
#
# Needs Java 17 or later; fetch needs Maven and unzip too.
# For development and tests only: plain HTTP and passwords that everybody knows.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=${KEYCLOAK_VERSION:-26.7.0}
cache=${KEYCLOAK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bearerproof/keycloak}
dist=$cache/keycloak-$version

say() { printf 'keycloak.sh: %s\n' "$*" >&2; }

die() {
	say "$@"
	exit 1
}

usage() {
	say 'usage: keycloak.sh fetch | run [-p PORT] [-d DIR]'
	exit 2
}

need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || die "$tool is not installed"
	done
}

# Everything happens in a directory of its own until the last rename, so that
# an interrupted fetch or a concurrent one leaves no half of an installation.
staging=''
child=''

clean_up() {
	[[ -z $child ]] || kill "$child" 2>/dev/null || true
	wait
	[[ -z $staging ]] || rm -rf "$staging"
}

# step runs a command in the background and waits for it, because bash handles
# a signal only after a command in the foreground has ended.
step() {
	"$@" >&2 &
	child=$!
	wait "$child"
	child=''
}

fetch() {
	[[ ! -d $dist ]] || return 0
	need java mvn unzip
	mkdir -p "$cache"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	staging=$(mktemp -d "$cache/.fetch.XXXXXX")

	say "downloading Keycloak $version"
	step mvn -q -B dependency:copy \
		-Dartifact="org.keycloak:keycloak-quarkus-dist:$version:zip" \
		-DoutputDirectory="$staging"
	step unzip -q "$staging/keycloak-quarkus-dist-$version.zip" -d "$staging"

	# The build is done here, once, because it would double the time of every
	# first start (20 s of 36 s on two cores).
	say 'building it'
	step "$staging/keycloak-$version/bin/kc.sh" build --db=dev-file

	[[ -d $dist ]] || mv "$staging/keycloak-$version" "$dist"
	rm -rf "$staging"
	trap - EXIT INT TERM
}

# install_into DIR copies the cached installation to DIR unless DIR has one.
install_into() {
	local dir=$1
	mkdir -p "$dir"
	if [[ ! -d $dir/keycloak-$version ]]; then
		rm -rf "$dir/.copy"
		cp -R "$dist" "$dir/.copy"
		mv "$dir/.copy" "$dir/keycloak-$version"
	fi
	mkdir -p "$dir/keycloak-$version/data/import"
	cp "$here/myrealm-realm.json" "$dir/keycloak-$version/data/import/"
}

run() {
	local port=8081 dir='' option
	while getopts 'p:d:' option; do
		case $option in
		p) port=$OPTARG ;;
		d) dir=$OPTARG ;;
		*) usage ;;
		esac
	done
	shift $((OPTIND - 1))
	(($# == 0)) || usage
	[[ $port =~ ^[1-9][0-9]{0,4}$ ]] || die "not a port: $port"
	dir=${dir:-$cache/run-$port}

	need java
	fetch
	install_into "$dir"
	say "Keycloak on http://127.0.0.1:$port, data in $dir"

	export KC_BOOTSTRAP_ADMIN_USERNAME=${KC_BOOTSTRAP_ADMIN_USERNAME:-admin}
	export KC_BOOTSTRAP_ADMIN_PASSWORD=${KC_BOOTSTRAP_ADMIN_PASSWORD:-admin}
	# The local cache keeps Keycloak from opening its cluster's ports.
	exec "$dir/keycloak-$version/bin/kc.sh" start --optimized --import-realm \
		--http-enabled=true --http-host=127.0.0.1 --http-port="$port" \
		--hostname="${KC_HOSTNAME:-http://127.0.0.1:$port}" --cache=local
}

case ${1:-} in
fetch)
	(($# == 1)) || usage
	fetch
	say "Keycloak is in $dist"
	;;
run)
	shift
	run "$@"
	;;
*) usage ;;
esac
