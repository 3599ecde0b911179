package keycloak

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
)

var errNull = errors.New("keycloak: null where a value is wanted")

// claim is a value that may be absent and may not be null. encoding/json/v2 takes
// null for absent, which would make "no role" of a claim of the wrong type.
type claim[T any] struct{ value T }

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (c *claim[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == jsontext.KindNull {
		return errNull
	}
	return json.UnmarshalDecode(dec, &c.value)
}

// names is an array of strings without a null.
type names []string

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (n *names) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == jsontext.KindNull {
		return errNull
	}
	var elements []*string
	if err := json.UnmarshalDecode(dec, &elements); err != nil {
		return err
	}
	*n = nil
	for _, element := range elements {
		if element == nil {
			return errNull
		}
		*n = append(*n, *element)
	}
	return nil
}
