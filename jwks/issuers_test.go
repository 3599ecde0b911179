package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// internet reaches several issuers, each by its host, and counts the requests.
type internet struct {
	mu       sync.Mutex // guards what follows
	hosts    map[string]http.RoundTripper
	requests map[string]int
}

func (n *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.requests[r.URL.Host]++
	host := n.hosts[r.URL.Host]
	n.mu.Unlock()
	if host == nil {
		return nil, errors.New("no such host")
	}
	return host.RoundTrip(r)
}

// to counts the requests to an issuer.
func (n *internet) to(idp *issuertest.Issuer) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.requests[hostOf(idp)]
}

// contacted lists the hosts that got a request.
func (n *internet) contacted() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	hosts := map[string]int{}
	for host, count := range n.requests {
		hosts[host] = count
	}
	return hosts
}

func hostOf(idp *issuertest.Issuer) string {
	address, err := url.Parse(idp.URL())
	if err != nil {
		panic(err)
	}
	return address.Host
}

// service is an API in a bubble of virtual time, and the issuers that there are,
// whether or not it accepts their tokens.
type service struct {
	*testing.T
	net  *internet
	idps []*issuertest.Issuer
	v    *verifier.Verifier
}

func inService(t *testing.T, issuers int, test func(s *service)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &service{T: t, net: &internet{hosts: map[string]http.RoundTripper{}, requests: map[string]int{}}}
		for range issuers {
			idp := issuertest.Start(t)
			idp.AddKey(verifier.ES256)
			s.net.hosts[hostOf(idp)] = idp.Client().Transport
			s.idps = append(s.idps, idp)
		}
		t.Cleanup(func() { // fetches under way end before the issuers do
			for _, idp := range s.idps {
				idp.Repair()
			}
			synctest.Wait()
		})
		test(s)
	})
}

// verifierOf makes the verifier of one issuer, with a key source of its own.
func (s *service) verifierOf(issuer string) (*verifier.Verifier, error) {
	keys, err := jwks.Discover(issuer, &jwks.Options{Client: &http.Client{Transport: s.net}, Logger: discard()})
	if err != nil {
		return nil, err
	}
	return verifier.New(verifier.Config{
		Issuer:     issuer,
		Audience:   verifier.AnyOf("api"),
		Algorithms: []verifier.Algorithm{verifier.ES256},
		Keys:       keys,
	})
}

// accept makes the service accept exactly the first n issuers, by ByIssuer.
func (s *service) accept(n int) {
	s.Helper()
	var all []*verifier.Verifier
	for _, idp := range s.idps[:n] {
		v, err := s.verifierOf(idp.URL())
		if err != nil {
			s.Fatal(err)
		}
		all = append(all, v)
	}
	v, err := verifier.ByIssuer(all[0], all[1:]...)
	if err != nil {
		s.Fatal(err)
	}
	s.v = v
}

// tenants makes the service look issuers up.
func (s *service) tenants(o *verifier.ByIssuerFuncOptions, resolve func(context.Context, string) (*verifier.Verifier, error)) {
	s.Helper()
	v, err := verifier.ByIssuerFunc(resolve, o)
	if err != nil {
		s.Fatal(err)
	}
	s.v = v
}

// expect wants a kind (0: accepted) within a time.
func (s *service) expect(raw string, want verifier.Kind, took time.Duration) {
	s.Helper()
	began := time.Now()
	token, err := s.v.Verify(s.Context(), raw)
	if waited := time.Since(began); waited != took {
		s.Errorf("waited %v, want %v", waited, took)
	}
	if verifier.KindOf(err) != want || (token == nil) != (want != 0) {
		s.Errorf("error %v, want kind %q", err, want.String())
	}
}

// flood sends n tokens at a time and waits until all of them wait.
func (s *service) flood(n int, raw func(i int) string) (end func()) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { _, _ = s.v.Verify(s.Context(), raw(i)) })
	}
	synctest.Wait()
	return all.Wait
}

// routers are the two ways to accept the tokens of the first n issuers.
func routers(t *testing.T, issuers, n int, test func(s *service)) {
	t.Run("ByIssuer", func(t *testing.T) {
		inService(t, issuers, func(s *service) {
			s.accept(n)
			test(s)
		})
	})
	t.Run("ByIssuerFunc", func(t *testing.T) {
		inService(t, issuers, func(s *service) {
			s.tenants(nil, func(_ context.Context, issuer string) (*verifier.Verifier, error) {
				for _, idp := range s.idps[:n] {
					if idp.URL() == issuer {
						return s.verifierOf(issuer)
					}
				}
				return nil, verifier.ErrIssuer
			})
			test(s)
		})
	})
}

func TestIssuersAnotherIssuersOutageCostsNothing(t *testing.T) {
	for name, fault := range map[string]issuertest.Fault{"hangs": issuertest.Hang(), "is down": issuertest.Status(500)} {
		t.Run(name, func(t *testing.T) {
			routers(t, 3, 3, func(s *service) {
				broken, warm, cold := s.idps[0], s.idps[1], s.idps[2]
				s.expect(warm.Token(nil), 0, 0)
				broken.Break(fault)
				raw := broken.Token(nil)
				end := s.flood(1500, func(int) string { return raw })
				s.expect(warm.Token(nil), 0, 0)
				s.expect(cold.Token(nil), 0, 0)
				end()
				for range 20 { // while the broken one backs off and is asked again
					time.Sleep(time.Second)
					end := s.flood(20, func(int) string { return raw })
					s.expect(warm.Token(nil), 0, 0)
					s.expect(cold.Token(nil), 0, 0)
					end()
				}
				if _, err := s.v.Verify(s.Context(), raw); verifier.KindOf(err) != verifier.ErrKeysUnavailable {
					s.Errorf("the broken issuer's token: %v", err)
				}
				broken.Repair()
				time.Sleep(6 * time.Second)
				s.expect(broken.Token(nil), 0, 0)
			})
		})
	}
}

// An attacker has an issuer of his own, with good keys and good tokens, and names
// hosts that there are none of.
func TestIssuersStrangersAreNeverContacted(t *testing.T) {
	routers(t, 3, 2, func(s *service) {
		stranger := s.idps[2]
		s.expect(s.idps[0].Token(nil), 0, 0)
		for range 3 {
			end := s.flood(600, func(i int) string {
				switch i % 3 {
				case 0:
					return stranger.Token(nil)
				case 1:
					return stranger.Token(issuertest.Claims{"iss": fmt.Sprintf("https://169.254.169.254/%d", i)})
				}
				return stranger.Token(issuertest.Claims{"iss": s.idps[0].URL() + "@" + hostOf(stranger)})
			})
			s.expect(s.idps[0].Token(nil), 0, 0)
			end()
			time.Sleep(11 * time.Second) // beyond what is remembered
		}
		s.expect(stranger.Token(nil), verifier.ErrIssuer, 0)
		hosts := s.net.contacted()
		if len(hosts) != 1 || hosts[hostOf(s.idps[0])] != 2 {
			s.Errorf("requests %v, want the metadata and the keys of %s", hosts, hostOf(s.idps[0]))
		}
	})
}

func TestIssuersKeyOfOneDoesNotSignForAnother(t *testing.T) {
	routers(t, 2, 2, func(s *service) {
		a, b := s.idps[0], s.idps[1]
		s.expect(a.Token(nil), 0, 0)
		s.expect(b.Token(nil), 0, 0)
		inNameOfB := issuertest.Claims{"iss": b.URL()}
		before := s.net.to(a)
		s.expect(a.Token(inNameOfB), verifier.ErrUnknownKey, 0)
		s.expect(a.Key().TokenWithHeader(issuertest.Claims{"kid": b.Key().ID()}, inNameOfB), verifier.ErrSignature, 0)
		a.Key().SetMember("kid", b.Key().ID()) // both publish one under the same kid
		time.Sleep(11 * time.Minute)
		s.expect(a.Key().TokenWithHeader(issuertest.Claims{"kid": b.Key().ID()}, nil), 0, 0)
		s.expect(b.Token(nil), 0, 0)
		after := s.net.to(a)
		s.expect(a.Key().TokenWithHeader(issuertest.Claims{"kid": b.Key().ID()}, inNameOfB), verifier.ErrSignature, 0)
		s.expect(b.Token(issuertest.Claims{"iss": a.URL()}), verifier.ErrSignature, 0)
		synctest.Wait()
		if before != 2 || after == before {
			s.Errorf("%d requests to the first issuer, then %d", before, after)
		}
	})
}

func TestIssuersEvictedTenantComesBack(t *testing.T) {
	inService(t, 3, func(s *service) {
		asked := 0
		s.tenants(&verifier.ByIssuerFuncOptions{Size: 2}, func(_ context.Context, issuer string) (*verifier.Verifier, error) {
			asked++
			return s.verifierOf(issuer)
		})
		for range 3 {
			for _, idp := range s.idps {
				s.expect(idp.Token(nil), 0, 0)
			}
		}
		for _, idp := range s.idps {
			if n := s.net.to(idp); n != 6 { // metadata and keys, each time
				s.Errorf("%d requests to an issuer", n)
			}
		}
		if asked != 9 {
			s.Errorf("resolve was asked %d times", asked)
		}
		// The last two are kept, with their keys, also while they are away.
		s.idps[1].Break(issuertest.Status(500))
		s.expect(s.idps[1].Token(nil), 0, 0)
	})
}

// The pattern of the documentation: resolve returns the verifier that it made before.
func TestIssuersSameVerifierKeepsItsKeys(t *testing.T) {
	inService(t, 3, func(s *service) {
		var mu sync.Mutex
		made := map[string]*verifier.Verifier{}
		s.tenants(&verifier.ByIssuerFuncOptions{Size: 1}, func(_ context.Context, issuer string) (*verifier.Verifier, error) {
			mu.Lock()
			defer mu.Unlock()
			if made[issuer] == nil {
				v, err := s.verifierOf(issuer)
				if err != nil {
					return nil, err
				}
				made[issuer] = v
			}
			return made[issuer], nil
		})
		for range 3 {
			for _, idp := range s.idps {
				s.expect(idp.Token(nil), 0, 0)
			}
		}
		for _, idp := range s.idps {
			if n := s.net.to(idp); n != 2 {
				s.Errorf("%d requests to an issuer, want the metadata and the keys once", n)
			}
		}
	})
}

func TestIssuersTenantTakenOffIsContactedNoMore(t *testing.T) {
	inService(t, 2, func(s *service) {
		var mu sync.Mutex
		off := ""
		s.tenants(nil, func(_ context.Context, issuer string) (*verifier.Verifier, error) {
			mu.Lock()
			defer mu.Unlock()
			if issuer == off {
				return nil, verifier.ErrIssuer
			}
			return s.verifierOf(issuer)
		})
		a, b := s.idps[0], s.idps[1]
		s.expect(a.Token(nil), 0, 0)
		s.expect(b.Token(nil), 0, 0)
		mu.Lock()
		off = a.URL()
		mu.Unlock()
		time.Sleep(10 * time.Minute)
		_, _ = s.v.Verify(s.Context(), a.Token(nil)) // it may be the last one that is accepted
		synctest.Wait()
		before := s.net.to(a)
		for range 20 {
			s.expect(a.Token(nil), verifier.ErrIssuer, 0)
			s.expect(b.Token(nil), 0, 0)
			time.Sleep(time.Minute)
		}
		if after := s.net.to(a); after != before {
			s.Errorf("%d requests to an issuer that was taken off", after-before)
		}
	})
}

// A tenant whose issuer hangs, and which sends many tokens, is no other's trouble,
// even if its keys are fetched by resolve, which there is no need for.
func TestIssuersResolveThatWarmsUpAndHangs(t *testing.T) {
	inService(t, 3, func(s *service) {
		s.tenants(nil, func(ctx context.Context, issuer string) (*verifier.Verifier, error) {
			keys, err := jwks.Discover(issuer, &jwks.Options{Client: &http.Client{Transport: s.net}, Logger: discard()})
			if err != nil {
				return nil, err
			}
			if err := keys.Warm(ctx); err != nil {
				return nil, err
			}
			return verifier.New(verifier.Config{
				Issuer: issuer, Audience: verifier.AnyOf("api"), Algorithms: []verifier.Algorithm{verifier.ES256}, Keys: keys,
			})
		})
		broken, warm, cold := s.idps[0], s.idps[1], s.idps[2]
		s.expect(warm.Token(nil), 0, 0)
		broken.Break(issuertest.Hang())
		raw := broken.Token(nil)
		end := s.flood(2000, func(int) string { return raw })
		s.expect(warm.Token(nil), 0, 0)
		s.expect(cold.Token(nil), 0, 0)
		end()
		broken.Repair()
		time.Sleep(time.Second)
		s.expect(raw, 0, 0)
	})
}
