package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
)

// Now is the clock that stands still, in seconds since 1970: 100 seconds after the
// good token was issued and an hour less 100 seconds before it expires.
const Now = 1767225700

// Issuer is the issuer of the good token.
const Issuer = "https://id.example.com"

// Recipe makes a token: the header and the payload are changed and encoded, the
// result is signed, and the signed text is edited.
type Recipe struct {
	Header  Object `json:"header,omitzero"`
	Payload Object `json:"payload,omitzero"`
	// Encoding edits the encoded header and payload before they are signed.
	Encoding []Edit `json:"encoding,omitempty"`
	Sign     Sign   `json:"sign,omitzero"`
	Edit     []Edit `json:"edit,omitempty"`
}

// Edit changes the text of one part of the signed token, or of the whole. An edit that
// changes nothing is a mistake in the row.
type Edit struct {
	// Part is "header", "payload", "signature" or "token".
	Part string `json:"part"`
	// Each that is given is done, in this order.
	Replace string `json:"replace,omitempty"` // the whole part
	Old     string `json:"old,omitempty"`     // wherever it stands in the part …
	New     string `json:"new,omitempty"`     // … this takes its place
	Prepend string `json:"prepend,omitempty"`
	Append  string `json:"append,omitempty"`
	Insert  string `json:"insert,omitempty"` // in the middle
	Empty   bool   `json:"empty,omitempty"`
	Cut     int    `json:"cut,omitempty"`    // characters from the end
	Repeat  int    `json:"repeat,omitempty"` // the part, so many times
	Flip    bool   `json:"flip,omitempty"`   // the first character's lowest bit of six
	Spill   bool   `json:"spill,omitempty"`  // set an unused trailing bit of base64url
}

// Token makes the token for a clock that shows now, in seconds since 1970.
func (r Recipe) Token(now int64) (string, error) {
	header, err := r.Header.apply(`{"alg":"RS256","typ":"at+jwt","kid":"rsa-2048"}`, now)
	if err != nil {
		return "", fmt.Errorf("header: %w", err)
	}
	good := fmt.Sprintf(`{"iss":%q,"sub":"alice","aud":"todo-api","iat":%d,"exp":%d,"jti":"1","scope":"todos:read"}`, Issuer, now-100, now+3500)
	payload, err := r.Payload.apply(good, now)
	if err != nil {
		return "", fmt.Errorf("payload: %w", err)
	}
	signed, err := edited(jwstest.Encode(header)+"."+jwstest.Encode(payload)+".", r.Encoding)
	if err != nil {
		return "", fmt.Errorf("encoding: %w", err)
	}
	signed = strings.TrimSuffix(signed, ".")
	signature, err := r.Sign.signature([]byte(signed))
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return edited(signed+"."+jwstest.Encode(signature), r.Edit)
}

func edited(token string, edits []Edit) (string, error) {
	for i, edit := range edits {
		changed, err := edit.apply(token)
		if err != nil {
			return "", fmt.Errorf("edit %d: %w", i, err)
		}
		if changed == token {
			return "", fmt.Errorf("edit %d changes nothing", i)
		}
		token = changed
	}
	return token, nil
}

func (e Edit) apply(token string) (string, error) {
	parts := strings.Split(token, ".")
	index := slices.Index([]string{"header", "payload", "signature"}, e.Part)
	switch {
	case e.Part == "token":
		return e.text(token)
	case index < 0 || len(parts) != 3:
		return "", fmt.Errorf("no part %q", e.Part)
	}
	text, err := e.text(parts[index])
	if err != nil {
		return "", err
	}
	parts[index] = text
	return strings.Join(parts, "."), nil
}

func (e Edit) text(text string) (string, error) {
	if e.Replace != "" {
		text = e.Replace
	}
	if e.Old != "" {
		text = strings.ReplaceAll(text, e.Old, e.New)
	}
	if e.Empty {
		text = ""
	}
	text = e.Prepend + text + e.Append
	text = text[:len(text)/2] + e.Insert + text[len(text)/2:]
	if e.Cut > len(text) {
		return "", errors.New("cuts more than there is")
	}
	text = text[:len(text)-e.Cut]
	if e.Repeat > 0 {
		text = strings.Repeat(text, e.Repeat)
	}
	if e.Flip {
		text = shift(text, 0)
	}
	if e.Spill {
		text = shift(text, len(text)-1)
	}
	return text, nil
}

// shift changes the lowest bit of one base64url character.
func shift(text string, at int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	value := strings.IndexByte(alphabet, text[at])
	return text[:at] + string(alphabet[value^1]) + text[at+1:]
}
