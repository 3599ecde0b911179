package jws_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
)

var text = []byte("what is signed")

func TestCheckAcceptsOnlyTheSignedTextUnderItsKeyAndAlgorithm(t *testing.T) {
	for _, s := range samples {
		t.Run(s.alg.String(), func(t *testing.T) {
			signature := jwstest.Signature(s.alg, testdata.Key(s.key), text)
			if err := jws.Check(s.alg, public(s.key), text, signature); err != nil {
				t.Fatal(err)
			}
			if jws.Check(s.alg, public(s.key), []byte("what is  signed"), signature) == nil {
				t.Error("accepts another text")
			}
			for _, other := range samples {
				good := s.alg.Same(other.alg) && s.key == other.key
				if err := jws.Check(other.alg, public(other.key), text, signature); (err == nil) != good {
					t.Errorf("as %v under %s: %v", other.alg, other.key, err)
				}
			}
			for i := 0; i < len(signature); i += 1 + len(signature)/64 {
				signature[i] ^= 1
				if jws.Check(s.alg, public(s.key), text, signature) == nil {
					t.Errorf("accepts with octet %d changed", i)
				}
				signature[i] ^= 1
			}
			for name, bad := range map[string][]byte{
				"none": nil, "cut": signature[:len(signature)-1], "long": append(signature[:len(signature):len(signature)], 0), "zeros": make([]byte, len(signature)),
				"a zero before": append([]byte{0}, signature...),
			} {
				if jws.Check(s.alg, public(s.key), text, bad) == nil {
					t.Errorf("accepts a signature that is %s", name)
				}
			}
		})
	}
	if jws.Check(jws.RS256, public("rsa-2048-b"), text, jwstest.Signature(jws.RS256, testdata.Key("rsa-2048"), text)) == nil {
		t.Error("accepts under another key")
	}
}

func TestR44PSSSaltIsAsLongAsTheHash(t *testing.T) {
	key := testdata.Key("rsa-2048").(*rsa.PrivateKey)
	sum := sha256.Sum256(text)
	for salt, want := range map[int]bool{32: true, 31: false, 33: false, 20: false, rsa.PSSSaltLengthAuto: false, 1: false} {
		signature, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		if err := jws.Check(jws.PS256, key.Public(), text, signature); (err == nil) != want {
			t.Errorf("salt of %d octets: %v", salt, err)
		}
	}
}

func TestR45ECDSASignatureIsRAndSOfFullLength(t *testing.T) {
	for _, test := range []struct {
		alg  jws.Algorithm
		key  string
		half int
	}{{jws.ES256, "p-256", 32}, {jws.ES384, "p-384", 48}, {jws.ES512, "p-521", 66}} {
		t.Run(test.alg.String(), func(t *testing.T) {
			key := testdata.Key(test.key).(*ecdsa.PrivateKey)
			good := jwstest.Signature(test.alg, key, text)
			if len(good) != 2*test.half {
				t.Fatalf("a signature of %d octets", len(good))
			}
			if err := jws.Check(test.alg, key.Public(), text, good); err != nil {
				t.Fatal(err)
			}
			r, s, n := new(big.Int).SetBytes(good[:test.half]), new(big.Int).SetBytes(good[test.half:]), key.Curve.Params().N
			joined := func(r, s *big.Int) []byte {
				signature := make([]byte, 2*test.half)
				r.FillBytes(signature[:test.half])
				s.FillBytes(signature[test.half:])
				return signature
			}
			sum := sha512.Sum512(text)
			if test.alg == jws.ES256 {
				short := sha256.Sum256(text)
				copy(sum[:], short[:])
			}
			der, err := ecdsa.SignASN1(rand.Reader, key, sum[:test.half&^15])
			if err != nil {
				t.Fatal(err)
			}
			bad := map[string][]byte{
				"DER":        der,
				"r zero":     joined(new(big.Int), s),
				"s zero":     joined(r, new(big.Int)),
				"both zero":  make([]byte, 2*test.half), // CVE-2022-21449
				"r is n":     joined(n, s),
				"s is n":     joined(r, n),
				"all ones":   joined(new(big.Int).Sub(n, big.NewInt(-1)), new(big.Int).Sub(n, big.NewInt(-1))),
				"one zero":   append(good[:len(good):len(good)], 0),
				"S and R":    append(good[test.half:len(good):len(good)], good[:test.half]...),
				"only R":     good[:test.half],
				"no leading": joined(r, s)[1:],
			}
			if sum := new(big.Int).Add(r, n); sum.BitLen() <= 8*test.half {
				bad["r plus n"] = joined(sum, s)
			}
			for name, signature := range bad {
				if jws.Check(test.alg, key.Public(), text, signature) == nil {
					t.Errorf("accepts %s", name)
				}
			}
		})
	}
}

// R‖S is written as encoding/asn1 would, whatever R and S are.
func TestECDSASignatureAsDER(t *testing.T) {
	for _, half := range []int{32, 48, 66} {
		zero, small, high := make([]byte, half), make([]byte, half), bytes.Repeat([]byte{0xff}, half)
		small[half-1] = 0x7f
		random := make([]byte, half)
		for zeros := range half {
			if _, err := rand.Read(random[zeros:]); err != nil {
				t.Fatal(err)
			}
			clear(random[:zeros])
			for _, r := range [][]byte{zero, small, high, random} {
				for _, s := range [][]byte{zero, small, high, random} {
					want, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)})
					if err != nil {
						t.Fatal(err)
					}
					if got := jws.AsDER(slices.Concat(r, s)); !bytes.Equal(got, want) {
						t.Fatalf("R %x and S %x are %x, want %x", r, s, got, want)
					}
				}
			}
		}
	}
}

func TestR47R48SignatureLengths(t *testing.T) {
	for alg, length := range map[jws.Algorithm]int{
		jws.ES256: 64, jws.ES384: 96, jws.ES512: 132, jws.EdDSA: 64, jws.Ed25519: 64, jws.MLDSA44: 2420, jws.MLDSA65: 3309, jws.MLDSA87: 4627,
	} {
		for _, s := range samples {
			if s.alg != alg {
				continue
			}
			if got := len(jwstest.Signature(alg, testdata.Key(s.key), text)); got != length {
				t.Errorf("%v signs with %d octets, want %d", alg, got, length)
			}
			for _, wrong := range []int{0, length - 1, length + 1, 2 * length} {
				wantFault(t, jws.Check(alg, public(s.key), text, make([]byte, wrong)), "wrong length")
			}
			wantFault(t, jws.Check(alg, public(s.key), text, make([]byte, length)), "does not verify")
		}
	}
}

func TestR48MLDSAContextIsEmpty(t *testing.T) {
	key := testdata.Key("ml-dsa-44").(*mldsa.PrivateKey)
	for context, want := range map[string]bool{"": true, "JWT": false} {
		signature, err := key.Sign(nil, text, &mldsa.Options{Context: context})
		if err != nil {
			t.Fatal(err)
		}
		if err := jws.Check(jws.MLDSA44, key.Public(), text, signature); (err == nil) != want {
			t.Errorf("context %q: %v", context, err)
		}
	}
}

func TestR40AlgorithmFitsKeyTypeAndCurve(t *testing.T) {
	for _, s := range samples {
		for _, other := range samples {
			want := s.key == other.key
			if got := s.alg.Fits(public(other.key)); got != want {
				t.Errorf("%v fits %s: %t", s.alg, other.key, got)
			}
		}
		for name, key := range map[string]crypto.PublicKey{
			"nil": nil, "a text": "key", "a secret": []byte("secret"), "a private key": testdata.Key(s.key), "a key without curve": &ecdsa.PublicKey{},
			"P-224": &ecdsa.PublicKey{Curve: elliptic.P224()},
		} {
			if s.alg.Fits(key) {
				t.Errorf("%v fits %s", s.alg, name)
			}
		}
	}
	for _, none := range []jws.Algorithm{0, jws.MLDSA87 + 1, 255} {
		if none.Fits(public("rsa-2048")) || none.Valid() || jws.Check(none, public("rsa-2048"), text, make([]byte, 256)) == nil {
			t.Errorf("%d is an algorithm", none)
		}
	}
}
