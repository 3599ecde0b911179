package jwks

// ClockAhead is how far an issuer's clock is ahead.
var ClockAhead = clockAhead
