// Package deploy checks the files that run the todo service for real: the manifests
// for Kubernetes, strictly, with Kubernetes' own types; the compose file, with
// Compose's own loader; the image's build, step by step without an engine; and
// nginx.conf with nginx itself, which has to be installed.
//
//	GOWORK=off go -C examples/todo/deploy test ./...
//
// The module stands outside go.work, because whoever tries the repository for the
// first time should not have to wait for Kubernetes' types to be compiled.
package deploy
