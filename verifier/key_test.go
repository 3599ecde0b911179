package verifier_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/verifier"
)

func wantUnfit(t *testing.T, alg verifier.Algorithm, public crypto.PublicKey) {
	t.Helper()
	if key, err := verifier.NewKey("k", alg, public); err == nil || key != nil {
		t.Errorf("the key was taken")
	}
}

func TestR43RSAKeySizeAndExponent(t *testing.T) {
	good := signer("rsa-2048").Public().(*rsa.PublicKey)
	bits := func(n int) *big.Int { // an odd number of so many bits
		return new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), uint(n-1)), 0, 1)
	}
	for name, key := range map[string]*rsa.PublicKey{
		"1024 bits":             signer("rsa-1024").Public().(*rsa.PublicKey),
		"2047 bits":             {N: bits(2047), E: 65537},
		"8193 bits":             {N: bits(8193), E: 65537},
		"exponent 0":            {N: good.N, E: 0},
		"exponent 1":            {N: good.N, E: 1},
		"exponent 2":            {N: good.N, E: 2},
		"exponent even":         {N: good.N, E: 65536},
		"exponent negative":     {N: good.N, E: -65537},
		"exponent beyond 2³¹−1": {N: good.N, E: 1<<31 + 1},
		"modulus even":          {N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537},
		"modulus negative":      {N: new(big.Int).Neg(good.N), E: 65537},
		"modulus zero":          {N: new(big.Int), E: 65537},
		"modulus missing":       {E: 65537},
		"zero":                  {},
		"nil":                   nil,
	} {
		t.Run(name, func(t *testing.T) { wantUnfit(t, verifier.RS256, key) })
	}
	for name, key := range map[string]*rsa.PublicKey{
		"2048 bits":      good,
		"3072 bits":      signer("rsa-3072").Public().(*rsa.PublicKey),
		"4096 bits":      signer("rsa-4096").Public().(*rsa.PublicKey),
		"8192 bits":      {N: bits(8192), E: 65537},
		"exponent 3":     {N: good.N, E: 3},
		"exponent 2³¹−1": {N: good.N, E: 1<<31 - 1},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := verifier.NewKey("k", verifier.PS512, key); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestR46ECPointIsOnItsCurve(t *testing.T) {
	encoded, err := signer("p-256").Public().(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	goodX, goodY := new(big.Int).SetBytes(encoded[1:33]), new(big.Int).SetBytes(encoded[33:])
	if _, err := verifier.NewKey("k", verifier.ES256, &ecdsa.PublicKey{Curve: elliptic.P256(), X: goodX, Y: goodY}); err != nil {
		t.Fatal(err)
	}
	p := elliptic.P256().Params().P
	point := func(curve elliptic.Curve, x, y *big.Int) *ecdsa.PublicKey {
		return &ecdsa.PublicKey{Curve: curve, X: x, Y: y}
	}
	for name, key := range map[string]*ecdsa.PublicKey{
		"off the curve":                 point(elliptic.P256(), goodX, new(big.Int).Add(goodY, big.NewInt(1))),
		"coordinates changed over":      point(elliptic.P256(), goodY, goodX),
		"on another curve":              point(elliptic.P384(), goodX, goodY),
		"the point at infinity":         point(elliptic.P256(), new(big.Int), new(big.Int)),
		"a coordinate beyond the field": point(elliptic.P256(), new(big.Int).Add(goodX, p), goodY),
		"a negative coordinate":         point(elliptic.P256(), goodX, new(big.Int).Neg(goodY)),
		"coordinates missing":           point(elliptic.P256(), nil, nil),
		"a coordinate missing":          point(elliptic.P256(), goodX, nil),
		"P-224":                         point(elliptic.P224(), elliptic.P224().Params().Gx, elliptic.P224().Params().Gy),
		"a curve that only says P-256":  point(&elliptic.CurveParams{Name: "P-256", P: p, N: p, B: big.NewInt(7), Gx: goodX, Gy: goodY, BitSize: 256}, goodX, goodY),
		"no curve":                      point(nil, goodX, goodY),
		"nil":                           nil,
	} {
		t.Run(name, func(t *testing.T) {
			wantUnfit(t, verifier.ES256, key)
			wantUnfit(t, 0, key)
		})
	}
}

func TestNewKeyRefusesWhatCannotVerify(t *testing.T) {
	ed := signer("ed25519").Public().(ed25519.PublicKey)
	for name, key := range map[string]crypto.PublicKey{
		"nil":                nil,
		"a private key":      signer("ed25519"),
		"an RSA value":       *signer("rsa-2048").Public().(*rsa.PublicKey),
		"Ed25519, short":     ed[:31],
		"Ed25519, long":      append(ed[:32:32], 0),
		"Ed25519, empty":     ed25519.PublicKey{},
		"ML-DSA, nil":        (*mldsa.PublicKey)(nil),
		"ML-DSA, zero":       &mldsa.PublicKey{},
		"a text":             "key",
		"ML-DSA states none": signer("ml-dsa-44").Public(),
	} {
		t.Run(name, func(t *testing.T) { wantUnfit(t, 0, key) })
	}
	for _, s := range samples {
		public := signer(s.key).Public()
		for _, other := range samples {
			key, err := verifier.NewKey("k", other.alg, public)
			fits := other.key == s.key
			if (err == nil) != fits || (key != nil) != fits {
				t.Errorf("%s with alg %v: %v", s.key, other.alg, err)
			}
		}
		wantUnfit(t, verifier.MLDSA87+1, public)
	}
}

func TestR48MLDSAKeyStatesItsAlgorithm(t *testing.T) {
	for _, name := range []string{"ml-dsa-44", "ml-dsa-65", "ml-dsa-87"} {
		wantUnfit(t, 0, signer(name).Public())
	}
	wantUnfit(t, verifier.MLDSA65, signer("ml-dsa-44").Public())
}

func TestKeyAccessors(t *testing.T) {
	key := keyNamed(t, "k1", "rsa-2048", verifier.RS256)
	if key.ID() != "k1" || key.Algorithm() != verifier.RS256 {
		t.Errorf("got %q, %v", key.ID(), key.Algorithm())
	}
	if !key.Fits(verifier.RS256) || key.Fits(verifier.PS256) || key.Fits(0) {
		t.Error("a key that states RS256 fits it and nothing else")
	}
	open := keyOf(t, "rsa-2048", 0)
	if open.Algorithm() != 0 || !open.Fits(verifier.RS256) || !open.Fits(verifier.PS512) || open.Fits(verifier.ES256) || open.Fits(0) {
		t.Error("an RSA key that states nothing fits all of RSA and nothing else")
	}
	for _, stated := range []verifier.Algorithm{0, verifier.EdDSA, verifier.Ed25519} {
		if ed := keyOf(t, "ed25519", stated); !ed.Fits(verifier.EdDSA) || !ed.Fits(verifier.Ed25519) {
			t.Errorf("an Ed25519 key that states %v does not fit both names", stated)
		}
	}
	if new(verifier.Key).Fits(verifier.RS256) {
		t.Error("a zero Key fits RS256")
	}
}

// What the caller does with its key afterwards changes nothing.
func TestNewKeyCopies(t *testing.T) {
	public := append(ed25519.PublicKey(nil), signer("ed25519").Public().(ed25519.PublicKey)...)
	key, err := verifier.NewKey("ed25519", verifier.EdDSA, public)
	if err != nil {
		t.Fatal(err)
	}
	clear(public)
	wantAccepted(t, listing(t, exactly{key}, verifier.EdDSA), tokenWith())
	n := new(big.Int).Set(signer("rsa-2048").Public().(*rsa.PublicKey).N)
	key, err = verifier.NewKey("rsa-2048", verifier.RS256, &rsa.PublicKey{N: n, E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	n.SetInt64(1)
	wantAccepted(t, listing(t, exactly{key}, verifier.RS256), signedBy(verifier.RS256, "rsa-2048"))
}

// The key of RFC 7638 §3.1.
func TestThumbprintIsThatOfRFC7638(t *testing.T) {
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	modulus, err := base64.RawURLEncoding.DecodeString(n)
	if err != nil {
		t.Fatal(err)
	}
	key, err := verifier.NewKey("2011-04-29", verifier.RS256, &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := key.Thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; got != want {
		t.Errorf("thumbprint %s, want %s", got, want)
	}
}

func TestThumbprintIsThatOfGoJose(t *testing.T) {
	for _, s := range samples {
		public := signer(s.key).Public()
		sum, err := (&jose.JSONWebKey{Key: public, Algorithm: s.alg.String()}).Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := keyOf(t, s.key, s.alg).Thumbprint(), base64.RawURLEncoding.EncodeToString(sum); got != want {
			t.Errorf("%s: thumbprint %s, want %s", s.key, got, want)
		}
	}
}

func TestAtMostFourKeysAreTried(t *testing.T) {
	// Keys under one kid: the fourth is tried, the fifth is not.
	other := func(i int) *verifier.Key {
		private := ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%032d", i)))
		key, err := verifier.NewKey("ed25519", verifier.EdDSA, private.Public())
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	right := keyOf(t, "ed25519", verifier.EdDSA)
	wrong := []*verifier.Key{other(1), other(2), other(3), other(4)}
	wantAccepted(t, listing(t, sourceOf(append(wrong[:3:3], right, wrong[3])...), verifier.EdDSA), tokenWith())
	keys := sourceOf(append(wrong[:4:4], right)...)
	wantRefused(t, listing(t, keys, verifier.EdDSA), tokenWith(), verifier.ErrSignature)
	if keys.rechecks != 1 {
		t.Errorf("%d rechecks, want 1", keys.rechecks)
	}
	// Keys that are bound to another algorithm do not count.
	unfit := keyNamed(t, "ed25519", "rsa-2048", verifier.RS256)
	wantAccepted(t, listing(t, exactly{unfit, unfit, unfit, unfit, unfit, right}, verifier.EdDSA), tokenWith())

	t.Run("a token without kid is tried with four", func(t *testing.T) {
		v := listing(t, sourceOf(append(wrong[:3:3], right)...), verifier.EdDSA)
		wantAccepted(t, v, headerWith("kid", ""))
		wantAccepted(t, v, headerWith("kid", `""`))
	})
	t.Run("and not at all where five fit", func(t *testing.T) {
		keys := sourceOf(append([]*verifier.Key{right}, wrong...)...)
		wantRefused(t, listing(t, keys, verifier.EdDSA), headerWith("kid", ""), verifier.ErrUnknownKey)
		if keys.rechecks != 0 {
			t.Errorf("%d rechecks, want none: newer keys would not help", keys.rechecks)
		}
		wantAccepted(t, listing(t, keys, verifier.EdDSA), tokenWith()) // with its kid it is fine
	})
}

func TestRecheckIsCalledWhenTheKeysDidNotDo(t *testing.T) {
	forged := signedBy(verifier.RS256, "rsa-2048-b")
	forged = goodHeaderFor(verifier.RS256, "rsa-2048") + forged[indexDot(forged):]
	for name, test := range map[string]struct {
		raw  string
		keys func(*source) verifier.KeySet
		want int
	}{
		"good token":       {signedBy(verifier.RS256, "rsa-2048"), plain, 0},
		"bad signature":    {forged, plain, 1},
		"unknown kid":      {signedBy(verifier.RS256, "rsa-2048-b"), plain, 0},
		"malformed":        {"a.b.c", plain, 0},
		"alg not allowed":  {tokenWith(), plain, 0},
		"no fitting key":   {signedBy(verifier.RS256, "rsa-2048"), func(s *source) verifier.KeySet { return unfiltered{s} }, 1},
		"keys unavailable": {signedBy(verifier.RS256, "rsa-2048"), func(s *source) verifier.KeySet { s.err = verifier.ErrKeysUnavailable; return s }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			keys := sourceOf(keyOf(t, "rsa-2048", verifier.RS256))
			_, err := listing(t, test.keys(keys), verifier.RS256).Verify(t.Context(), test.raw)
			if keys.rechecks != test.want {
				t.Errorf("%d rechecks, want %d (%v)", keys.rechecks, test.want, err)
			}
		})
	}
	// A source without the method does as well.
	wantRefused(t, listing(t, exactly{keyOf(t, "rsa-2048", verifier.RS256)}, verifier.RS256), forged, verifier.ErrSignature)
}

func plain(s *source) verifier.KeySet { return s }

// unfiltered is a source whose keys all state another algorithm.
type unfiltered struct{ *source }

func (u unfiltered) Keys(context.Context, string, verifier.Algorithm) ([]*verifier.Key, error) {
	key, err := verifier.NewKey("rsa-2048", verifier.PS256, signer("rsa-2048").Public())
	return []*verifier.Key{key}, err
}

func TestErrorsOfTheKeySource(t *testing.T) {
	cause := errors.New("dial tcp: refused")
	unavailable := &verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: 7e9, Err: cause}
	for name, test := range map[string]struct {
		err  error
		want verifier.Kind
	}{
		"an *Error is passed on":          {unavailable, verifier.ErrKeysUnavailable},
		"a Kind is given a place":         {verifier.ErrKeysUnavailable, verifier.ErrKeysUnavailable},
		"a plain error is unavailability": {cause, verifier.ErrKeysUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			v := listing(t, &source{err: test.err}, verifier.EdDSA)
			err := wantRefused(t, v, tokenWith(), test.want)
			if !errors.Is(err, test.err) || errors.Is(err, verifier.ErrInvalidToken) {
				t.Errorf("error %v loses its cause, or blames the token", err)
			}
		})
	}
	if got := verifier.RetryAfter(unavailable); got != 7e9 {
		t.Errorf("retry after %v, want 7s", got)
	}
}

// R23: what fails inside a source is the source's failure, though a timeout of its
// own looks like the end of the caller's context.
func TestR23OnlyTheCallersContextCancels(t *testing.T) {
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		v := listing(t, &source{err: fmt.Errorf("keys: %w", cause)}, verifier.EdDSA)
		if err := wantRefused(t, v, tokenWith(), verifier.ErrKeysUnavailable); !errors.Is(err, cause) {
			t.Errorf("error %v loses its cause", err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := v.Verify(ended, tokenWith())
		if wantKind(t, err, verifier.ErrCanceled); !errors.Is(err, cause) {
			t.Errorf("error %v loses its cause", err)
		}
	}
}

func TestKeySourceThatAnswersNonsense(t *testing.T) {
	for name, keys := range map[string]exactly{
		"a nil key":  {nil},
		"a zero key": {{}},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefused(t, listing(t, keys, verifier.EdDSA), tokenWith(), verifier.ErrUnknownKey)
			wantAccepted(t, listing(t, append(keys, keyOf(t, "ed25519", 0)), verifier.EdDSA), tokenWith())
		})
	}
}
