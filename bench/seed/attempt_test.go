package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"

	"github.com/bearerproof/bearerproof/bench/internal/issuer"
)

func newIssuer(t *testing.T) *issuer.Issuer {
	t.Helper()
	i, err := issuer.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

// newVerifier is that of the example, but for its own check of the subject.
func newVerifier(t *testing.T, i *issuer.Issuer) *verifier.Verifier {
	t.Helper()
	keys, err := jwks.Discover(i.URL(), &jwks.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{
		Issuer: i.URL(), Audience: verifier.AnyOf(issuer.Audience), Algorithms: []verifier.Algorithm{verifier.RS256}, Keys: keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// protected serves an empty answer to whoever has a token that bearerproof accepts.
func protected(t *testing.T, i *issuer.Issuer) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(httpauth.New(newVerifier(t, i), nil).HandlerFunc(func(http.ResponseWriter, *http.Request, *verifier.Token) {}))
	t.Cleanup(s.Close)
	return s
}

func TestAttemptsAtBearerproof(t *testing.T) {
	i := newIssuer(t)
	answers, err := try(t.Context(), i, "go", protected(t, i).URL)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		"a good token":                               http.StatusOK,
		"without a kid":                              http.StatusOK,
		"without a subject":                          http.StatusOK, // the example refuses it by a Check of its own
		"two tokens in two header fields":            http.StatusBadRequest,
		"a good token, while the issuer answers 503": http.StatusOK, // its keys are held
	}
	if len(answers) != len(attempts()) {
		t.Errorf("%d answers to %d attempts", len(answers), len(attempts()))
	}
	for _, a := range answers {
		status, special := want[a.Attempt]
		if !special {
			status = http.StatusUnauthorized
		}
		if a.Status != status || a.Way != "go" {
			t.Errorf("%+v, want %d", a, status)
		}
	}
}

// An attempt stands for what its name says, so nothing else may be wrong with its
// token.
func TestAttemptsAreRefusedForTheirOwnReason(t *testing.T) {
	i := newIssuer(t)
	v := newVerifier(t, i)
	want := map[string]verifier.Kind{
		"expired an hour ago": verifier.ErrExpired,
		"signed with another key, under the kid of the issuer's":     verifier.ErrSignature,
		"not signed (alg none)":                                      verifier.ErrAlgorithm,
		"from another issuer, by iss":                                verifier.ErrIssuer,
		"not valid before an hour has passed":                        verifier.ErrNotYetValid,
		"with a kid that nobody has":                                 verifier.ErrUnknownKey,
		"for another audience":                                       verifier.ErrAudience,
		"without an audience":                                        verifier.ErrAudience,
		"without an expiry":                                          verifier.ErrClaim,
		"an ID token (Keycloak's typ ID)":                            verifier.ErrType,
		"bound to a key of the client's (cnf), sent as bearer token": verifier.ErrBinding,
	}
	for _, a := range attempts() {
		for _, token := range a.tokens(i) {
			_, err := v.Verify(t.Context(), token)
			if kind := verifier.KindOf(err); kind != want[a.what] {
				t.Errorf("%s: %v, want %v", a.what, err, want[a.what])
			}
			delete(want, a.what)
		}
	}
	for what := range want {
		t.Errorf("no attempt: %s", what)
	}
}

func TestUnsoundServersAreNotMeasured(t *testing.T) {
	i := newIssuer(t)
	for name, handler := range map[string]http.HandlerFunc{
		"accepts everything": func(http.ResponseWriter, *http.Request) {},
		"refuses everything": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"fails":              func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(handler)
			defer s.Close()
			if _, err := try(t.Context(), i, "x", s.URL); err == nil || !strings.Contains(err.Error(), "must be") {
				t.Errorf("error %v, want one that says what the answer must be", err)
			}
		})
	}
}

func TestEachAttemptThatDecidesMayDecide(t *testing.T) {
	var good []answer
	for _, a := range attempts() {
		good = append(good, answer{Attempt: a.what, Status: a.must})
	}
	if err := sound(good); err != nil {
		t.Fatal(err)
	}
	decide := 0
	for n, a := range attempts() {
		if a.must == 0 {
			continue
		}
		decide++
		bad := append([]answer{}, good...)
		bad[n].Status = http.StatusTeapot
		if err := sound(bad); err == nil {
			t.Errorf("%s: another answer is taken for good", a.what)
		}
		if n >= 7 {
			t.Errorf("%s: the page says that the first seven rows decide", a.what)
		}
	}
	if decide != 7 {
		t.Errorf("%d attempts decide, the page says 7", decide)
	}
}

func TestAFaultComesLast(t *testing.T) {
	all := attempts()
	for n, a := range all {
		if a.fault != nil && n != len(all)-1 {
			t.Errorf("%s: what comes after it could meet keys that are not fresh", a.what)
		}
	}
}
