package main

import (
	"context"
	"errors"
	"runtime"
)

// serving is a server with a library before its handler, and what is sent to it.
type serving struct {
	transport, of, library string
	tokens                 []string
	warm                   string
	requests               int
	child                  *child
}

func (s serving) id() id { return id{s.transport, s.of, s.library} }

func transports() []string { return []string{overHTTP, overGRPC} }

// guarded are the servers that are measured: as it is, with the least, and with each
// library.
func guarded() []string { return append([]string{open, least}, names(fetching())...) }

// servings starts the servers. Those of one transport and library are one process.
func (l *lab) servings(ctx context.Context, requests int, wanted func(id) bool) ([]serving, error) {
	s := l.scenes["RS256"]
	var all []serving
	for _, transport := range transports() {
		for _, library := range guarded() {
			var server *child
			for _, of := range []string{distinct, repeated} {
				next := serving{transport: transport, of: of, library: library, tokens: []string{s.warm}, warm: s.warm, requests: requests}
				if of == distinct {
					next.tokens = s.tokens[:l.scale.long]
					next.requests = len(next.tokens)
				}
				if !wanted(next.id()) {
					continue
				}
				if server == nil {
					var err error
					if server, err = newChild(ctx, order{transport, library, s.issuer.documents, s.warm}); err != nil {
						return nil, errors.Join(err, end(all))
					}
				}
				next.child = server
				all = append(all, next)
			}
		}
	}
	return all, nil
}

// end stops the servers.
func end(all []serving) error {
	ended := make(map[*child]bool)
	var failed []error
	for _, s := range all {
		if !ended[s.child] {
			failed = append(failed, s.child.close())
			ended[s.child] = true
		}
	}
	return errors.Join(failed...)
}

// measure sends requests to a server that has not seen these tokens before, but the warm
// one.
func (s serving) measure(ctx context.Context) (reading, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if _, err := s.child.say(sayAgain); err != nil {
		return reading{}, err
	}
	callers, err := dial(ctx, s.transport, s.child.address, s.tokens, s.warm)
	if err != nil {
		return reading{}, err
	}
	before, err := s.child.used()
	if err != nil {
		return reading{}, errors.Join(err, closeAll(callers))
	}
	took, err := load(callers, s.requests, len(s.tokens))
	if err != nil {
		return reading{}, errors.Join(err, closeAll(callers))
	}
	after, err := s.child.used()
	n := float64(s.requests)
	return reading{cpu: float64(after-before) / n, wall: float64(took) / n}, errors.Join(err, closeAll(callers))
}
