// Command generate writes the keys, JWK sets and tokens of package testdata into
// the current directory: run go generate there. Each run makes new keys.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
)

// sample is a key, and the algorithms that a token is made with.
type sample struct {
	name       string
	generate   func() (crypto.Signer, error)
	algorithms []jws.Algorithm
}

func samples() []sample {
	return []sample{
		{"rsa-2048", rsaKey(2048), []jws.Algorithm{jws.RS256, jws.RS384, jws.RS512, jws.PS256, jws.PS384, jws.PS512}},
		{"rsa-2048-b", rsaKey(2048), nil},
		{"rsa-3072", rsaKey(3072), nil},
		{"rsa-4096", rsaKey(4096), nil},
		{"rsa-1024", rsaKey(1024), nil}, // for refusal
		{"p-256", ecKey(elliptic.P256()), []jws.Algorithm{jws.ES256}},
		{"p-384", ecKey(elliptic.P384()), []jws.Algorithm{jws.ES384}},
		{"p-521", ecKey(elliptic.P521()), []jws.Algorithm{jws.ES512}},
		{"ed25519", edKey, []jws.Algorithm{jws.EdDSA, jws.Ed25519}},
		{"ml-dsa-44", mlKey(mldsa.MLDSA44()), []jws.Algorithm{jws.MLDSA44}},
		{"ml-dsa-65", mlKey(mldsa.MLDSA65()), []jws.Algorithm{jws.MLDSA65}},
		{"ml-dsa-87", mlKey(mldsa.MLDSA87()), []jws.Algorithm{jws.MLDSA87}},
	}
}

const payload = `{"iss":"https://id.example.com","sub":"alice","aud":"todo-api","iat":1767225600,"exp":1767229200,"jti":"sample","scope":"todos:read todos:write"}`

func main() {
	log.SetFlags(0)
	var usable, all jose.JSONWebKeySet
	for _, s := range samples() {
		key, err := s.generate()
		check(err)
		private := jose.JSONWebKey{Key: key, KeyID: s.name, Use: "sig"}
		if _, ok := key.(*mldsa.PrivateKey); ok {
			private.Algorithm = s.algorithms[0].String() // RFC 9964 §3 wants it
		}
		write("keys/"+s.name+".json", marshal(private))
		public := private.Public()
		all.Keys = append(all.Keys, public)
		if s.name != "rsa-1024" {
			usable.Keys = append(usable.Keys, public)
		}
		for _, alg := range s.algorithms {
			header := fmt.Sprintf(`{"alg":%q,"typ":"at+jwt","kid":%q}`, alg, s.name)
			write("tokens/"+alg.String()+".jwt", []byte(jwstest.Sign(alg, key, header, payload)))
		}
	}
	write("sets/usable.json", marshal(usable))
	write("sets/with-1024.json", marshal(all))
}

func rsaKey(bits int) func() (crypto.Signer, error) {
	return func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, bits) }
}

func ecKey(curve elliptic.Curve) func() (crypto.Signer, error) {
	return func() (crypto.Signer, error) { return ecdsa.GenerateKey(curve, rand.Reader) }
}

func edKey() (crypto.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

func mlKey(parameters mldsa.Parameters) func() (crypto.Signer, error) {
	return func() (crypto.Signer, error) { return mldsa.GenerateKey(parameters) }
}

func marshal(value any) []byte {
	data, err := json.Marshal(value, jsontext.WithIndent("  "))
	check(err)
	return append(data, '\n')
}

func write(path string, data []byte) {
	check(os.MkdirAll(filepath.Dir(path), 0o755))
	check(os.WriteFile(path, data, 0o600))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
