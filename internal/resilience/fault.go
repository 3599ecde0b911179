package resilience

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
)

// Fault is something that goes wrong with an issuer, its keys, the way to it or the
// clock. While it begins, the issuer publishes another key, so that there is something
// to miss; its old key remains, unless the fault says otherwise.
type Fault struct {
	// Name is short and stands in tables.
	Name string
	// OfClock says that the clock of the library's machine is wrong, and not the issuer.
	// It is shown to a library by Setup.Now.
	OfClock bool

	effect  effect
	place   place
	arrange func(w *world) // called before there is a subject; nil: nothing
	begin   func(w *world)
	end     func(w *world) // nil: the fault stays
}

// place is where the issuer is.
type place int

const (
	inMemory  place = iota // within the bubble
	onSockets              // outside of it, behind a real connection
)

// Faults lists all faults.
func Faults() []*Fault {
	var all []*Fault
	all = append(all, connectionFaults()...)
	all = append(all, answerFaults()...)
	all = append(all, redirectFaults()...)
	all = append(all, keyFaults()...)
	all = append(all, validatorFaults()...)
	all = append(all, clockFaults()...)
	return all
}

// connectionFaults are those that need a real connection, but for the host without an
// address.
func connectionFaults() []*Fault {
	return []*Fault{
		{
			Name: "connection refused", place: onSockets,
			begin: func(w *world) { w.issuer.Stop() },
			end:   func(w *world) { w.issuer.Resume() },
		},
		broken("connection reset", failing, onSockets, issuertest.Reset()),
		broken("connection closed in the body", failing, onSockets, issuertest.Truncate()),
		{
			Name:  "DNS failure",
			begin: func(w *world) { w.network.setDial(unresolved) },
			end:   func(w *world) { w.network.setDial(nil) },
		},
		impersonated("TLS: unknown authority", issuertest.UntrustedTLS),
		impersonated("TLS: expired certificate", issuertest.ExpiredTLS),
		impersonated("TLS: certificate of another host", issuertest.WrongHostTLS),
	}
}

// answerFaults are answers that bring no keys, or none in time.
func answerFaults() []*Fault {
	return []*Fault{
		broken("hang before the header", hanging, inMemory, issuertest.Hang()),
		broken("hang in the body", hanging, inMemory, issuertest.HangBody()),
		broken("body that drips for an hour", hanging, inMemory, issuertest.SlowBody(time.Hour)),
		broken("500", failing, inMemory, issuertest.Status(http.StatusInternalServerError)),
		broken("429 with Retry-After: 30", throttling, inMemory, throttle),
		broken("200 with HTML", failing, inMemory, issuertest.Body("text/html; charset=utf-8", "<!DOCTYPE html><title>Down</title><p>Back soon")),
		published("200 without keys", failing, issuertest.Body("application/json", `{"keys":[]}`)),
		published("200 without a usable key", failing, issuertest.Body("application/json", `{"keys":[`+oddSymmetric+","+oddOffCurve+`]}`)),
		published("200 with half of the JSON", failing, halved),
		{
			Name:  "body of 100 MB",
			begin: func(w *world) { w.network.setSurplus(100_000_000) },
			end:   func(w *world) { w.network.setSurplus(0) },
		},
		{Name: "304 to everything", effect: failing, arrange: constantETag, begin: breakKeySet(issuertest.NotModified()), end: repair},
	}
}

// redirectFaults lead to places that an attacker may control: whoever follows finds
// the issuer's own documents there.
func redirectFaults() []*Fault {
	leading := func(name string, origin func(w *world) string) *Fault {
		return &Fault{Name: name, effect: failing, end: repair, begin: func(w *world) {
			w.mirror()
			w.issuer.Break(redirect(origin(w)))
		}}
	}
	return []*Fault{
		leading("redirect to another origin", func(*world) string { return otherOrigin }),
		leading("redirect from https to http", func(w *world) string {
			return strings.Replace(w.issuer.URL(), "https://", "http://", 1)
		}),
	}
}

// validatorFaults are of a cache before the issuer that never notices a change.
func validatorFaults() []*Fault {
	return []*Fault{{
		Name: "304 to every validator, for ever", effect: stubborn, arrange: constantETag,
		begin: func(w *world) { w.issuer.Withdraw(w.held) },
	}}
}

// clockFaults set the wall clock of the library's machine, and set it right again.
func clockFaults() []*Fault {
	jump := func(name string, effect effect, ahead time.Duration) *Fault {
		return &Fault{
			Name: name, OfClock: true, effect: effect,
			begin: func(w *world) { w.clock.set(ahead) },
			end:   func(w *world) { w.clock.set(0) },
		}
	}
	return []*Fault{
		jump("clock jumps an hour ahead", ahead, time.Hour),
		jump("clock jumps 25 hours ahead", ahead, 25*time.Hour),
		jump("clock jumps an hour back", harmless, -time.Hour),
		jump("clock jumps 25 hours back", harmless, -25*time.Hour),
	}
}

// broken is an issuer whose documents are all broken.
func broken(name string, effect effect, place place, fault issuertest.Fault) *Fault {
	return &Fault{Name: name, effect: effect, place: place, begin: func(w *world) { w.issuer.Break(fault) }, end: repair}
}

// published is an issuer whose key set is broken, and nothing else.
func published(name string, effect effect, fault issuertest.Fault) *Fault {
	return &Fault{Name: name, effect: effect, begin: breakKeySet(fault), end: repair}
}

func breakKeySet(fault issuertest.Fault) func(*world) {
	return func(w *world) { w.issuer.KeySet().Break(fault) }
}

func repair(w *world) { w.issuer.Repair() }

// impersonated is an issuer whose address leads to a server with another certificate.
func impersonated(name string, certificate issuertest.TLS) *Fault {
	return &Fault{
		Name: name, place: onSockets,
		arrange: func(w *world) { w.impostor = issuertest.Listen(w.tb, &issuertest.ListenOptions{TLS: certificate}) },
		begin: func(w *world) {
			w.network.setDial(to(strings.TrimPrefix(w.impostor.URL(), "https://")))
		},
		end: func(w *world) { w.network.setDial(nil) },
	}
}

// constantETag lets the key set have a validator that matches for ever.
func constantETag(w *world) { w.issuer.KeySet().SetHeader("ETag", `"constant"`) }

// throttle answers 429 (RFC 6585 §4).
func throttle(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.Header().Set("Retry-After", "30")
	w.WriteHeader(http.StatusTooManyRequests)
}

// redirect sends a client to the same path of another origin.
func redirect(origin string) issuertest.Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Location", origin+r.URL.Path)
		w.WriteHeader(http.StatusFound)
	}
}

// halved answers 200 with the first half of the document, and says that it is whole.
func halved(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
	whole := httptest.NewRecorder()
	healthy.ServeHTTP(whole, r)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2]) // the client may have gone
}
