package jwks_test

import (
	"testing"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestStaticServesTheUsableKeys(t *testing.T) {
	source, err := jwks.NewStatic(testdata.Set("usable"))
	if err != nil {
		t.Fatal(err)
	}
	for kid, alg := range map[string]verifier.Algorithm{
		"rsa-2048": verifier.RS256, "p-256": verifier.ES256, "p-384": verifier.ES384, "p-521": verifier.ES512,
		"ed25519": verifier.Ed25519, "ml-dsa-44": verifier.MLDSA44, "ml-dsa-65": verifier.MLDSA65, "ml-dsa-87": verifier.MLDSA87,
	} {
		if finds(t, source, kid, alg) != 1 {
			t.Errorf("%s is not found", kid)
		}
	}
	if len(source.Skipped()) != 0 {
		t.Errorf("skipped %+v", source.Skipped())
	}
}

func TestStaticsSkippedKeysAreACopy(t *testing.T) {
	source := static(t, jwkOf(t, "p-256", nil), jwkOf(t, "p-256", members{"use": "enc"}))
	source.Skipped()[0].Reason = "changed"
	if source.Skipped()[0].Reason != "use is not sig" {
		t.Error("a caller changes the source")
	}
}
