package jws_test

import (
	"crypto"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
)

// samples names every algorithm, and the key of package testdata that fits it.
var samples = []struct {
	alg jws.Algorithm
	key string
}{
	{jws.RS256, "rsa-2048"},
	{jws.RS384, "rsa-2048"},
	{jws.RS512, "rsa-2048"},
	{jws.PS256, "rsa-2048"},
	{jws.PS384, "rsa-2048"},
	{jws.PS512, "rsa-2048"},
	{jws.ES256, "p-256"},
	{jws.ES384, "p-384"},
	{jws.ES512, "p-521"},
	{jws.EdDSA, "ed25519"},
	{jws.Ed25519, "ed25519"},
	{jws.MLDSA44, "ml-dsa-44"},
	{jws.MLDSA65, "ml-dsa-65"},
	{jws.MLDSA87, "ml-dsa-87"},
}

func public(key string) crypto.PublicKey { return testdata.Key(key).Public() }

// read takes a token the whole road: header, signature, payload.
func read(raw string, alg jws.Algorithm, key crypto.PublicKey, members jws.Members) (string, error) {
	m, err := jws.Parse(raw)
	if err != nil {
		return "", err
	}
	if err := m.ReadSignature(); err != nil {
		return "", err
	}
	if err := m.Verify(alg, key); err != nil {
		return "", err
	}
	return m.ReadPayload(64, members)
}

// reading is a Members that reads each value with one function.
type reading func(name string, value jws.Value) error

func (r reading) Member(name jws.Name, value jws.Value) error { return r(name.String(), value) }

// skipping reads over every member.
func skipping(string, jws.Value) error { return nil }

// unverified is a token whose signature nobody looks at.
func unverified(header, payload string) string {
	return jwstest.Encode(header) + "." + jwstest.Encode(payload) + ".AAAA"
}

// wantFault fails unless err says want, and does not repeat the secret.
func wantFault(tb testing.TB, err error, want string) {
	tb.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		tb.Errorf("error %v, want one that says %q", err, want)
	}
}
