package conformance

import (
	"embed"
	"encoding/json/v2"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

//go:embed attacks/*.json
var files embed.FS

// Row is one attack.
type Row struct {
	// Family is the name of the file that the row stands in.
	Family string `json:"-"`

	Name        string `json:"name"`
	Requirement string `json:"requirement"`
	// CVE and Library name the case that the row is made after, if there is one.
	CVE     string `json:"cve,omitempty"`
	Library string `json:"library,omitempty"`

	Recipe     Recipe     `json:"recipe,omitzero"`
	Credential Credential `json:"credential,omitzero"`
	Config     Config     `json:"config,omitzero"`

	// Expect is the name of a verifier.Kind, or "accepted".
	Expect string `json:"expect"`
	// At has what is expected at a door whose transport changes what arrives: the key
	// is "http" or "grpc", and the value may also be "transport".
	At map[string]string `json:"at,omitempty"`
	// Still marks a row that is about one second: it needs a clock that does not move.
	Still bool `json:"still,omitempty"`
	// Note says why, where that is not plain.
	Note string `json:"note,omitempty"`
}

// Config is how the attacked verifier differs from the usual one, which accepts
// RS256 tokens of https://id.example.com for todo-api.
type Config struct {
	Algorithms     []verifier.Algorithm `json:"algorithms,omitempty"`
	TokenTypes     []string             `json:"token_types,omitempty"`
	Audience       []string             `json:"audience,omitempty"`
	LeewaySeconds  int                  `json:"leeway_seconds,omitempty"`
	AcceptIDTokens bool                 `json:"accept_id_tokens,omitempty"`
	RFC9068        bool                 `json:"rfc9068,omitempty"` // the Check of that name
	Keys           string               `json:"keys,omitempty"`    // a set of package testdata
	Set            []JWK                `json:"set,omitempty"`     // a set made for the row, instead

	// CacheSize is that of verifier.Config. Rows leave it at the default.
	CacheSize int `json:"-"`
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
		for i := range rows {
			rows[i].Family = strings.TrimSuffix(path.Base(name), ".json")
		}
		all = append(all, rows...)
	}
	return all, nil
}

// Verifier makes the verifier that is attacked, with the given keys, which are those
// of [Config.KeySet] or come from there.
func (c Config) Verifier(keys verifier.KeySet, now func() time.Time) (*verifier.Verifier, error) {
	config := verifier.Config{
		Issuer:         Issuer,
		Audience:       verifier.AnyOf(c.audience()...),
		Algorithms:     c.algorithms(),
		Keys:           keys,
		TokenTypes:     c.TokenTypes,
		Leeway:         time.Duration(c.LeewaySeconds) * time.Second,
		AcceptIDTokens: c.AcceptIDTokens,
		CacheSize:      c.CacheSize,
		Now:            now,
	}
	if c.RFC9068 {
		config.Check = verifier.RFC9068
	}
	return verifier.New(config)
}

// Static reads the key set.
func (c Config) Static() (*jwks.Static, error) {
	set, err := c.KeySet()
	if err != nil {
		return nil, err
	}
	return jwks.NewStatic(set)
}

func (c Config) audience() []string {
	if c.Audience == nil {
		return []string{"todo-api"}
	}
	return c.Audience
}

func (c Config) algorithms() []verifier.Algorithm {
	if c.Algorithms == nil {
		return []verifier.Algorithm{verifier.RS256}
	}
	return c.Algorithms
}
