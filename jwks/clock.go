package jwks

import (
	"net/http"
	"strconv"
	"time"
)

// clockAhead is how far the clock is ahead of ours that wrote an answer's Date
// (RFC 9110 §6.6.1), or nil if there is no Date that can be read. We asked and had the
// answer at these times of our clock. Date is in whole seconds and the way takes time,
// so that a difference which these explain is none. A cache on the way says how old
// the answer is (RFC 9111 §5.1), unless it is a bad one.
func clockAhead(h http.Header, asked, answered time.Time) *time.Duration {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return nil
	}
	if age, err := strconv.ParseUint(h.Get("Age"), 10, 31); err == nil {
		date = date.Add(time.Duration(age) * time.Second)
	}
	// The monotonic clock is of no use against another host's.
	asked, answered = asked.Round(0), answered.Round(0)
	var ahead time.Duration
	if date.After(answered) || !date.Add(time.Second).After(asked) {
		ours := asked.Add(answered.Sub(asked) / 2)
		ahead = date.Add(time.Second / 2).Sub(ours)
	}
	return &ahead
}
