package resilience

// Outcome is what became of a token.
type Outcome string

const (
	// Accepted is no refusal.
	Accepted Outcome = "accepted"
	// Invalid is the token's fault. A server answers 401.
	Invalid Outcome = "invalid"
	// Unavailable means that keys could not be had. A server answers 503.
	Unavailable Outcome = "unavailable"
	// Canceled means that the caller's own context ended.
	Canceled Outcome = "canceled"
	// Unclear is an error that does not let its reader tell.
	Unclear Outcome = "unclear"
	// NotMade means that the library could not be set up, so that no token could be
	// shown to it.
	NotMade Outcome = "not made"
	// Stuck means that a call went on though its context had ended.
	Stuck Outcome = "stuck"
)
