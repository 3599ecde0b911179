package main

import "github.com/bearerproof/bearerproof/bench/peers"

// The names that figures are compared by.
const (
	bare    = "bare crypto"
	ours    = "bearerproof"
	noCache = "bearerproof (no cache)"
	open    = "no authentication" // a handler as it is

	// What a cache that keeps no text of tokens cannot do without, nor a middleware that
	// tells the handler who calls. It refuses nothing.
	least = "SHA-256 and a context"
)

// authenticates reports whether a server with this before its handler refuses bad tokens.
func authenticates(library string) bool { return library != open && library != least }

// contenders are all that verify a token, in the order of the tables.
func contenders() []peers.Peer {
	inHand := peers.KeyInHand()
	all := append([]peers.Peer{inHand[0]}, fetching()...)
	return append(all, inHand[1:]...)
}

// fetching are those that have the issuer's key set.
func fetching() []peers.Peer {
	all := peers.All()
	return append([]peers.Peer{all[0], peers.WithoutCache()}, all[1:]...)
}
