package peers

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersionIsThatOfTheBuild(t *testing.T) {
	info := &debug.BuildInfo{Deps: []*debug.Module{
		{Path: "example.com/a", Version: "v1.0.0"},
		{Path: "example.com/ours", Version: "v0.0.0", Replace: &debug.Module{Path: "../"}},
	}}
	for module, want := range map[string]string{"example.com/a": "v1.0.0", "example.com/ours": "devel", "example.com/none": ""} {
		if got := (Peer{Module: module}).versionOf(info); got != want {
			t.Errorf("%s: %q, want %q", module, got, want)
		}
	}
}

func TestVersionOfGoMod(t *testing.T) {
	const goMod = `module example.com/bench

require (
	example.com/a v1.0.0
	example.com/ours v0.0.0
	example.com/too v0.0.0 // indirect
)

replace example.com/ours => ../

replace (
	example.com/too => ../too
)
`
	tests := map[string]string{"example.com/a": "v1.0.0", "example.com/ours": "devel", "example.com/too": "devel", "example.com/none": ""}
	for module, want := range tests {
		if got := (Peer{Module: module}).versionIn(goMod); got != want {
			t.Errorf("%s: %q, want %q", module, got, want)
		}
	}
}

func TestVersionOfTheStandardLibrary(t *testing.T) {
	if got := KeyInHand()[0].Version(); got != runtime.Version() {
		t.Errorf("the cryptography has version %q, want Go's", got)
	}
}
