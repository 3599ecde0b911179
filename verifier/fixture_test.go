package verifier_test

import (
	"context"
	"crypto"
	"encoding/json/v2"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

const (
	issuer   = "https://id.example.com"
	audience = "todo-api"
	issued   = 1767225600 // when package testdata's tokens were issued
	expires  = 1767229200 // and expire
)

// at is a clock that stands still.
func at(seconds int64) func() time.Time {
	return func() time.Time { return time.Unix(seconds, 0) }
}

// signer returns a key of package testdata, each of which is read once: reading an
// RSA key costs more than signing with it.
func signer(name string) crypto.Signer {
	signers.Lock()
	defer signers.Unlock()
	if signers.byName == nil {
		signers.byName = map[string]crypto.Signer{}
	}
	if signers.byName[name] == nil {
		signers.byName[name] = testdata.Key(name)
	}
	return signers.byName[name]
}

var signers struct {
	sync.Mutex
	byName map[string]crypto.Signer
}

// keyOf returns the public key of that name in package testdata, with its name as kid.
func keyOf(tb testing.TB, name string, alg verifier.Algorithm) *verifier.Key {
	tb.Helper()
	return keyNamed(tb, name, name, alg)
}

func keyNamed(tb testing.TB, kid, name string, alg verifier.Algorithm) *verifier.Key {
	tb.Helper()
	key, err := verifier.NewKey(kid, alg, signer(name).Public())
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// source is a KeySet that remembers what it was asked.
type source struct {
	keys []*verifier.Key
	err  error

	mu       sync.Mutex // guards what follows
	asked    []string   // kid and alg
	rechecks int
}

func sourceOf(keys ...*verifier.Key) *source { return &source{keys: keys} }

func (s *source) Keys(_ context.Context, kid string, alg verifier.Algorithm) ([]*verifier.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, kid+" "+alg.String())
	if s.err != nil {
		return nil, s.err
	}
	var fit []*verifier.Key
	for _, key := range s.keys {
		if (kid == "" || key.ID() == kid) && key.Fits(alg) {
			fit = append(fit, key)
		}
	}
	return fit, nil
}

func (s *source) Recheck() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rechecks++
}

// exactly is a KeySet that answers every question with the same keys.
type exactly []*verifier.Key

func (e exactly) Keys(context.Context, string, verifier.Algorithm) ([]*verifier.Key, error) {
	return e, nil
}

// config is a Config for EdDSA tokens, which are the cheapest to sign. Its clock
// stands 100 s after the tokens were issued.
func config(tb testing.TB) verifier.Config {
	tb.Helper()
	return verifier.Config{
		Issuer:     issuer,
		Audience:   verifier.AnyOf(audience),
		Algorithms: []verifier.Algorithm{verifier.EdDSA},
		Keys:       sourceOf(keyOf(tb, "ed25519", verifier.EdDSA)),
		Now:        at(issued + 100),
	}
}

// verifierWith makes a Verifier of config and the changes.
func verifierWith(tb testing.TB, changes ...func(*verifier.Config)) *verifier.Verifier {
	tb.Helper()
	c := config(tb)
	for _, change := range changes {
		change(&c)
	}
	v, err := verifier.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// members is a JSON object as raw members, so that a row of a table can write what
// no encoder would.
type members []string

// object writes the members with changes, which are pairs of a name and a raw value;
// "" deletes the member. Several values of one name are all written.
func (m members) object(changes ...string) string {
	var written []string
	for i := 0; i < len(m); i += 2 {
		if !slices.Contains(namesOf(changes), m[i]) {
			written = append(written, quote(m[i])+":"+m[i+1])
		}
	}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] != "" {
			written = append(written, quote(changes[i])+":"+changes[i+1])
		}
	}
	return "{" + strings.Join(written, ",") + "}"
}

func namesOf(pairs []string) (names []string) {
	for i := 0; i < len(pairs); i += 2 {
		names = append(names, pairs[i])
	}
	return names
}

func quote(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

var (
	goodHeader  = members{"alg", `"EdDSA"`, "typ", `"at+jwt"`, "kid", `"ed25519"`}
	goodPayload = members{
		"iss", `"https://id.example.com"`, "sub", `"alice"`, "aud", `"todo-api"`,
		"iat", fmt.Sprint(issued), "exp", fmt.Sprint(expires), "jti", `"one"`,
		"client_id", `"todo-web"`, "scope", `"todos:read todos:write"`,
	}
)

// tokenWith is an EdDSA token with a good header and a changed payload.
func tokenWith(changes ...string) string {
	return signed(goodHeader.object(), goodPayload.object(changes...))
}

// headerWith is an EdDSA token with a changed header and a good payload.
func headerWith(changes ...string) string {
	return signed(goodHeader.object(changes...), goodPayload.object())
}

// signed signs any header and payload with the EdDSA key.
func signed(header, payload string) string {
	return jwstest.Sign(jws.EdDSA, signer("ed25519"), header, payload)
}

// wantAccepted fails unless v accepts raw, and returns the token.
func wantAccepted(tb testing.TB, v *verifier.Verifier, raw string) *verifier.Token {
	tb.Helper()
	token, err := v.Verify(tb.Context(), raw)
	if err != nil {
		tb.Fatalf("refused: %v", err)
	}
	if token == nil {
		tb.Fatal("no token and no error")
	}
	return token
}

// wantRefused fails unless v refuses raw with that kind, and returns the error.
func wantRefused(tb testing.TB, v *verifier.Verifier, raw string, want verifier.Kind) *verifier.Error {
	tb.Helper()
	token, err := v.Verify(tb.Context(), raw)
	if token != nil {
		tb.Fatal("a token was returned")
	}
	e := wantKind(tb, err, want)
	for part := range strings.SplitSeq(raw, ".") {
		if len(part) > 20 && strings.Contains(err.Error(), part) {
			tb.Errorf("the error repeats a part of the token: %v", err)
		}
	}
	return e
}

// wantKind fails unless err is an *Error of that kind.
func wantKind(tb testing.TB, err error, want verifier.Kind) *verifier.Error {
	tb.Helper()
	e, ok := errors.AsType[*verifier.Error](err)
	if !ok {
		tb.Fatalf("error %v is no *Error, want kind %v", err, want)
	}
	if e.Kind != want || !errors.Is(err, want) || verifier.KindOf(err) != want {
		tb.Fatalf("error %q has kind %q, want %q", err, e.Kind, want)
	}
	return e
}

// goodHeaderFor is the encoded header of signedBy.
func goodHeaderFor(alg verifier.Algorithm, kid string) string {
	return jwstest.Encode(goodHeader.object("alg", quote(alg.String()), "kid", quote(kid)))
}

func indexDot(raw string) int { return strings.IndexByte(raw, '.') }
