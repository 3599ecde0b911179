package conformance

import (
	"embed"
	"encoding/json/v2"
	"fmt"
	"io/fs"
	"time"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

//go:embed attacks/*.json
var files embed.FS

// Row is one attack.
type Row struct {
	Name        string `json:"name"`
	Requirement string `json:"requirement"`
	Recipe      Recipe `json:"recipe"`
	Config      Config `json:"config"`
	Expect      string `json:"expect"`
}

// Config is how the attacked verifier differs from the usual one, which accepts
// RS256 tokens of https://id.example.com for todo-api.
type Config struct {
	Algorithms     []verifier.Algorithm `json:"algorithms,omitempty"`
	TokenTypes     []string             `json:"token_types,omitempty"`
	Audience       []string             `json:"audience,omitempty"`
	LeewaySeconds  int                  `json:"leeway_seconds,omitempty"`
	AcceptIDTokens bool                 `json:"accept_id_tokens,omitempty"`
	Keys           string               `json:"keys,omitempty"` // a set of package testdata
}

// Rows returns all attacks, in the order of the files and within each.
func Rows() ([]Row, error) {
	names, err := fs.Glob(files, "attacks/*.json")
	if err != nil {
		return nil, err
	}
	var all []Row
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var rows []Row
		if err := json.Unmarshal(data, &rows, json.RejectUnknownMembers(true)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, rows...)
	}
	return all, nil
}

// Verifier makes the verifier that is attacked.
func (c Config) Verifier() (*verifier.Verifier, error) {
	set := "usable"
	if c.Keys != "" {
		set = c.Keys
	}
	keys, err := jwks.NewStatic(testdata.Set(set))
	if err != nil {
		return nil, err
	}
	config := verifier.Config{
		Issuer:         "https://id.example.com",
		Audience:       verifier.AnyOf("todo-api"),
		Algorithms:     []verifier.Algorithm{verifier.RS256},
		Keys:           keys,
		TokenTypes:     c.TokenTypes,
		Leeway:         time.Duration(c.LeewaySeconds) * time.Second,
		AcceptIDTokens: c.AcceptIDTokens,
		Now:            func() time.Time { return time.Unix(Now, 0) },
	}
	if c.Algorithms != nil {
		config.Algorithms = c.Algorithms
	}
	if c.Audience != nil {
		config.Audience = verifier.AnyOf(c.Audience...)
	}
	return verifier.New(config)
}
