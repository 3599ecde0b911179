package verifier_test

import (
	"encoding/json/v2"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// samples names every algorithm, and the key of package testdata that its token is
// signed with.
var samples = []struct {
	alg verifier.Algorithm
	key string
}{
	{verifier.RS256, "rsa-2048"},
	{verifier.RS384, "rsa-2048"},
	{verifier.RS512, "rsa-2048"},
	{verifier.PS256, "rsa-2048"},
	{verifier.PS384, "rsa-2048"},
	{verifier.PS512, "rsa-2048"},
	{verifier.ES256, "p-256"},
	{verifier.ES384, "p-384"},
	{verifier.ES512, "p-521"},
	{verifier.EdDSA, "ed25519"},
	{verifier.Ed25519, "ed25519"},
	{verifier.MLDSA44, "ml-dsa-44"},
	{verifier.MLDSA65, "ml-dsa-65"},
	{verifier.MLDSA87, "ml-dsa-87"},
}

// listing makes a Verifier with these algorithms and keys.
func listing(tb testing.TB, keys verifier.KeySet, algorithms ...verifier.Algorithm) *verifier.Verifier {
	tb.Helper()
	return verifierWith(tb, func(c *verifier.Config) { c.Algorithms, c.Keys = algorithms, keys })
}

// signedBy signs a good payload with any algorithm and key.
func signedBy(alg verifier.Algorithm, key string) string {
	header := goodHeader.object("alg", quote(alg.String()), "kid", quote(key))
	return jwstest.Sign(jws.Algorithm(alg), signer(key), header, goodPayload.object())
}

func TestEveryAlgorithmVerifies(t *testing.T) {
	for _, s := range samples {
		t.Run(s.alg.String(), func(t *testing.T) {
			stated := listing(t, sourceOf(keyOf(t, s.key, s.alg)), s.alg)
			token := wantAccepted(t, stated, testdata.Token(s.alg.String()))
			if token.Algorithm() != s.alg || token.KeyID() != s.key || token.Subject() != "alice" {
				t.Errorf("got %v, %q, %q", token.Algorithm(), token.KeyID(), token.Subject())
			}
			wantAccepted(t, stated, signedBy(s.alg, s.key))
			if strings.HasPrefix(s.alg.String(), "ML-DSA") {
				return // its keys always state the algorithm
			}
			wantAccepted(t, listing(t, sourceOf(keyOf(t, s.key, 0)), s.alg), testdata.Token(s.alg.String()))
		})
	}
}

func TestR39AllowlistComesBeforeAnyKeyLookup(t *testing.T) {
	for _, s := range samples {
		if s.alg == verifier.EdDSA {
			continue
		}
		t.Run(s.alg.String(), func(t *testing.T) {
			keys := sourceOf(keyOf(t, s.key, s.alg))
			wantRefused(t, listing(t, keys, verifier.EdDSA), signedBy(s.alg, s.key), verifier.ErrAlgorithm)
			if len(keys.asked) > 0 {
				t.Errorf("the key source was asked for %q", keys.asked)
			}
		})
	}
}

func TestR40TokenAlgEqualsTheKeysAlg(t *testing.T) {
	all := []verifier.Algorithm{verifier.RS256, verifier.RS512, verifier.PS256, verifier.ES256, verifier.EdDSA}
	key := keyOf(t, "rsa-2048", verifier.RS256)
	t.Run("another alg of the same key type, from a source that filters", func(t *testing.T) {
		wantRefused(t, listing(t, sourceOf(key), all...), signedBy(verifier.PS256, "rsa-2048"), verifier.ErrUnknownKey)
	})
	for _, alg := range []verifier.Algorithm{verifier.PS256, verifier.RS512} {
		t.Run(alg.String()+" of the same key type, from a source that does not filter", func(t *testing.T) {
			wantRefused(t, listing(t, exactly{key}, all...), signedBy(alg, "rsa-2048"), verifier.ErrUnknownKey)
		})
	}
	t.Run("a key of another type", func(t *testing.T) {
		wantRefused(t, listing(t, exactly{keyOf(t, "p-256", verifier.ES256), keyOf(t, "ed25519", 0)}, all...), signedBy(verifier.RS256, "rsa-2048"), verifier.ErrUnknownKey)
	})
	t.Run("a key on another curve", func(t *testing.T) {
		wantRefused(t, listing(t, exactly{keyOf(t, "p-384", 0)}, verifier.ES256, verifier.ES384), signedBy(verifier.ES256, "p-256"), verifier.ErrUnknownKey)
	})
}

func TestR41KeyWithoutAlgIsBoundToTheFirstAlgorithmThatFits(t *testing.T) {
	key := keyOf(t, "rsa-2048", 0)
	for name, test := range map[string]struct {
		listed   []verifier.Algorithm
		accepted verifier.Algorithm
		refused  verifier.Algorithm
	}{
		"RS256 first":        {[]verifier.Algorithm{verifier.RS256, verifier.PS256}, verifier.RS256, verifier.PS256},
		"PS256 first":        {[]verifier.Algorithm{verifier.PS256, verifier.RS256}, verifier.PS256, verifier.RS256},
		"ES256 fits nothing": {[]verifier.Algorithm{verifier.ES256, verifier.RS512, verifier.RS256}, verifier.RS512, verifier.RS256},
	} {
		t.Run(name, func(t *testing.T) {
			keys := sourceOf(key)
			v := listing(t, keys, test.listed...)
			wantAccepted(t, v, signedBy(test.accepted, "rsa-2048"))
			wantRefused(t, v, signedBy(test.refused, "rsa-2048"), verifier.ErrUnknownKey)
			if keys.rechecks != 1 {
				t.Errorf("the source was told %d times that its key does not fit, want 1", keys.rechecks)
			}
		})
	}
	t.Run("EdDSA and Ed25519 are one algorithm", func(t *testing.T) {
		v := listing(t, sourceOf(keyOf(t, "ed25519", 0)), verifier.EdDSA, verifier.Ed25519)
		wantAccepted(t, v, signedBy(verifier.EdDSA, "ed25519"))
		wantAccepted(t, v, signedBy(verifier.Ed25519, "ed25519"))
	})
}

func TestR42HMACIsNotExpressible(t *testing.T) {
	for _, name := range []string{"HS256", "HS384", "HS512", "none", "RSA-OAEP", "dir", "ES256K", "Ed448", "", "rs256", "RS256 "} {
		if alg, err := verifier.ParseAlgorithm(name); err == nil || alg != 0 {
			t.Errorf("ParseAlgorithm(%q) is %v", name, alg)
		}
		if name == "" {
			continue
		}
		all := make([]verifier.Algorithm, 0, len(samples))
		for _, s := range samples {
			all = append(all, s.alg)
		}
		wantRefused(t, listing(t, exactly{keyOf(t, "ed25519", 0)}, all...), headerWith("alg", quote(name)), verifier.ErrAlgorithm)
	}
	if key, err := verifier.NewKey("shared", 0, []byte("a secret of thirty-two octets...")); err == nil || key != nil {
		t.Error("a symmetric key was taken")
	}
}

func TestR47Ed25519NamesAreAcceptedOnlyIfListed(t *testing.T) {
	for _, stated := range []verifier.Algorithm{0, verifier.EdDSA, verifier.Ed25519} {
		key := keyOf(t, "ed25519", stated)
		for _, listed := range []verifier.Algorithm{verifier.EdDSA, verifier.Ed25519} {
			other := verifier.EdDSA + verifier.Ed25519 - listed
			wantAccepted(t, listing(t, sourceOf(key), listed), signedBy(listed, "ed25519"))
			wantRefused(t, listing(t, sourceOf(key), listed), signedBy(other, "ed25519"), verifier.ErrAlgorithm)
		}
	}
}

func TestR52KidIsComparedExactly(t *testing.T) {
	key := keyNamed(t, "Kid", "ed25519", verifier.EdDSA)
	v := listing(t, sourceOf(key), verifier.EdDSA)
	wantAccepted(t, v, headerWith("kid", `"Kid"`))
	wantAccepted(t, v, headerWith("kid", `"\u004bid"`))
	for _, kid := range []string{"kid", "KID", "Kid ", "Kid\x00", "Ki", "Kid2", "\u212aid"} {
		keys := sourceOf(key)
		wantRefused(t, listing(t, keys, verifier.EdDSA), headerWith("kid", quote(kid)), verifier.ErrUnknownKey)
		if len(keys.asked) != 1 || keys.asked[0] != kid+" EdDSA" {
			t.Errorf("the source was asked %q, want the kid as written", keys.asked)
		}
	}
}

func TestAlgorithmText(t *testing.T) {
	for _, s := range samples {
		name := s.alg.String()
		if got, err := verifier.ParseAlgorithm(name); err != nil || got != s.alg {
			t.Errorf("ParseAlgorithm(%q) = %v, %v", name, got, err)
		}
		text, err := json.Marshal([]verifier.Algorithm{s.alg})
		if err != nil || string(text) != `["`+name+`"]` {
			t.Errorf("marshalled %s, %v", text, err)
		}
		var back []verifier.Algorithm
		if err := json.Unmarshal(text, &back); err != nil || len(back) != 1 || back[0] != s.alg {
			t.Errorf("unmarshalled %v, %v", back, err)
		}
	}
	for _, none := range []verifier.Algorithm{0, verifier.MLDSA87 + 1, 255} {
		if text, err := none.MarshalText(); err == nil {
			t.Errorf("%d marshals as %q", uint8(none), text)
		}
		if none.String() != "" {
			t.Errorf("%d is called %q", uint8(none), none)
		}
	}
	var alg verifier.Algorithm
	if err := alg.UnmarshalText([]byte("HS256")); err == nil || alg != 0 {
		t.Errorf("HS256 unmarshals as %v", alg)
	}
	_, err := verifier.ParseAlgorithm(strings.Repeat("x", 1000) + "\n")
	if err == nil || len(err.Error()) > 200 || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is not quoted and cut: %v", err)
	}
}
