package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
)

var (
	errKey       = errors.New("jws: the key does not fit the algorithm")
	errSignature = errors.New("jws: the signature does not verify")
	errLength    = errors.New("jws: the signature has the wrong length")
)

// Check verifies sig over signed with a key that fits the algorithm. It returns
// nil only for a good signature.
func Check(a Algorithm, public crypto.PublicKey, signed, sig []byte) error {
	if !a.Fits(public) {
		return errKey
	}
	row := &table[a]
	if row.size != 0 && len(sig) != row.size {
		return errLength // RFC 7518 §3.4: R‖S of one length; a DER signature ends here
	}
	switch row.scheme {
	case pkcs1v15:
		return checkPKCS1v15(row.hash, public.(*rsa.PublicKey), signed, sig)
	case pss:
		return checkPSS(row.hash, public.(*rsa.PublicKey), signed, sig)
	case ecdsaP1363:
		return checkECDSA(row.hash, public.(*ecdsa.PublicKey), signed, sig)
	case ed25519Pure:
		return checkEd25519(public.(ed25519.PublicKey), signed, sig)
	case mldsaPure:
		return checkMLDSA(public.(*mldsa.PublicKey), signed, sig)
	}
	return errKey
}

// checkPKCS1v15 is RFC 7518 §3.3.
func checkPKCS1v15(hash crypto.Hash, key *rsa.PublicKey, signed, sig []byte) error {
	var sum [sha512.Size]byte
	if rsa.VerifyPKCS1v15(key, hash, digest(hash, &sum, signed), sig) != nil {
		return errSignature
	}
	return nil
}

// checkPSS is RFC 7518 §3.5: MGF1 with the same hash, and a salt as long as it.
func checkPSS(hash crypto.Hash, key *rsa.PublicKey, signed, sig []byte) error {
	var sum [sha512.Size]byte
	options := rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	if rsa.VerifyPSS(key, hash, digest(hash, &sum, signed), sig, &options) != nil {
		return errSignature
	}
	return nil
}

// checkECDSA is RFC 7518 §3.4; crypto/ecdsa refuses R and S outside [1, N-1].
func checkECDSA(hash crypto.Hash, key *ecdsa.PublicKey, signed, sig []byte) error {
	var sum [sha512.Size]byte
	if !ecdsa.VerifyASN1(key, digest(hash, &sum, signed), asDER(sig)) {
		return errSignature
	}
	return nil
}

// asDER writes R‖S as an ECDSA-Sig-Value (RFC 3279 §2.2.3). ecdsa.Verify makes one of two
// big.Ints, with ten allocations more for ES256.
func asDER(sig []byte) []byte {
	numbers := make([]byte, 0, len(sig)+6)
	numbers = appendInteger(numbers, sig[:len(sig)/2])
	numbers = appendInteger(numbers, sig[len(sig)/2:])
	der := append(make([]byte, 0, len(numbers)+3), 0x30)
	if len(numbers) >= 0x80 { // ITU-T X.690 §8.1.3: the length has more than seven bits
		der = append(der, 0x81)
	}
	return append(append(der, byte(len(numbers))), numbers...)
}

// appendInteger writes a number that is given with its highest octet first, in as few
// octets as there can be for one that is not negative (ITU-T X.690 §8.3).
func appendInteger(der, number []byte) []byte {
	for len(number) > 1 && number[0] == 0 {
		number = number[1:]
	}
	if number[0] >= 0x80 {
		return append(append(der, 0x02, byte(len(number)+1), 0), number...)
	}
	return append(append(der, 0x02, byte(len(number))), number...)
}

// checkEd25519 is RFC 8037 §3.1.
func checkEd25519(key ed25519.PublicKey, signed, sig []byte) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, signed, sig) {
		return errSignature
	}
	return nil
}

// checkMLDSA is ML-DSA of RFC 9964, which leaves the context empty.
func checkMLDSA(key *mldsa.PublicKey, signed, sig []byte) error {
	if mldsa.Verify(key, signed, sig, nil) != nil {
		return errSignature
	}
	return nil
}

// digest hashes into the caller's array, so that no hash is allocated.
func digest(hash crypto.Hash, sum *[sha512.Size]byte, signed []byte) []byte {
	switch hash {
	case crypto.SHA256:
		s := sha256.Sum256(signed)
		return append(sum[:0], s[:]...)
	case crypto.SHA384:
		s := sha512.Sum384(signed)
		return append(sum[:0], s[:]...)
	default:
		s := sha512.Sum512(signed)
		return append(sum[:0], s[:]...)
	}
}
