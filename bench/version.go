package bench

import (
	_ "embed"
	"strings"
)

//go:embed go.mod
var goMod string

// Version returns the version of the peer that is run, as go.mod selects it: "devel"
// for bearerproof, which is the checkout, and "" for a module that is not there.
func (p Peer) Version() string {
	var version string
	for line := range strings.Lines(goMod) {
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 4 && fields[0] == "replace" && fields[1] == p.Module:
			return "devel"
		case len(fields) >= 2 && fields[0] == p.Module:
			version = fields[1]
		}
	}
	return version
}
