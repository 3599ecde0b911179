package main

import "github.com/bearerproof/bearerproof/bench/peers"

// The names that figures are compared by.
const (
	bare    = "bare crypto"
	ours    = "bearerproof"
	noCache = "bearerproof (no cache)"
	open    = "no authentication" // a handler as it is
)

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
