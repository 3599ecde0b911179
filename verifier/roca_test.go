package verifier_test

import (
	"crypto/rsa"
	"math/big"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/verifier"
)

// marked returns an odd number of so many bits that is a power of 65537 modulo each
// prime up to 167.
func marked(bits int) *big.Int {
	product := big.NewInt(1)
	for p := int64(2); p <= 167; p++ {
		if big.NewInt(p).ProbablyPrime(0) {
			product.Mul(product, big.NewInt(p))
		}
	}
	n := new(big.Int).Exp(big.NewInt(65537), big.NewInt(12345), product)
	top := new(big.Int).Lsh(big.NewInt(3), uint(bits-2))
	return n.Add(n, top.Sub(top, new(big.Int).Mod(top, product)))
}

func TestR43RSAKeysOfTheFaultyGeneratorAreRefused(t *testing.T) {
	for _, bits := range []int{2048, 3072, 4096} {
		n := marked(bits)
		if n.BitLen() != bits {
			t.Fatalf("%d bits, want %d", n.BitLen(), bits)
		}
		_, err := verifier.NewKey("a", verifier.RS256, &rsa.PublicKey{N: n, E: 65537})
		if err == nil || !strings.Contains(err.Error(), "CVE-2017-15361") {
			t.Errorf("%d bits: error %v", bits, err)
		}
		// A multiple of 167 lacks the mark.
		for n.Add(n, big.NewInt(2)); new(big.Int).Mod(n, big.NewInt(167)).Sign() != 0; {
			n.Add(n, big.NewInt(2))
		}
		if _, err := verifier.NewKey("a", verifier.RS256, &rsa.PublicKey{N: n, E: 65537}); err != nil {
			t.Errorf("%d bits, without the mark: %v", bits, err)
		}
	}
}
