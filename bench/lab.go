package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/bearerproof/bearerproof/bench/peers"
)

// lab has what is needed to run the studies.
type lab struct {
	scale    scale
	scenes   map[string]*scene   // by algorithm
	crowded  map[string]*scene   // by the number of keys
	refusals map[string][]string // by what is wrong with them
}

// newLab makes keys and tokens, which takes some seconds.
func newLab(size scale) (*lab, error) {
	l := &lab{scale: size, scenes: make(map[string]*scene), crowded: make(map[string]*scene)}
	for _, algorithm := range algorithms() {
		tokens := size.pass
		if algorithm == "RS256" {
			tokens = max(size.long, size.fill+size.pass)
		}
		s, err := newScene(algorithm, tokens)
		if err != nil {
			return nil, err
		}
		l.scenes[algorithm] = s
	}
	for i, of := range keyCounts() {
		s, err := l.scenes["RS256"].withKeys([]int{1, 100, 1000}[i])
		if err != nil {
			return nil, err
		}
		l.crowded[of] = s
	}
	var err error
	l.refusals, err = l.scenes["RS256"].refusals(size.pass)
	return l, err
}

// refusals are tokens and texts that everybody must refuse.
func (s *scene) refusals(count int) (map[string][]string, error) {
	size := 16 << 10
	all := map[string][]string{
		manyDots: {large(size, func(i int) bool { return i%20 == 19 })},
		twoDots:  {large(size, func(i int) bool { return i == size/3 || i == 2*size/3 })},
		oneMiB:   {large(1<<20, func(i int) bool { return i%20 == 19 })},
	}
	unpublished, err := newSigningKey("", s.algorithm)
	if err != nil {
		return nil, err
	}
	for i := range count {
		old, err := s.key.sign(with(claimsOf(i), "exp", time.Now().Add(-time.Hour).Unix()))
		if err != nil {
			return nil, err
		}
		unpublished.id = fmt.Sprintf("unknown-%d", i)
		unknown, err := unpublished.sign(claimsOf(i))
		if err != nil {
			return nil, err
		}
		changed, err := forge(s.tokens[i])
		if err != nil {
			return nil, err
		}
		all[expired], all[stranger], all[forged] = append(all[expired], old), append(all[stranger], unknown), append(all[forged], changed)
	}
	return all, nil
}

// first verifies tokens that the library has not seen before.
func (l *lab) first(algorithm string, length int) preparation {
	return func(ctx context.Context, library string) (task, func(), error) {
		s := l.scenes[algorithm]
		return s.verifying(ctx, library, s.tokens[:length], nil)
	}
}

// full verifies tokens that come when the cache is full of others.
func (l *lab) full(ctx context.Context, library string) (task, func(), error) {
	s := l.scenes["RS256"]
	return s.verifying(ctx, library, s.tokens[l.scale.fill:l.scale.fill+l.scale.pass], s.tokens[:l.scale.fill])
}

// keys is first, where the issuer has a number of keys.
func (l *lab) keys(count string) preparation {
	return func(ctx context.Context, library string) (task, func(), error) {
		s := l.crowded[count]
		return s.verifying(ctx, library, s.tokens[:l.scale.pass], nil)
	}
}

// verifying is a task with good tokens. What has a cache is set up anew for each pass, and
// verifies some tokens before, which is not measured.
func (s *scene) verifying(ctx context.Context, library string, tokens, before []string) (task, func(), error) {
	p, err := named(library)
	if err != nil {
		return task{}, nil, err
	}
	var subject peers.Subject
	end := func() {
		if subject != nil {
			subject.Close()
		}
	}
	pass := func() ([]operation, error) {
		end()
		var err error
		if subject, err = s.subject(ctx, p); err != nil {
			return nil, err
		}
		if p.Name == ours {
			for _, raw := range before {
				if err := subject.Verify(ctx, raw); err != nil {
					return nil, err
				}
			}
		}
		return ring(ctx, subject, tokens)
	}
	return task{pass: pass, once: p.Name == ours, accept: true, fetches: s.issuer.fetches.Load}, end, nil
}

// repeated verifies one token again and again.
func (l *lab) repeated(ctx context.Context, library string) (task, func(), error) {
	s := l.scenes["RS256"]
	tokens := make([]string, l.scale.pass)
	for i := range tokens {
		tokens[i] = s.warm
	}
	t, end, err := s.verifying(ctx, library, tokens, nil)
	t.once = false
	return t, end, err
}

// refused shows a library what it must refuse.
func (l *lab) refused(of string) preparation {
	return func(ctx context.Context, library string) (task, func(), error) {
		s := l.scenes["RS256"]
		if library == bare && garbage(of) {
			return hashing(l.refusals[of][0]), func() {}, nil
		}
		t, end, err := s.verifying(ctx, library, l.refusals[of], nil)
		t.once = false
		t.accept = library == bare && of == expired // which the cryptography cannot know
		return t, end, err
	}
}

// hashing is SHA-256 of a text.
func hashing(text string) task {
	data := []byte(text)
	return task{accept: true, pass: func() ([]operation, error) {
		return []operation{func() error { return hashed(data) }}, nil
	}}
}

// handler calls a handler of net/http without a network, or only Verify.
func (l *lab) handler(of string) preparation {
	return func(ctx context.Context, library string) (task, func(), error) {
		s := l.scenes["RS256"]
		if of == noAuth {
			return l.repeated(ctx, library)
		}
		p, err := named(library)
		if err != nil {
			return task{}, nil, err
		}
		subject, err := s.subject(ctx, p)
		if err != nil {
			return task{}, nil, err
		}
		protected, err := protect(subject, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
		if err != nil {
			return task{}, nil, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/", http.NoBody)
		if err != nil {
			return task{}, nil, err
		}
		request.Header.Set("Authorization", "Bearer "+s.warm)
		writer := &discard{header: make(http.Header)}
		call := func() error {
			delete(writer.header, "Cache-Control")
			protected.ServeHTTP(writer, request)
			return writer.refusal()
		}
		return task{accept: true, pass: func() ([]operation, error) {
			all := make([]operation, l.scale.pass)
			for i := range all {
				all[i] = call
			}
			return all, nil
		}}, subject.Close, nil
	}
}

// discard is a ResponseWriter that costs nothing.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header            { return d.header }
func (d *discard) Write(data []byte) (int, error) { return len(data), nil }
func (d *discard) WriteHeader(status int)         { d.status = status }
func (d *discard) refusal() error {
	if d.status != http.StatusOK {
		return fmt.Errorf("the handler answered %d", d.status)
	}
	return nil
}

// named returns the contender of a name.
func named(library string) (peers.Peer, error) {
	for _, p := range contenders() {
		if p.Name == library {
			return p, nil
		}
	}
	return peers.Peer{}, fmt.Errorf("no library is called %q", library)
}
