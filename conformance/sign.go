package conformance

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json/jsontext"
	"encoding/pem"
	"fmt"
	"hash"
	"strings"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
)

// Sign says how the token is signed. The default is the good token's alg and key.
type Sign struct {
	// With is
	//   - "" for a real signature,
	//   - "nothing" for an empty one,
	//   - "fill" for Length octets that all are Octet,
	//   - "hmac-…" for an HMAC keyed with something that is no secret (see publicAs),
	//   - the name of a forgery: a real signature of Alg that is spoiled, or one that
	//     the private key made over something else (see forgeries).
	With   string `json:"with,omitempty"`
	Alg    string `json:"alg,omitempty"`  // default RS256
	Key    string `json:"key,omitempty"`  // of package testdata; default rsa-2048
	Hash   string `json:"hash,omitempty"` // of an HMAC or a forgery; default SHA-256
	Salt   int    `json:"salt,omitempty"` // octets, of the forgery "salt"
	Octet  byte   `json:"octet,omitempty"`
	Length int    `json:"length,omitempty"`
}

func (s Sign) signature(signed []byte) ([]byte, error) {
	alg, key := jws.RS256, "rsa-2048"
	if s.Alg != "" {
		if alg = jws.Named(s.Alg); alg == 0 {
			return nil, fmt.Errorf("no algorithm %q", s.Alg)
		}
	}
	if s.Key != "" {
		key = s.Key
	}
	switch encoding, isHMAC := strings.CutPrefix(s.With, "hmac-"); {
	case isHMAC:
		secret, err := publicAs(encoding, key)
		if err != nil {
			return nil, err
		}
		mac := hmac.New(s.hash, secret)
		mac.Write(signed)
		return mac.Sum(nil), nil
	case s.With == "":
		return jwstest.Signature(alg, testdata.Key(key), signed), nil
	case s.With == "nothing":
		return nil, nil
	case s.With == "fill":
		return bytes.Repeat([]byte{s.Octet}, s.Length), nil
	}
	forge, known := forgeries()[s.With]
	if !known {
		return nil, fmt.Errorf("no way to sign called %q", s.With)
	}
	return forge(forgery{Sign: s, alg: alg, key: testdata.Key(key), signed: signed})
}

func (s Sign) hash() hash.Hash {
	switch s.Hash {
	case "SHA-384":
		return sha512.New384()
	case "SHA-512":
		return sha512.New()
	}
	return sha256.New()
}

func (s Sign) hashID() crypto.Hash {
	switch s.Hash {
	case "SHA-1":
		return crypto.SHA1
	case "SHA-384":
		return crypto.SHA384
	case "SHA-512":
		return crypto.SHA512
	}
	return crypto.SHA256
}

// publicAs writes a public key in the ways in which a confused verifier might hold
// it, or gives the secrets that are no secrets.
func publicAs(encoding, key string) ([]byte, error) {
	public := testdata.Key(key).Public()
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	pemText := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	switch encoding {
	case "der":
		return spki, nil
	case "pem":
		return pemText, nil
	case "pem-trimmed":
		return bytes.TrimSpace(pemText), nil
	case "pem-crlf":
		return bytes.ReplaceAll(pemText, []byte("\n"), []byte("\r\n")), nil
	case "pem-indented":
		return append([]byte("\n "), pemText...), nil
	case "base64":
		return []byte(base64.StdEncoding.EncodeToString(spki)), nil
	case "jwk":
		return testdata.PublicJWK(key), nil
	case "jwk-canonical":
		text := jsontext.Value(testdata.PublicJWK(key))
		err := text.Canonicalize()
		return text, err
	case "jwks":
		return testdata.Set("usable"), nil
	case "ssh":
		return sshKey(public)
	case "kid":
		return []byte(key), nil
	case "empty":
		return []byte{0}[:0], nil
	case "zero":
		return make([]byte, sha256.Size), nil
	case "word":
		return []byte("secret"), nil
	}
	return publicRSAAs(encoding, public)
}

// sshKey is the line of an OpenSSH public key (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709).
func sshKey(public crypto.PublicKey) ([]byte, error) {
	var name string
	var fields [][]byte
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			return nil, err
		}
		name, fields = "ecdsa-sha2-nistp256", [][]byte{[]byte("nistp256"), point}
	case ed25519.PublicKey:
		name, fields = "ssh-ed25519", [][]byte{key}
	default:
		return nil, fmt.Errorf("no OpenSSH form of a %T", public)
	}
	var blob []byte
	for _, field := range append([][]byte{[]byte(name)}, fields...) {
		blob = binary.BigEndian.AppendUint32(blob, uint32(len(field)))
		blob = append(blob, field...)
	}
	return []byte(name + " " + base64.StdEncoding.EncodeToString(blob)), nil
}

// publicRSAAs has the ways that only an RSA key has.
func publicRSAAs(encoding string, public crypto.PublicKey) ([]byte, error) {
	key, ok := public.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("no secret called %q of this key", encoding)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(key)
	switch encoding {
	case "pkcs1-der":
		return pkcs1, nil
	case "pkcs1-pem":
		return pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}), nil
	case "modulus":
		return key.N.Bytes(), nil
	case "modulus-base64url":
		return []byte(jwstest.Encode(key.N.Bytes())), nil
	case "modulus-decimal":
		return []byte(key.N.String()), nil
	}
	return nil, fmt.Errorf("no secret called %q", encoding)
}
