package guard

import (
	"context"
	"crypto"
	"fmt"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

const (
	issuer   = "https://id.example.com"
	audience = "todo-api"
	issued   = 1767225600
	expires  = 1767229200
)

// payload is that of a Keycloak access token, with a place for its number.
const payload = `{"exp":1767229200,"iat":1767225600,"jti":"onrtac:6f1d0f4e-6a0b-4d6c-9c4b-f1a2b3c4%04d","iss":"https://id.example.com",` +
	`"aud":["todo-api","account"],"sub":"f1a2b3c4-d5e6-4d6c-9c4b-6f1d0f4e6a0b","typ":"Bearer","azp":"todo-web","sid":"6f1d0f4e-6a0b-4d6c-9c4b-f1a2b3c4d5e6",` +
	`"acr":"1","allowed-origins":["http://localhost:8080"],"realm_access":{"roles":["offline_access","uma_authorization","default-roles-myrealm","todo-admin"]},` +
	`"resource_access":{"account":{"roles":["manage-account","manage-account-links","view-profile"]}},"scope":"openid profile email todos:read todos:write",` +
	`"email_verified":true,"name":"Alice Example","preferred_username":"alice","given_name":"Alice","family_name":"Example","email":"alice@example.com"}`

// sample is an algorithm, a key for it and tokens.
type sample struct {
	alg    verifier.Algorithm
	public crypto.PublicKey
	key    *verifier.Key
	tokens []string // as many as a work needs, all different
}

// mint makes samples, each once: signing takes longer than all that is counted.
type mint struct {
	signers map[string]crypto.Signer
	samples map[verifier.Algorithm]sample
}

// sample signs tokens with a key of package testdata, whose name is the kid.
func (m *mint) sample(alg verifier.Algorithm) (sample, error) {
	if s, found := m.samples[alg]; found {
		return s, nil
	}
	name := keyFor(alg)
	if m.signers[name] == nil {
		m.signers[name] = testdata.Key(name)
	}
	signer := m.signers[name]
	key, err := verifier.NewKey(name, alg, signer.Public())
	if err != nil {
		return sample{}, err
	}
	s := sample{alg: alg, public: signer.Public(), key: key}
	header := fmt.Sprintf(`{"alg":%q,"typ":"JWT","kid":%q}`, alg.String(), name)
	for n := range Samples {
		s.tokens = append(s.tokens, jwstest.Sign(jws.Algorithm(alg), signer, header, fmt.Sprintf(payload, n)))
	}
	m.samples[alg] = s
	return s, nil
}

// strangeHeaders signs a sample's tokens again, each with a header of its own.
func (m *mint) strangeHeaders(s sample) []string {
	var tokens []string
	name := keyFor(s.alg)
	for n := range Samples {
		header := fmt.Sprintf(`{"alg":%q,"typ":"JWT","kid":%q,"n":%d}`, s.alg.String(), name, n)
		tokens = append(tokens, jwstest.Sign(jws.Algorithm(s.alg), m.signers[name], header, fmt.Sprintf(payload, n)))
	}
	return tokens
}

// keyFor names the key of package testdata for an algorithm.
func keyFor(alg verifier.Algorithm) string {
	switch alg {
	case verifier.ES256:
		return "p-256"
	case verifier.ES384:
		return "p-384"
	case verifier.ES512:
		return "p-521"
	case verifier.EdDSA, verifier.Ed25519:
		return "ed25519"
	case verifier.MLDSA44, verifier.MLDSA65, verifier.MLDSA87:
		return strings.ToLower(alg.String())
	default:
		return "rsa-2048"
	}
}

// verifier returns a verifier for the tokens, with a CacheSize. Its clock stands still
// while they are good.
func (s sample) verifier(cacheSize int) (*verifier.Verifier, error) {
	return s.verifierAt(issued+100, cacheSize, oneKey{s.key})
}

func (s sample) verifierAt(now int64, cacheSize int, keys verifier.KeySet) (*verifier.Verifier, error) {
	return verifier.New(verifier.Config{
		Issuer:     issuer,
		Audience:   verifier.AnyOf(audience),
		Algorithms: []verifier.Algorithm{s.alg},
		Keys:       keys,
		CacheSize:  cacheSize,
		Now:        func() time.Time { return time.Unix(now, 0) },
	})
}

// forged returns the tokens with the signatures of each other.
func (s sample) forged() []string {
	forged := make([]string, len(s.tokens))
	for n, raw := range s.tokens {
		other := s.tokens[(n+1)%len(s.tokens)]
		forged[n] = raw[:strings.LastIndexByte(raw, '.')] + other[strings.LastIndexByte(other, '.'):]
	}
	return forged
}

// oneKey is a key set that looks for nothing.
type oneKey []*verifier.Key

// Keys implements [verifier.KeySet].
func (k oneKey) Keys(context.Context, string, verifier.Algorithm) ([]*verifier.Key, error) {
	return k, nil
}
