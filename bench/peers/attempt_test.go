package peers_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

// attempt is a token that must be refused. Its token is minted before a subject is
// made, so that it may change the issuer first.
type attempt struct {
	name  string
	token func(idp *issuertest.Issuer) string
}

// basics are the attempts that each configuration is there to refuse.
var basics = []attempt{
	{"another audience", claims("aud", "other-api")},
	{"no audience", claims("aud", nil)},
	{"another issuer", claims("iss", "https://other.example.com")},
	{"no issuer", claims("iss", nil)},
	{"expired an hour ago", claims("exp", hoursFromNow(-1))},
	{"payload changed", func(idp *issuertest.Issuer) string {
		good, other := split(idp.Token(nil)), split(idp.Token(issuertest.Claims{"sub": "mallory"}))
		return join(good[0], other[1], good[2])
	}},
	{"signature changed", func(idp *issuertest.Issuer) string {
		parts := split(idp.Token(nil))
		signature := []byte(decode(parts[2]))
		signature[100] ^= 1
		return join(parts[0], parts[1], encode(signature))
	}},
	{"alg none", func(idp *issuertest.Issuer) string {
		return join(encode(`{"alg":"none","typ":"at+jwt"}`), split(idp.Token(nil))[1], "")
	}},
	{"HS256 with the public key, PEM", func(idp *issuertest.Issuer) string {
		return keyedWith(idp, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER(idp)}))
	}},
	{"HS256 with the public key, DER", func(idp *issuertest.Issuer) string {
		return keyedWith(idp, publicDER(idp))
	}},
	{"unknown kid", func(idp *issuertest.Issuer) string {
		return idp.NewKey(verifier.RS256).Token(nil)
	}},
	{"another key under a known kid", func(idp *issuertest.Issuer) string {
		return idp.NewKey(verifier.RS256).TokenWithHeader(issuertest.Claims{"kid": idp.Key().ID()}, nil)
	}},
}

// finer are attempts that the standards have a word about, or that weaken a server
// which accepts them.
var finer = []attempt{
	{"an algorithm that was not asked for (RS512)", func(idp *issuertest.Issuer) string {
		signing := idp.Key()
		defer idp.Publish(signing)
		return idp.AddKey(verifier.RS512).Token(nil)
	}},
	{"key published for encryption", func(idp *issuertest.Issuer) string {
		signing, key := idp.Key(), idp.AddKey(verifier.RS256)
		defer idp.Publish(signing)
		key.SetMember("use", "enc")
		return key.Token(nil)
	}},
	{"no expiry", claims("exp", nil)},
	{"not valid for an hour (nbf)", claims("nbf", hoursFromNow(1))},
	{"issued in an hour (iat)", claims("iat", hoursFromNow(1))},
	{"an extension that must be understood (crit)", func(idp *issuertest.Issuer) string {
		return idp.Key().TokenWithHeader(issuertest.Claims{"crit": []string{"x"}, "x": 1}, nil)
	}},
	{"ID token of Keycloak", claims("typ", "ID")},
	{"ID token (at_hash)", claims("at_hash", "MTIzNDU2Nzg5MDEyMzQ1Ng")},
	{"bound to a DPoP key, sent as a plain bearer", claims("cnf", issuertest.Claims{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})},
	{"line break in the signature", func(idp *issuertest.Issuer) string {
		parts := split(idp.Token(nil))
		return join(parts[0], parts[1], parts[2][:100]+"\n"+parts[2][100:])
	}},
	{"second spelling of the signature (spare bits)", func(idp *issuertest.Issuer) string {
		parts := split(idp.Token(nil))
		return join(parts[0], parts[1], respell(parts[2]))
	}},
}

// claims mints a token with one claim other than usual.
func claims(name string, value any) func(*issuertest.Issuer) string {
	return func(idp *issuertest.Issuer) string {
		if late, ok := value.(hoursFromNow); ok {
			return idp.Token(issuertest.Claims{name: time.Now().Add(time.Duration(late) * time.Hour)})
		}
		return idp.Token(issuertest.Claims{name: value})
	}
}

// hoursFromNow is a time that depends on when the token is minted.
type hoursFromNow int

func keyedWith(idp *issuertest.Issuer, secret []byte) string {
	payload := split(idp.Token(nil))[1]
	signed := encode(`{"alg":"HS256","typ":"at+jwt","kid":"`+idp.Key().ID()+`"}`) + "." + payload
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

func publicDER(idp *issuertest.Issuer) []byte {
	der, err := x509.MarshalPKIXPublicKey(idp.Key().Public())
	if err != nil {
		panic(err)
	}
	return der
}

// respell changes the bits of the last character that decode to nothing: 256 octets
// leave four.
func respell(segment string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(segment) - 1
	return segment[:last] + string(alphabet[strings.IndexByte(alphabet, segment[last])^1])
}

func split(token string) []string { return strings.Split(token, ".") }

func join(parts ...string) string { return strings.Join(parts, ".") }

func encode[T string | []byte](data T) string {
	return base64.RawURLEncoding.EncodeToString([]byte(data))
}

func decode(segment string) string {
	data, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func TestRespell(t *testing.T) {
	first := encode(make([]byte, 256))
	second := respell(first)
	if first == second || decode(first) != decode(second) {
		t.Errorf("respell(%q) = %q, want another spelling of the same octets", first, second)
	}
}
