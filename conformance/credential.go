package conformance

import "strings"

// Credential is how a request carries the token. The zero value is the usual way: the
// one field "Authorization: Bearer <token>". "<token>" stands for the token.
type Credential struct {
	// Fields are header fields as they are sent, each a name, a colon and a value.
	Fields []string `json:"fields,omitempty"`
	// Query is the URL's query, and Body a form.
	Query string `json:"query,omitempty"`
	Body  string `json:"body,omitempty"`
}

// usual reports whether a request carries the token in the usual way.
func (c Credential) usual() bool { return c.Fields == nil && c.Query == "" && c.Body == "" }

// with puts the token in its places.
func (c Credential) with(token string) Credential {
	if c.usual() {
		return Credential{Fields: []string{"Authorization: Bearer " + token}}
	}
	filled := Credential{
		Query: strings.ReplaceAll(c.Query, "<token>", token),
		Body:  strings.ReplaceAll(c.Body, "<token>", token),
	}
	for _, field := range c.Fields {
		filled.Fields = append(filled.Fields, strings.ReplaceAll(field, "<token>", token))
	}
	return filled
}

// authorization returns the values of the Authorization field, one for each time that
// it stands there.
func (c Credential) authorization() []string {
	var values []string
	for _, field := range c.Fields {
		name, value, _ := strings.Cut(field, ":")
		if strings.EqualFold(name, "Authorization") {
			values = append(values, strings.Trim(value, " \t"))
		}
	}
	return values
}
