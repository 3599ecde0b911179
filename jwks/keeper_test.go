package jwks

import (
	"testing"
	"time"
)

func TestKeeperLetsOneWriteAndGoOnWithTheNewest(t *testing.T) {
	start := time.Now()
	var fetches [5]*flight
	for i := range fetches {
		fetches[i] = &flight{began: start.Add(time.Duration(i) * time.Second)}
	}
	var k keeper
	if k.begin(fetches[1]) != fetches[1] {
		t.Fatal("the first is not written")
	}
	for _, f := range []*flight{fetches[2], fetches[4], fetches[3], fetches[0]} {
		if k.begin(f) != nil {
			t.Error("two write at the same time")
		}
	}
	if next := k.end(); next != fetches[4] {
		t.Errorf("then writes %+v, want the newest", next)
	}
	if next := k.end(); next != nil {
		t.Errorf("then writes %+v, want nothing", next)
	}
	if k.begin(fetches[3]) != nil {
		t.Error("an older one is written")
	}
	later := &flight{began: start.Add(time.Minute)}
	if k.begin(later) != later {
		t.Error("what comes later is not written")
	}
}
