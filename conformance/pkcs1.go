package conformance

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // a forgery is made with it
	"encoding/asn1"
	"errors"
	"math/big"
)

// The forgeries of PKCS #1 v1.5 (RFC 8017 §8.2) are made with the private key, which an
// attacker has not. What they stand for is a verifier that reads the padding instead
// of comparing it: with a small exponent, some of them need no private key.

// digestInfo is the DigestInfo of RFC 8017 §9.2.
type digestInfo struct {
	Algorithm struct {
		ID         asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}
	Digest []byte
}

var errNotRSA = errors.New("not an RSA key")

// asn1Null are the parameters that RFC 8017 §9.2 asks for.
func asn1Null() asn1.RawValue { return asn1.RawValue{Tag: asn1.TagNull} }

// info writes the DigestInfo of the hash in Hash.
func (f forgery) info(parameters asn1.RawValue) ([]byte, error) {
	var d digestInfo
	d.Algorithm.ID = map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.SHA1:   {1, 3, 14, 3, 2, 26},
		crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1},
		crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2},
		crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
	}[f.hashID()]
	d.Algorithm.Parameters = parameters
	d.Digest = f.digest()
	return asn1.Marshal(d)
}

// padded puts a block type, a padding of one octet, as much as fits, and a zero
// before what is to be signed.
func (f forgery) padded(blockType, padding byte, info []byte) ([]byte, error) {
	key, ok := f.key.(*rsa.PrivateKey)
	if !ok {
		return nil, errNotRSA
	}
	block := append([]byte{0, blockType}, bytes.Repeat([]byte{padding}, key.Size()-len(info)-3)...)
	return f.power(append(append(block, 0), info...))
}

// power is the bare RSA operation with the private key.
func (f forgery) power(block []byte) ([]byte, error) {
	key, ok := f.key.(*rsa.PrivateKey)
	if !ok {
		return nil, errNotRSA
	}
	number := new(big.Int).Exp(new(big.Int).SetBytes(block), key.D, key.N)
	return number.FillBytes(make([]byte, key.Size())), nil
}

// v15 is a well-formed signature with the hash of Hash.
func (f forgery) v15() ([]byte, error) {
	info, err := f.info(asn1Null())
	if err != nil {
		return nil, err
	}
	return f.padded(1, 0xff, info)
}

func (f forgery) v15WithoutNull() ([]byte, error) {
	info, err := f.info(asn1.RawValue{})
	if err != nil {
		return nil, err
	}
	return f.padded(1, 0xff, info)
}

// v15Parameters hides octets of the forger's choice in the parameters.
func (f forgery) v15Parameters() ([]byte, error) {
	info, err := f.info(asn1.RawValue{Tag: asn1.TagOctetString, Bytes: make([]byte, 64)})
	if err != nil {
		return nil, err
	}
	return f.padded(1, 0xff, info)
}

func (f forgery) v15WithoutID() ([]byte, error) { return f.padded(1, 0xff, f.digest()) }

func (f forgery) v15Type2() ([]byte, error) {
	info, err := f.info(asn1Null())
	if err != nil {
		return nil, err
	}
	return f.padded(2, 0xff, info)
}

func (f forgery) v15OtherPadding() ([]byte, error) {
	info, err := f.info(asn1Null())
	if err != nil {
		return nil, err
	}
	return f.padded(1, 0xfe, info)
}

// v15Trailing has octets behind the hash, in the room of the padding: the forgery of
// Bleichenbacher, 2006.
func (f forgery) v15Trailing() ([]byte, error) {
	info, err := f.info(asn1Null())
	if err != nil {
		return nil, err
	}
	return f.padded(1, 0xff, append(info, make([]byte, 32)...))
}

// v15ShortPadding has no more than the eight octets of padding that are the least,
// and the rest behind the hash.
func (f forgery) v15ShortPadding() ([]byte, error) {
	key, ok := f.key.(*rsa.PrivateKey)
	if !ok {
		return nil, errNotRSA
	}
	info, err := f.info(asn1Null())
	if err != nil {
		return nil, err
	}
	return f.padded(1, 0xff, append(info, make([]byte, key.Size()-3-8-len(info))...))
}

// v15LongForm writes the outer length in two octets, as BER allows and DER does not.
func (f forgery) v15LongForm() ([]byte, error) {
	info, err := f.info(asn1Null())
	if err != nil {
		return nil, err
	}
	return f.padded(1, 0xff, append([]byte{info[0], 0x81}, info[1:]...))
}

// plusModulus writes the signature's number plus the modulus, in one octet more.
func (f forgery) plusModulus() ([]byte, error) {
	key, ok := f.key.(*rsa.PrivateKey)
	if !ok {
		return nil, errNotRSA
	}
	number := new(big.Int).Add(new(big.Int).SetBytes(f.real()), key.N)
	return number.FillBytes(make([]byte, key.Size()+1)), nil
}

// modulusLess is the modulus minus the signature's number.
func (f forgery) modulusLess() ([]byte, error) {
	key, ok := f.key.(*rsa.PrivateKey)
	if !ok {
		return nil, errNotRSA
	}
	number := new(big.Int).Sub(key.N, new(big.Int).SetBytes(f.real()))
	return number.FillBytes(make([]byte, key.Size())), nil
}
