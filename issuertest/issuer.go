package issuertest

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// Issuer is an issuer of access tokens. It is safe for concurrent use. [New], [Start]
// and [Listen] make one; the zero value is of no use.
type Issuer struct {
	url       string       // set once
	client    *http.Client // set once
	keySet    *Document    // set once
	discovery *Document    // set once
	metadata  *Document    // set once
	server    server       // set once; nil: the user's own

	mu        sync.Mutex // guards what follows
	skew      time.Duration
	begun     bool // a key was published, or the first one was made by default
	current   *Key
	published []*Key
	made      []*Key // every key of this issuer
}

// New returns an issuer with the given identifier, which should be an absolute URL
// such as "http://127.0.0.1:8080/issuer". The issuer is a handler for requests with
// the paths of its documents' URLs, so it must not be behind [http.StripPrefix]; it
// answers 404 to all others. New does no I/O and starts nothing.
func New(url string) *Issuer {
	origin, path := split(url)
	base := strings.TrimRight(url, "/")
	i := &Issuer{url: url, client: http.DefaultClient} //nolint:forbidigo // Where the issuer is served, an ordinary client reaches it.
	i.keySet = newDocument(base+"/keys", i.renderKeySet)
	i.discovery = newDocument(base+"/.well-known/openid-configuration", i.renderDiscovery)
	i.metadata = newDocument(origin+"/.well-known/oauth-authorization-server"+strings.TrimRight(path, "/"), i.renderDiscovery)
	return i
}

// URL returns the issuer's identifier, the "iss" of its tokens.
func (i *Issuer) URL() string { return i.url }

// Client returns the client that reaches the issuer. With [Start], every request of
// this client, whatever its host, goes to the issuer. With [Listen], it reaches every
// host, and trusts the issuers of this process alone where it speaks TLS. With [New]
// it is [http.DefaultClient].
func (i *Issuer) Client() *http.Client { return i.client }

// KeySet is the JWK set of the published keys, at URL()/keys.
func (i *Issuer) KeySet() *Document { return i.keySet }

// Discovery is the document of OpenID Connect Discovery 1.0 §4, at
// URL()/.well-known/openid-configuration. It names the issuer, the key set and the
// algorithms of the published keys, and no endpoint, for there is none: an issuer
// that has more to tell sets the content itself with [Document.SetContent].
func (i *Issuer) Discovery() *Document { return i.discovery }

// Metadata is the same document at the place of RFC 8414 §3.1, where the well-known
// part stands between the host and the path of URL().
func (i *Issuer) Metadata() *Document { return i.metadata }

// Break breaks all documents of the issuer, as [Document.Break] does.
func (i *Issuer) Break(fault Fault) {
	for _, d := range i.documents() {
		d.Break(fault)
	}
}

// Repair repairs all documents of the issuer, as [Document.Repair] does.
func (i *Issuer) Repair() {
	for _, d := range i.documents() {
		d.Repair()
	}
}

// SetSkew lets the issuer's clock run ahead by d from now on, or behind if d is
// negative; zero sets it right. It is the clock of the "Date" header field and of the
// default "iat" and "exp" of the tokens that the issuer's keys mint. A [time.Time]
// among [Claims] is written as it is.
func (i *Issuer) SetSkew(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.skew = d
}

// now is the issuer's time.
func (i *Issuer) now() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return time.Now().Add(i.skew)
}

// ServeHTTP serves the issuer's documents.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", i.now().UTC().Format(http.TimeFormat))
	for _, d := range i.documents() {
		if d.path == r.URL.EscapedPath() {
			d.serve(w, r)
			return
		}
	}
	http.NotFound(w, r)
}

// Token returns a token with the claims, and the defaults that [Claims] lists, signed
// with the current key.
func (i *Issuer) Token(claims Claims) string { return i.Key().Token(claims) }

// Key returns the current key: the one that was published last, even if it has been
// withdrawn. An issuer that has none yet makes and publishes one for RS256.
func (i *Issuer) Key() *Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.begin()
	return i.current
}

// AddKey makes a key, publishes it beside the others and makes it the current one.
// RS256, RS384, RS512, PS256, PS384 and PS512 have RSA keys of 2048 bits. It panics
// if the algorithm is not one of package verifier's.
func (i *Issuer) AddKey(algorithm verifier.Algorithm) *Key {
	key := i.NewKey(algorithm)
	i.Publish(key)
	return key
}

// NewKey makes a key like AddKey, but neither publishes it nor makes it the current
// one. Its tokens are those of a key that verifiers cannot know.
func (i *Issuer) NewKey(algorithm verifier.Algorithm) *Key {
	return i.newKey(newID(), algorithm)
}

// Publish adds a key to the end of the key set, where it is not there already, and
// makes it the current one. The key may be another issuer's: then both publish it.
func (i *Issuer) Publish(key *Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.begun = true
	i.current = key
	if !slices.Contains(i.published, key) {
		i.published = append(i.published, key)
	}
}

// Withdraw removes a key from the key set, if it is there. The key can still mint
// tokens, and the issuer goes on signing with it if it is the current one.
func (i *Issuer) Withdraw(key *Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = slices.DeleteFunc(i.published, func(k *Key) bool { return k == key })
}

// Rotate is AddKey with the algorithm of the current key. The old key stays
// published.
func (i *Issuer) Rotate() *Key { return i.AddKey(i.Key().Algorithm()) }

// Replace withdraws a key and adds another one under the same ID and for the same
// algorithm: the fault of issuers that reuse a kid.
func (i *Issuer) Replace(old *Key) *Key {
	key := i.newKey(old.ID(), old.Algorithm())
	i.Withdraw(old)
	i.Publish(key)
	return key
}

func (i *Issuer) newKey(id string, algorithm verifier.Algorithm) *Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.makeKey(id, algorithm)
}

// makeKey needs i.mu.
func (i *Issuer) makeKey(id string, algorithm verifier.Algorithm) *Key {
	key := &Key{issuer: i.url, now: i.now, id: id, algorithm: algorithm, signer: generate(algorithm)}
	i.made = append(i.made, key)
	return key
}

// begin makes the first key, unless the user has published one. It needs i.mu.
func (i *Issuer) begin() {
	if i.begun {
		return
	}
	i.begun = true
	i.current = i.makeKey(newID(), verifier.RS256)
	i.published = []*Key{i.current}
}

func (i *Issuer) publishedKeys() []*Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.begin()
	return slices.Clone(i.published)
}

// retire gives the RSA keys to issuers to come.
func (i *Issuer) retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, key := range i.made {
		spare.put(key.signer)
	}
	i.made = nil
}

func (i *Issuer) documents() []*Document { return []*Document{i.keySet, i.discovery, i.metadata} }

func (i *Issuer) renderKeySet() []byte {
	set := struct {
		Keys []jsontext.Value `json:"keys"`
	}{Keys: []jsontext.Value{}}
	for _, key := range i.publishedKeys() {
		set.Keys = append(set.Keys, key.jwk())
	}
	return marshal(set)
}

func (i *Issuer) renderDiscovery() []byte {
	algorithms := []verifier.Algorithm{}
	for _, key := range i.publishedKeys() {
		if !slices.Contains(algorithms, key.algorithm) {
			algorithms = append(algorithms, key.algorithm)
		}
	}
	return marshal(struct {
		Issuer     string               `json:"issuer"`
		KeySet     string               `json:"jwks_uri"`
		Responses  []string             `json:"response_types_supported"`
		Subjects   []string             `json:"subject_types_supported"`
		Algorithms []verifier.Algorithm `json:"id_token_signing_alg_values_supported"`
	}{i.url, i.keySet.URL(), []string{"code"}, []string{"public"}, algorithms})
}

// split cuts a URL before its path.
func split(url string) (origin, path string) {
	scheme, rest, _ := strings.Cut(url, "://")
	host, path, found := strings.Cut(rest, "/")
	if found {
		path = "/" + path
	}
	return scheme + "://" + host, path
}

// marshal is for values that JSON can represent unless the caller of the package
// made a mistake.
func marshal(value any) []byte {
	data, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		misuse(err)
	}
	return data
}

// misuse stops a test that is written wrongly. Its functions return no error,
// because they are called inside expressions.
func misuse(err error) {
	panic(fmt.Sprintf("issuertest: %v", err))
}
