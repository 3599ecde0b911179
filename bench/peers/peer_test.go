package peers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"testing"

	"github.com/bearerproof/bearerproof/bench/peers"
)

func TestEveryPeerHasAVersion(t *testing.T) {
	version := regexp.MustCompile(`^v\d+\.\d+\.\d+$`)
	names := make(map[string]bool)
	for i, p := range peers.All() {
		if names[p.Name] {
			t.Errorf("two peers are called %q", p.Name)
		}
		names[p.Name] = true
		if i == 0 {
			if p.Module != "github.com/bearerproof/bearerproof" || p.Version() != "devel" {
				t.Errorf("the first peer is %s %s, want this checkout", p.Module, p.Version())
			}
			continue
		}
		if !version.MatchString(p.Version()) {
			t.Errorf("%s has version %q, want a release", p.Name, p.Version())
		}
	}
}

func TestVersionOfAnUnknownModule(t *testing.T) {
	if got := (peers.Peer{Module: "example.com/none"}).Version(); got != "" {
		t.Errorf("Version() = %q, want none", got)
	}
}

func TestClassify(t *testing.T) {
	tests := map[string]struct {
		err  error
		want peers.Class
	}{
		"no error":               {nil, peers.Accepted},
		"foreign error":          {errors.New("something"), peers.Unclear},
		"the caller left":        {fmt.Errorf("fetch: %w", &url.Error{Op: "Get", URL: "http://127.0.0.1", Err: context.Canceled}), peers.Canceled},
		"deadline":               {fmt.Errorf("wait: %w", context.DeadlineExceeded), peers.Unavailable},
		"request without answer": {fmt.Errorf("fetch: %w", &url.Error{Op: "Get", URL: "http://127.0.0.1", Err: io.EOF}), peers.Unavailable},
	}
	for name, tt := range tests {
		for _, p := range peers.All() {
			if got := p.Classify(tt.err); got != tt.want {
				t.Errorf("%s, %s: %s, want %s", p.Name, name, got, tt.want)
			}
		}
	}
}
