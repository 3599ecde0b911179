package verifier

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/bearerproof/bearerproof/internal/jws"
)

// maxPayloadDepth bounds the nesting of a payload.
const maxPayloadDepth = 64

// claims is what the verifier itself reads of a payload (RFC 7519 §4.1, RFC 9068
// §2.2). A claim of the wrong type is an error, never an absent one.
type claims struct {
	issuer, subject, id        string
	audience                   []string
	expires, notBefore, issued time.Time // zero if absent
	scope, clientID, party     string    // "scope", "client_id", "azp"
	typ                        string    // Keycloak's kind of token
	tokenHash                  bool      // "at_hash" or "c_hash", members of an ID token
	events                     bool      // "events", the member of a security event token
	confirmation               bool      // "cnf", of whatever type
}

// payloadFault gives an error of reading a payload its kind.
func payloadFault(err error) error {
	if wrong, ok := errors.AsType[claimError](err); ok {
		return refuse(ErrClaim, wrong)
	}
	return refuse(ErrMalformed, err)
}

// Member implements [jws.Members].
func (c *claims) Member(name jws.Name, value jws.Value) (err error) {
	called := name.String()
	switch called {
	case "iss":
		c.issuer, err = value.Text()
	case "sub":
		c.subject, err = value.Text()
	case "aud":
		if c.audience != nil {
			return value.Skip() // a duplicate, for which the payload is refused at its end
		}
		c.audience, err = value.Texts()
	case "exp":
		c.expires, err = numericDate(value)
	case "nbf":
		c.notBefore, err = numericDate(value)
	case "iat":
		c.issued, err = numericDate(value)
	case "jti":
		c.id, err = value.Text()
	case "scope":
		c.scope, err = value.Text()
	case "client_id":
		c.clientID, err = value.Text()
	case "azp":
		c.party, err = value.Text()
	case "typ":
		c.typ, err = value.Text()
	case "at_hash", "c_hash":
		c.tokenHash = true
		return value.Skip()
	case "events":
		c.events = true
		return value.Skip()
	case "cnf":
		c.confirmation = true
		return value.Skip()
	default:
		return value.Skip()
	}
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[jws.WrongType](err); ok {
		return claimError{called, wrong}
	}
	return err
}

// claimError names a claim whose value has the wrong type.
type claimError struct {
	claim string
	wrong jws.WrongType
}

func (e claimError) Error() string { return e.claim + " " + e.wrong.Error() }

// latest is the last second of the year 9999, beyond which RFC 3339 cannot write.
const latest = 253402300799

// numericDate reads a NumericDate (RFC 7519 §2): seconds since 1970, with or
// without a fraction.
func numericDate(value jws.Value) (time.Time, error) {
	number, err := value.Number()
	if err != nil {
		return time.Time{}, err
	}
	if number < 0 || number > latest {
		return time.Time{}, jws.WrongType("a time between the years 1970 and 9999")
	}
	seconds, fraction := math.Modf(number)
	return time.Unix(int64(seconds), int64(fraction*1e9)), nil
}

// Claims decodes the token's payload into a value of type T, by the rules of
// encoding/json/v2: names match exactly and unknown ones are passed over.
//
//	type claims struct {
//		Email string `json:"email"`
//	}
//	c, err := verifier.Claims[claims](token)
//
// The error says that the payload does not fit T; its kind is [ErrClaim]. A zero
// Token has no claims, which is an error of kind [ErrMisconfigured].
func Claims[T any](t *Token) (T, error) {
	var claims T
	if t == nil || t.payload == "" {
		return claims, refuse(ErrMisconfigured, errors.New("no verified token"))
	}
	if err := json.Unmarshal([]byte(t.payload), &claims); err != nil {
		var none T
		return none, refuse(ErrClaim, fmt.Errorf("payload does not fit %T", none))
	}
	return claims, nil
}
