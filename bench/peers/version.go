package peers

import (
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Version returns the version of the peer that is run: "devel" for bearerproof, which is
// the checkout, Go's own for what is of the standard library, and "" for a module that
// is not there. A program knows it from its build information. A test has none, and
// reads the go.mod of the directory above.
func (p Peer) Version() string {
	if p.Module == "" {
		return runtime.Version()
	}
	info, _ := debug.ReadBuildInfo()
	if info != nil && len(info.Deps) > 0 {
		return p.versionOf(info)
	}
	goMod, err := os.ReadFile("../go.mod")
	if err != nil {
		goMod, _ = os.ReadFile("go.mod")
	}
	return p.versionIn(string(goMod))
}

func (p Peer) versionOf(info *debug.BuildInfo) string {
	for _, dependency := range info.Deps {
		switch {
		case dependency.Path != p.Module:
		case dependency.Replace != nil:
			return "devel"
		default:
			return dependency.Version
		}
	}
	return ""
}

func (p Peer) versionIn(goMod string) string {
	var version string
	for line := range strings.Lines(goMod) {
		fields := strings.Fields(line)
		replace := len(fields) > 0 && fields[0] == "replace"
		if replace {
			fields = fields[1:]
		}
		switch {
		case len(fields) < 2 || fields[0] != p.Module:
		case replace || fields[1] == "=>":
			return "devel"
		default:
			version = fields[1]
		}
	}
	return version
}
