package conformance

import (
	"embed"
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/verifier"
)

//go:embed rfc/*.json
var rfcFiles embed.FS

// example is an example of an RFC.
type example struct {
	Name  string           `json:"example"`
	Keys  []jsontext.Value `json:"keys"` // JWKs
	Token string           `json:"token"`
	// Detached is the encoded payload where it is not in the token (RFC 7515
	// appendix F).
	Detached string `json:"detached"`
	// Thumbprint is the first key's, where the RFC gives it.
	Thumbprint string `json:"thumbprint"`
	// Expect is "accepted" if the verifier accepts the claims, "verified" if the
	// signature is good and the payload is no claims, and else the name of the
	// verifier.Kind that the token is refused as.
	Expect string `json:"expect"`
}

// rfcFile is a file with examples and how they end.
type rfcFile struct {
	file string
	want counts
}

func rfcPlan() []rfcFile {
	return []rfcFile{
		{"rfc7515.json", counts{passed: 3, stricter: 1, notApplicable: 3}},
		{"rfc7520.json", counts{passed: 3, notApplicable: 5}},
		{"rfc8037.json", counts{passed: 1}},
		{"rfc9964.json", counts{passed: 3}},
	}
}

func TestExamplesOfRFCs(t *testing.T) {
	var tallies []tally
	for _, f := range rfcPlan() {
		got := tally{file: f.file}
		for _, e := range examples(t, f.file) {
			t.Run(f.file+" "+e.Name, func(t *testing.T) {
				got.add(vector{e.Name, "valid", e.why()}, e.judge(t))
			})
		}
		if got.counts != f.want {
			t.Errorf("%s: %+v, want %+v", f.file, got.counts, f.want)
		}
		tallies = append(tallies, got)
	}
	report(t, tallies, map[reason]int{noHMAC: 3, noJSON: 5, unsigned: 1})
}

// examples reads a file with examples.
func examples(t *testing.T, file string) []example {
	t.Helper()
	data, err := rfcFiles.ReadFile("rfc/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all []example
	if file == "rfc9964.json" {
		var seeded []seededExample
		err = json.Unmarshal(data, &seeded, json.RejectUnknownMembers(true))
		for _, s := range seeded {
			all = append(all, s.example(t))
		}
	} else {
		err = json.Unmarshal(data, &all, json.RejectUnknownMembers(true))
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// why says why the library should refuse the example.
func (e example) why() reason {
	if strings.HasPrefix(e.Token, "{") {
		return noJSON
	}
	m, err := jws.Parse(e.Token)
	switch {
	case err != nil:
		return ""
	case m.Header.Name == "none":
		return unsigned
	case strings.HasPrefix(m.Header.Name, "HS"):
		return noHMAC
	}
	return ""
}

// judge runs the example.
func (e example) judge(t *testing.T) answer {
	t.Helper()
	k := readKeys(t, e.Keys...)
	if e.Thumbprint != "" && k.public[e.Thumbprint] == nil {
		t.Errorf("no key has the thumbprint %s", e.Thumbprint)
	}
	if why := e.why(); why == noHMAC || why == noJSON {
		e.isGenuine(t)
	}
	if e.Expect == "accepted" {
		return e.accepted(t, k)
	}
	got := k.verify(t, e.Token)
	if err := k.agrees(t, e.Token, got); err != nil {
		t.Error(err)
	}
	if got == 0 {
		if e.Expect != "verified" {
			t.Errorf("the signature is good, want %s", e.Expect)
		}
		return accepted
	}
	if got.String() != e.Expect {
		t.Errorf("got %s, want %s", got, e.Expect)
	}
	return refused
}

// accepted has the verifier accept the claims of RFC 7515 in the last second in which
// they are good.
func (e example) accepted(t *testing.T, k keys) answer {
	t.Helper()
	now := time.Unix(1300819380-1, 0)
	m, err := jws.Parse(e.Token)
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     "joe",
		Audience:   verifier.InsecureSkipAudience(),
		Algorithms: []verifier.Algorithm{verifier.Algorithm(m.Header.Algorithm)},
		Keys:       k.static,
		Leeway:     time.Nanosecond,
		Now:        func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := v.Verify(t.Context(), e.Token)
	if err != nil {
		t.Error(err)
		return refused
	}
	if token.Issuer() != "joe" {
		t.Errorf("the issuer is %q", token.Issuer())
	}
	now = now.Add(2 * time.Second)
	if _, err := v.Verify(t.Context(), e.Token); verifier.KindOf(err) != verifier.ErrExpired {
		t.Errorf("two seconds later: %v", err)
	}
	return accepted
}

// isGenuine has go-jose verify an example that the library refuses with each of its
// keys, so that it is not refused for a slip of the pen.
func (e example) isGenuine(t *testing.T) {
	t.Helper()
	parse := jose.ParseSignedCompact
	if e.why() == noJSON {
		parse = jose.ParseSignedJSON
	}
	signed, err := parse(e.Token, []jose.SignatureAlgorithm{jose.HS256, jose.RS256, jose.ES256, jose.ES512})
	if err != nil {
		t.Fatal(err)
	}
	detached, err := base64.RawURLEncoding.DecodeString(e.Detached)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range e.Keys {
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(raw); err != nil {
			t.Fatal(err)
		}
		if e.Detached != "" {
			err = signed.DetachedVerify(detached, key.Key)
		} else {
			_, _, _, err = signed.VerifyMulti(key.Key)
		}
		if err != nil {
			t.Errorf("%T: %v", key.Key, err)
		}
	}
}
