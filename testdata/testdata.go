// Package testdata holds generated keys, JWK sets and tokens for tests. Nothing in
// it is a secret of anybody; none of it may verify anything but tests.
package testdata

import (
	"crypto"
	"embed"
	"encoding/json/v2"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

//go:generate go run ./generate

// files is the generated data: keys/*.json are private JWKs, sets/*.json are JWK
// sets of public keys, tokens/*.jwt are compact JWSs.
//
//go:embed keys sets tokens
var files embed.FS

// Key returns the private key of keys/NAME.json: rsa-2048, rsa-2048-b, rsa-3072,
// rsa-4096, rsa-1024, p-256, p-384, p-521, ed25519, ml-dsa-44, ml-dsa-65, ml-dsa-87.
// It panics if there is none.
func Key(name string) crypto.Signer {
	var key jose.JSONWebKey
	if err := json.Unmarshal(read("keys/"+name+".json"), &key); err != nil {
		panic(fmt.Sprintf("testdata: key %s: %v", name, err))
	}
	return key.Key.(crypto.Signer)
}

// PublicJWK returns the public half of a key as a JWK.
func PublicJWK(name string) []byte {
	key := jose.JSONWebKey{Key: Key(name).Public(), KeyID: name}
	data, err := json.Marshal(key)
	if err != nil {
		panic(fmt.Sprintf("testdata: key %s: %v", name, err))
	}
	return data
}

// Set returns sets/NAME.json.
func Set(name string) []byte { return read("sets/" + name + ".json") }

// Token returns tokens/NAME.jwt. The tokens' issuer is https://id.example.com, their
// audience todo-api, their subject alice; they were issued at 2026-01-01T00:00:00Z
// and expire an hour later.
func Token(name string) string { return string(read("tokens/" + name + ".jwt")) }

func read(path string) []byte {
	data, err := files.ReadFile(path)
	if err != nil {
		panic(fmt.Sprintf("testdata: %v", err))
	}
	return data
}
