package issuertest

import (
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
)

// Nodes is a [Document] that is served by several nodes behind one address: the first
// fetch is answered by the first node, the next one by the next, and after the last
// the first has its turn again. Where their documents differ, the nodes disagree, as
// they do while a change has not reached all of them. A nil document is the issuer's
// own. Like [Document.SetContent], Nodes heeds validators, which a set "ETag" makes
// match whatever the node. It panics without a document.
//
// Each Fault that Nodes returns has turns of its own, so it should break one Document.
func Nodes(documents ...[]byte) Fault {
	if len(documents) == 0 {
		misuse(errors.New("Nodes needs a document"))
	}
	nodes := make([][]byte, len(documents))
	for i, document := range documents {
		nodes[i] = slices.Clone(document)
	}
	var fetches atomic.Uint64
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		turn := (fetches.Add(1) - 1) % uint64(len(nodes))
		if nodes[turn] == nil {
			healthy.ServeHTTP(w, r)
			return
		}
		serveContent(w, r, nodes[turn])
	}
}
