package verifier

import "math/big"

// hasROCA reports whether a modulus has the mark of a generator of smart cards whose
// keys can be factored (ROCA, CVE-2017-15361): its primes, and so the modulus too, are
// powers of 65537 modulo each of the first primes. An honest modulus has the mark with
// a probability below 2⁻²⁷.
func hasROCA(modulus *big.Int) bool {
	var remainder, divisor big.Int
	for _, prime := range [...]int64{
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71,
		73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
	} {
		remainder.Mod(modulus, divisor.SetInt64(prime))
		if !isPowerOf65537(remainder.Int64(), prime) {
			return false
		}
	}
	return true
}

// isPowerOf65537 reports whether a remainder is one modulo a prime.
func isPowerOf65537(remainder, prime int64) bool {
	for power := int64(1); ; {
		if power == remainder {
			return true
		}
		if power = power * 65537 % prime; power == 1 {
			return false
		}
	}
}
