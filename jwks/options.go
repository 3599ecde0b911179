package jwks

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// Defaults of [Options].
const (
	defaultTimeout  = 5 * time.Second
	defaultInterval = 5 * time.Minute
	defaultCooldown = 10 * time.Second
	defaultMaxStale = 24 * time.Hour
)

// Options are the settings of a [Remote]. The zero value, and a nil pointer, stand
// for the defaults.
type Options struct {
	// Client makes the requests. The default has no idle connections, so that nothing
	// is left running between fetches, and takes proxies from the environment. The
	// client's own CheckRedirect is not used: a Remote follows at most three redirects
	// within one origin.
	Client *http.Client

	// Timeout bounds one fetch, discovery included. The default is 5 s.
	Timeout time.Duration

	// Interval is the age at which a set is refreshed; each set varies it by up to
	// 10 %, so that replicas spread. The issuer's max-age may shorten it, but not below
	// 1 min. A set of twice that age is refreshed before it is used. The default is
	// 5 min.
	Interval time.Duration

	// Cooldown is how long it takes until one more fetch is allowed for the sake of an
	// unknown kid, and how long such a kid, once looked for in vain, is remembered. The
	// default is 10 s.
	Cooldown time.Duration

	// MaxStale is how long the last good set is used while none newer can be had,
	// counted from the last answer that brought it whole. It must not be shorter than
	// Interval. The default is 24 h.
	MaxStale time.Duration

	// InsecureAllowHTTP allows http to hosts other than this machine. Whoever can
	// change an answer on its way can then sign tokens (RFC 8414 §6).
	InsecureAllowHTTP bool

	// Failover is a second address of the same issuer's key set, say a mirror or another
	// node: it is asked, within the same fetch, when the first does not bring a good set,
	// which then has half of the time. A first address that failed is asked second for a
	// minute. The second is as powerful as the first: whoever answers there can sign
	// tokens. It must be https, or http on this machine, like the first, and differ from
	// it. The log, events and Status show it with its query: put no secret there. The
	// default is none.
	Failover string

	// Snapshot keeps the last good set for the next process, which uses it if its first
	// fetch fails, because the issuer is away. That fetch then has half a second less than
	// the 5 s which requests wait, so that they are answered from the snapshot.
	// [FileSnapshot] makes one; each source needs its own. The default is none.
	Snapshot *Snapshot

	// Logger is told of failures, recoveries, changed and skipped keys, in the lines of
	// [NewLogObserver]. The default is slog.Default().
	Logger *slog.Logger

	// Observer is told of events, beside the Logger. The default is nobody.
	Observer Observer
}

// withDefaults returns the settings in force, or an error that names the field.
func (o *Options) withDefaults() (Options, error) {
	var set Options
	if o != nil {
		set = *o
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		unset time.Duration
	}{
		{"Timeout", &set.Timeout, defaultTimeout},
		{"Interval", &set.Interval, defaultInterval},
		{"Cooldown", &set.Cooldown, defaultCooldown},
		{"MaxStale", &set.MaxStale, defaultMaxStale},
	} {
		if *d.value < 0 {
			return Options{}, fmt.Errorf("jwks: Options.%s is negative", d.name)
		}
		if *d.value == 0 {
			*d.value = d.unset
		}
	}
	if set.MaxStale < set.Interval {
		return Options{}, fmt.Errorf("jwks: Options.MaxStale (%v) is shorter than Options.Interval (%v)", set.MaxStale, set.Interval)
	}
	if set.Logger == nil {
		set.Logger = slog.Default()
	}
	if set.Client == nil {
		set.Client = newClient()
	}
	return set, nil
}
