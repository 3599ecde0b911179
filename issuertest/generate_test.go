package issuertest_test

import (
	"crypto/rsa"
	"testing"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

// Making RSA keys is what would make users' tests slow.
func TestRSAKeysOfEndedTestsAreUsedAgain(t *testing.T) {
	var old *rsa.PublicKey
	t.Run("first", func(t *testing.T) {
		old = issuertest.Start(t).AddKey(verifier.PS256).Public().(*rsa.PublicKey)
		if other := issuertest.Start(t).AddKey(verifier.PS256).Public(); old.Equal(other) {
			t.Error("two issuers of one test have the same key")
		}
	})
	idp := issuertest.Start(t)
	a, b := idp.AddKey(verifier.RS512), idp.AddKey(verifier.RS512)
	if old.Equal(a.Public()) == old.Equal(b.Public()) {
		t.Error("the key of the test that has ended was not taken, or taken twice")
	}
}
