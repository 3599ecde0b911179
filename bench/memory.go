package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
)

// fill is a number of tokens that bearerproof's cache is filled with.
type fill struct {
	of     string
	tokens int
	claim  int // octets of one more claim
}

func fills() []fill {
	return []fill{
		{thousand, 1000, 0},
		{typical, 6000, 0},
		{largest, 2500, 11100},
	}
}

func (f fill) id() id { return id{cacheMemory, f.of, ours} }

// measure returns what a cache of the default size keeps.
func (f fill) measure(ctx context.Context, s *scene) (reading, error) {
	p, err := named(ours)
	if err != nil {
		return reading{}, err
	}
	subject, err := s.subject(ctx, p)
	if err != nil {
		return reading{}, err
	}
	defer subject.Close()
	empty := heap()
	for i := range f.tokens {
		raw, err := s.key.sign(with(claimsOf(i), "x", strings.Repeat("x", f.claim)))
		if err != nil {
			return reading{}, err
		}
		if err := subject.Verify(ctx, raw); err != nil {
			return reading{}, fmt.Errorf("a token of %d octets: %w", len(raw), err)
		}
	}
	used := heap() - empty
	runtime.KeepAlive(subject)
	return reading{bytes: float64(used)}, nil
}

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
