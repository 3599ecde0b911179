package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/go-jose/go-jose/v4"
)

const (
	issuerURL   = "https://id.example.com/realms/myrealm"
	metadataURL = issuerURL + "/.well-known/openid-configuration"
	keySetURL   = issuerURL + "/protocol/openid-connect/certs"
	audience    = "todo-api"
)

// documents are what an issuer publishes.
type documents struct {
	Metadata string `json:"metadata"`
	KeySet   string `json:"key_set"`
}

// publish returns the documents of an issuer with some keys.
func publish(keys ...jose.JSONWebKey) (documents, error) {
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		return documents{}, err
	}
	algorithms := make([]string, len(keys))
	for i, key := range keys {
		algorithms[i] = key.Algorithm
	}
	metadata, err := json.Marshal(map[string]any{
		"issuer":                                issuerURL,
		"jwks_uri":                              keySetURL,
		"authorization_endpoint":                issuerURL + "/protocol/openid-connect/auth",
		"token_endpoint":                        issuerURL + "/protocol/openid-connect/token",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": algorithms,
	}, json.Deterministic(true))
	return documents{string(metadata), string(set)}, err
}

// issuer serves documents to a client, in memory: a fetch costs no more than it must,
// which is in favour of those that fetch often. It counts fetches.
type issuer struct {
	documents

	fetches atomic.Int64
}

// RoundTrip implements [http.RoundTripper].
func (i *issuer) RoundTrip(request *http.Request) (*http.Response, error) {
	i.fetches.Add(1)
	status, body := http.StatusOK, ""
	switch request.URL.String() {
	case metadataURL:
		body = i.Metadata
	case keySetURL:
		body = i.KeySet
	default:
		status = http.StatusNotFound
	}
	return &http.Response{
		Status: fmt.Sprint(status, " ", http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       request,
	}, nil
}

func (i *issuer) client() *http.Client { return &http.Client{Transport: i} }

// otherKeys returns RSA keys that nobody has the private half of: random numbers, which
// are made faster than keys and are read in the same way.
func otherKeys(count int) ([]plainJWK, error) {
	keys := make([]plainJWK, count)
	for i := range keys {
		modulus := make([]byte, 256)
		if _, err := rand.Read(modulus); err != nil {
			return nil, err
		}
		modulus[0] |= 0x80
		modulus[255] |= 1
		keys[i] = plainJWK{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": fmt.Sprintf("other-%d", i),
			"n": base64.RawURLEncoding.EncodeToString(modulus), "e": "AQAB",
		}
	}
	return keys, nil
}

// plainJWK is a JWK, by its members.
type plainJWK map[string]string

// crowded puts keys around those of a set.
func (d documents) crowded(keys []plainJWK) (documents, error) {
	if len(keys) == 0 {
		return d, nil
	}
	text, err := json.Marshal(keys, json.Deterministic(true))
	if err != nil {
		return d, err
	}
	more := string(bytes.Trim(text, "[]"))
	d.KeySet = strings.Replace(d.KeySet, "[", "["+more+",", 1)
	return d, nil
}
