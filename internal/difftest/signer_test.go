package difftest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/json/v2"
	"math/big"
	"strings"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
)

// signer is one of the ways in which a token is signed: an index of signers.
type signer int

// The signers. The last two sign nothing.
const (
	ed25519Signer   signer = iota
	unencodedSigner        // over the payload itself, which is what "b64":false asks for (RFC 7797)
	es256Signer
	es384Signer // its key is for encryption
	rs256Signer
	rs384Signer // the key of rs256Signer, which is bound to RS256
	ps256Signer
	saltSigner // PS256 with a salt of 20 octets
	weakSigner // RS256 with 1024 bits
	mldsaSigner
	longSigner // its kid is too long
	unsigned   // an empty signature
	verbatim   // the header is the token
	numSigners
)

// signers says what each signs with, and under which kid its key is published.
var signers = [numSigners]struct {
	kid    string
	alg    jws.Algorithm
	key    crypto.Signer
	change string // members of its JWK beside those of the key
}{
	ed25519Signer:   {"ed", jws.EdDSA, testdata.Key("ed25519"), `"use":"sig"`},
	unencodedSigner: {kid: "ed", alg: jws.EdDSA, key: testdata.Key("ed25519")},
	es256Signer:     {"ec", jws.ES256, testdata.Key("p-256"), `"alg":"ES256"`},
	es384Signer:     {"enc", jws.ES384, testdata.Key("p-384"), `"use":"enc"`},
	rs256Signer:     {"rsa", jws.RS256, testdata.Key("rsa-2048"), ``},
	rs384Signer:     {kid: "rsa", alg: jws.RS384, key: testdata.Key("rsa-2048")},
	ps256Signer:     {"pss", jws.PS256, testdata.Key("rsa-2048-b"), `"alg":"PS256"`},
	saltSigner:      {kid: "pss", alg: jws.PS256, key: testdata.Key("rsa-2048-b")},
	weakSigner:      {"weak", jws.RS256, testdata.Key("rsa-1024"), `"alg":"RS256"`},
	mldsaSigner:     {"mldsa", jws.MLDSA44, testdata.Key("ml-dsa-44"), ``},
	longSigner:      {strings.Repeat("k", 257), jws.EdDSA, testdata.Key("ed25519"), ``},
	unsigned:        {kid: "none"},
	verbatim:        {kid: "verbatim"},
}

// publishedSet is the JWK set that both sides are given: one key for each kid above.
func publishedSet() []byte {
	var keys []string
	for s, row := range signers {
		if row.key == nil || signer(s) == unencodedSigner || signer(s) == rs384Signer || signer(s) == saltSigner {
			continue
		}
		name := [numSigners]string{"ed25519", "", "p-256", "p-384", "rsa-2048", "", "rsa-2048-b", "", "rsa-1024", "ml-dsa-44", "ed25519"}[s]
		var members map[string]any
		if err := json.Unmarshal(testdata.PublicJWK(name), &members); err != nil {
			panic(err)
		}
		if err := json.Unmarshal([]byte("{"+row.change+"}"), &members); err != nil {
			panic(err)
		}
		members["kid"] = row.kid
		jwk, err := json.Marshal(members, json.Deterministic(true))
		if err != nil {
			panic(err)
		}
		keys = append(keys, string(jwk))
	}
	return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`)
}

// goodToken is what parts are swapped with.
var goodToken = ed25519Signer.sign(goodHeader.String(), goodPayload.String())

// sign makes a token of any header and payload.
func (s signer) sign(header, payload string) string {
	row := &signers[s]
	signed := jwstest.Encode(header) + "." + jwstest.Encode(payload)
	var signature []byte
	switch s {
	case verbatim:
		return header
	case unsigned:
	case unencodedSigner:
		signature = jwstest.Signature(row.alg, row.key, []byte(jwstest.Encode(header)+"."+payload))
	case es256Signer, es384Signer:
		signature = signECDSA(row.key.(*ecdsa.PrivateKey), row.alg, []byte(signed))
	case saltSigner:
		sum := sha256.Sum256([]byte(signed))
		var err error
		signature, err = rsa.SignPSS(rand.Reader, row.key.(*rsa.PrivateKey), crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: 20})
		if err != nil {
			panic(err)
		}
	default:
		signature = jwstest.Signature(row.alg, row.key, []byte(signed))
	}
	return signed + "." + jwstest.Encode(signature)
}

// signECDSA signs without randomness (RFC 6979), so that an input can be made again.
func signECDSA(key *ecdsa.PrivateKey, alg jws.Algorithm, signed []byte) []byte {
	hash, size := crypto.SHA256, 32
	if alg == jws.ES384 {
		hash, size = crypto.SHA384, 48
	}
	h := hash.New()
	h.Write(signed)
	der, err := key.Sign(nil, h.Sum(nil), hash)
	if err != nil {
		panic(err)
	}
	var numbers struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &numbers); err != nil {
		panic(err)
	}
	signature := make([]byte, 2*size)
	numbers.R.FillBytes(signature[:size])
	numbers.S.FillBytes(signature[size:])
	return signature
}
