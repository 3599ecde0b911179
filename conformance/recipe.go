package conformance

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
)

// Now is the clock of every row, in seconds since 1970: 100 seconds after the good
// token was issued and an hour less 100 seconds before it expires.
const Now = 1767225700

// Recipe makes a token: the header and the payload are changed, the result is
// signed, and the signed text is edited.
type Recipe struct {
	Header  Object `json:"header,omitzero"`
	Payload Object `json:"payload,omitzero"`
	Sign    Sign   `json:"sign,omitzero"`
	Edit    []Edit `json:"edit,omitempty"`
}

// Object changes the members of a good header or payload, or replaces its text.
type Object struct {
	Set    map[string]jsontext.Value `json:"set,omitempty"`
	Remove []string                  `json:"remove,omitempty"`
	// Text replaces the whole object, so that it need not be JSON. "%s" in it stands
	// for the members of the good one, without braces.
	Text string `json:"text,omitempty"`
}

// Sign says how the token is signed. The default is the header's good alg and key.
type Sign struct {
	// With is "" for a real signature, "nothing" for an empty one, or
	// "hmac-pem", "hmac-der", "hmac-jwk" for an HMAC keyed with the public key in that
	// encoding.
	With string `json:"with,omitempty"`
	Alg  string `json:"alg,omitempty"` // default RS256
	Key  string `json:"key,omitempty"` // of package testdata; default rsa-2048
}

// Edit changes the text of one part of the signed token, or of the whole.
type Edit struct {
	// Part is "header", "payload", "signature" or "token".
	Part string `json:"part"`
	// Each that is given is done, in this order.
	Replace string `json:"replace,omitempty"` // the whole part
	Prepend string `json:"prepend,omitempty"`
	Append  string `json:"append,omitempty"`
	Cut     int    `json:"cut,omitempty"`    // characters from the end
	Repeat  int    `json:"repeat,omitempty"` // the part, so many times
	Flip    bool   `json:"flip,omitempty"`   // the first character's lowest bit of six
	Spill   bool   `json:"spill,omitempty"`  // set an unused trailing bit of base64url
}

// Token makes the token.
func (r Recipe) Token() (string, error) {
	header, err := r.Header.apply(`{"alg":"RS256","typ":"at+jwt","kid":"rsa-2048"}`)
	if err != nil {
		return "", fmt.Errorf("header: %w", err)
	}
	payload, err := r.Payload.apply(`{"iss":"https://id.example.com","sub":"alice","aud":"todo-api","iat":1767225600,"exp":1767229200,"jti":"1","scope":"todos:read"}`)
	if err != nil {
		return "", fmt.Errorf("payload: %w", err)
	}
	signed := jwstest.Encode(header) + "." + jwstest.Encode(payload)
	signature, err := r.Sign.signature([]byte(signed))
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	token := signed + "." + jwstest.Encode(signature)
	for _, edit := range r.Edit {
		if token, err = edit.apply(token); err != nil {
			return "", fmt.Errorf("edit: %w", err)
		}
	}
	return token, nil
}

func (o Object) apply(good string) (string, error) {
	if o.Text != "" {
		return strings.ReplaceAll(o.Text, "%s", good[1:len(good)-1]), nil
	}
	if o.Set == nil && o.Remove == nil {
		return good, nil
	}
	members := map[string]jsontext.Value{}
	if err := json.Unmarshal([]byte(good), &members); err != nil {
		return "", err
	}
	maps.Copy(members, o.Set)
	for _, name := range o.Remove {
		if _, present := members[name]; !present {
			return "", fmt.Errorf("removes %q, which is not there", name)
		}
		delete(members, name)
	}
	var text []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		text = append(text, fmt.Sprintf("%q:%s", name, members[name]))
	}
	return "{" + strings.Join(text, ",") + "}", nil
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
	switch s.With {
	case "":
		return jwstest.Signature(alg, testdata.Key(key), signed), nil
	case "nothing":
		return nil, nil
	}
	secret, err := publicAs(s.With, key)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(signed)
	return mac.Sum(nil), nil
}

// publicAs writes a public key in the ways in which a confused verifier might hold
// it.
func publicAs(encoding, key string) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(testdata.Key(key).Public())
	if err != nil {
		return nil, err
	}
	switch encoding {
	case "hmac-der":
		return der, nil
	case "hmac-pem":
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
	case "hmac-jwk":
		return testdata.PublicJWK(key), nil
	}
	return nil, fmt.Errorf("no way to sign called %q", encoding)
}

func (e Edit) apply(token string) (string, error) {
	parts := strings.Split(token, ".")
	index := slices.Index([]string{"header", "payload", "signature"}, e.Part)
	switch {
	case e.Part == "token":
		return e.text(token), nil
	case index < 0 || len(parts) != 3:
		return "", fmt.Errorf("no part %q", e.Part)
	}
	parts[index] = e.text(parts[index])
	return strings.Join(parts, "."), nil
}

func (e Edit) text(text string) string {
	if e.Replace != "" {
		text = e.Replace
	}
	text = e.Prepend + text + e.Append
	text = text[:len(text)-e.Cut]
	if e.Repeat > 0 {
		text = strings.Repeat(text, e.Repeat)
	}
	if e.Flip {
		text = shift(text, 0, 1)
	}
	if e.Spill {
		text = shift(text, len(text)-1, 1)
	}
	return text
}

// shift changes bits of one base64url character.
func shift(text string, at, bits int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	value := strings.IndexByte(alphabet, text[at])
	return text[:at] + string(alphabet[value^bits]) + text[at+1:]
}
