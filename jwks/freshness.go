package jwks

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxValidator bounds a validator that is kept, in bytes.
const maxValidator = 1 << 10

// intervalFor returns the interval of a set: the configured one, or what max-age
// (RFC 9111 §5.2.2.1) shortens it to, but not below the shortest. Nothing lengthens it,
// because it is how long a withdrawn key goes on working.
func intervalFor(configured, shortest time.Duration, h http.Header) time.Duration {
	age, ok := maxAge(h)
	if !ok {
		return configured
	}
	return min(configured, max(age, shortest))
}

// maxAge reads max-age, in seconds, as a token or as a quoted string. The first one
// counts; one that is no number is none.
func maxAge(h http.Header) (time.Duration, bool) {
	for _, line := range h.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			if !strings.EqualFold(name, "max-age") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			return time.Duration(seconds) * time.Second, err == nil
		}
	}
	return 0, false
}

// vary lengthens or shortens an interval by up to a part of it; random is from
// [0, 1).
func vary(interval time.Duration, part, random float64) time.Duration {
	spread := time.Duration(float64(interval) * part * (2*random - 1))
	if spread > math.MaxInt64-interval { // somebody said never
		return interval
	}
	return interval + spread
}

// validators are what an answer can be asked for again with (RFC 9110 §8.8).
type validators struct {
	etag     string
	modified string
}

// validatorsOf keeps those of an answer that are not too long.
func validatorsOf(h http.Header) validators {
	v := validators{etag: h.Get("ETag"), modified: h.Get("Last-Modified")}
	if len(v.etag) > maxValidator {
		v.etag = ""
	}
	if len(v.modified) > maxValidator {
		v.modified = ""
	}
	return v
}

// ask makes a request conditional.
func (v validators) ask(h http.Header) {
	if v.etag != "" {
		h.Set("If-None-Match", v.etag)
	}
	if v.modified != "" {
		h.Set("If-Modified-Since", v.modified)
	}
}
