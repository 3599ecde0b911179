package verifier

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/internal/jws"
)

// Defaults and limits of a [Config].
const (
	defaultLeeway   = 30 * time.Second
	maxLeeway       = 5 * time.Minute
	defaultMaxBytes = 16 << 10
	mostMaxBytes    = 1 << 20
)

// Config is what a token must satisfy. Issuer, Audience, Algorithms and Keys are
// required; the zero value of every other field is a safe default.
type Config struct {
	// Issuer is the issuer's identifier, exactly as tokens write it in "iss". It is
	// compared byte for byte (RFC 7519 §4.1.1).
	Issuer string

	// Audience says which "aud" values name this service: [AnyOf].
	Audience Audience

	// Algorithms lists what tokens may be signed with. The first entry that fits a
	// key is the one which a key that states no algorithm is used with. List EdDSA
	// and Ed25519 both if tokens may bear either name.
	Algorithms []Algorithm

	// Keys is the source of the issuer's keys, such as jwks.Discover makes.
	Keys KeySet

	// Leeway is the clock difference to the issuer that is forgiven, in both
	// directions, when "exp", "nbf" and "iat" are compared. 0 stands for the default, 30 s;
	// the most is 5 min. For almost none, use time.Nanosecond.
	Leeway time.Duration

	// MaxTokenBytes is the longest token that is looked at. The default is 16 KiB;
	// the most is 1 MiB.
	MaxTokenBytes int

	// TokenTypes lists the "typ" header values that an access token may have; "" stands
	// for an absent one. They are compared without regard to case and to a leading
	// "application/" (RFC 7515 §4.1.9). The default is "", "JWT" and "at+jwt". An
	// issuer that follows RFC 9068 allows the one entry "at+jwt".
	TokenTypes []string

	// AcceptIDTokens lets ID tokens pass. Some issuers, Dex among them, give an API no
	// other JWT. An ID token tells its client who logged in; whoever accepts it as
	// authority cannot tell an API call from a login that leaked, and the audience is
	// the client, not this service (RFC 8725 §3.12).
	AcceptIDTokens bool

	// InsecureIgnoreConfirmation accepts a token that is bound to its sender's key
	// ("cnf": DPoP or mutual TLS) from anybody who holds it, which undoes the binding
	// (RFC 9449 §7.1).
	InsecureIgnoreConfirmation bool

	// CacheSize is how many accepted tokens are remembered, so that the signature of a
	// token that comes again is not checked again. The answers are the same as without:
	// the token's key must still be among the issuer's, and the times, "iss", "aud" and
	// Check are looked at on every use. The package comment says more.
	//
	// 0 stands for the default, 4,096; the most is 1,048,576. [NoCache] switches it off.
	// The memory is bounded too, to 4 KiB times CacheSize (16 MiB by default; never less
	// than 256 KiB), and taken as tokens come. Each verifier has a cache of its own: where
	// [ByIssuer] or [ByIssuerFunc] combines many, choose it so that all of them fit.
	CacheSize int

	// Check is a further demand on every token, or nil. It runs last, on every use.
	Check Check

	// Observer is told how each call of Verify ends. The default is nobody.
	Observer Observer

	// Now is the clock. The default is time.Now.
	Now func() time.Time
}

// New returns a verifier for tokens of one issuer. It does no I/O and starts
// nothing. Its error names the field of the Config that is missing or wrong.
func New(c Config) (*Verifier, error) {
	if err := c.fault(); err != nil {
		return nil, err
	}
	v := &Verifier{
		issuer:                     c.Issuer,
		audience:                   c.Audience,
		algorithms:                 slices.Clone(c.Algorithms),
		keys:                       c.Keys,
		leeway:                     c.Leeway,
		acceptIDTokens:             c.AcceptIDTokens,
		insecureIgnoreConfirmation: c.InsecureIgnoreConfirmation,
		check:                      c.Check,
		observer:                   c.Observer,
		watched:                    c.Observer != nil,
		now:                        c.Now,
		headers:                    jws.NewHeaders(),
	}
	v.rechecker, _ = c.Keys.(interface{ Recheck() })
	if v.leeway == 0 {
		v.leeway = defaultLeeway
	}
	v.limit(cmp.Or(c.MaxTokenBytes, defaultMaxBytes))
	if v.now == nil {
		v.now = time.Now
	}
	v.cache = newTokenCache(c.CacheSize, v.now)
	v.listedTypes = slices.Clone(c.TokenTypes)
	if len(v.listedTypes) == 0 {
		v.listedTypes = []string{"", "JWT", "at+jwt"}
	}
	for _, typ := range v.listedTypes {
		v.tokenTypes = append(v.tokenTypes, mediaType(typ))
	}
	return v, nil
}

// fault says what is missing or wrong, or returns nil.
func (c *Config) fault() error {
	if c.Issuer == "" {
		return errors.New("verifier: Config.Issuer is empty")
	}
	if err := c.Audience.fault(); err != nil {
		return err
	}
	if len(c.Algorithms) == 0 {
		return errors.New("verifier: Config.Algorithms is empty")
	}
	for _, a := range c.Algorithms {
		if a.String() == "" {
			return fmt.Errorf("verifier: Config.Algorithms has %d, which is no algorithm", uint8(a))
		}
	}
	if c.Keys == nil {
		return errors.New("verifier: Config.Keys is nil")
	}
	if source, ok := c.Keys.(interface{ Issuer() string }); ok {
		if of := source.Issuer(); of != "" && of != c.Issuer {
			return fmt.Errorf("verifier: Config.Keys has the keys of %q, not of Config.Issuer %q", of, c.Issuer)
		}
	}
	if c.Leeway < 0 || c.Leeway > maxLeeway {
		return fmt.Errorf("verifier: Config.Leeway is %v, which is not 0 to %v", c.Leeway, maxLeeway)
	}
	if c.MaxTokenBytes < 0 || c.MaxTokenBytes > mostMaxBytes {
		return fmt.Errorf("verifier: Config.MaxTokenBytes is %d, which is not 0 to %d", c.MaxTokenBytes, mostMaxBytes)
	}
	if c.CacheSize < NoCache || c.CacheSize > mostCacheSize {
		return fmt.Errorf("verifier: Config.CacheSize is %d, which is neither NoCache nor 0 to %d", c.CacheSize, mostCacheSize)
	}
	return nil
}

// mediaType brings a "typ" into the form in which two are compared (RFC 7515
// §4.1.9): a value without a slash stands for application/ and that value.
func mediaType(typ string) string {
	lower := strings.ToLower(typ)
	if name, found := strings.CutPrefix(lower, "application/"); found && name != "" && !strings.Contains(name, "/") {
		return name
	}
	return lower
}
