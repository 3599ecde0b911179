package peers

import (
	"context"
	"errors"
	"net/url"
)

// Class is whose fault a refusal is.
type Class string

const (
	// Accepted is no refusal.
	Accepted Class = "accepted"
	// Invalid is the token's fault. A server answers 401.
	Invalid Class = "invalid"
	// Unavailable means that keys could not be had. A server answers 503.
	Unavailable Class = "unavailable"
	// Canceled means that a context was canceled, which a caller does who leaves.
	Canceled Class = "canceled"
	// Unclear is an error that does not let its reader tell.
	Unclear Class = "unclear"
)

// Classify says whose fault an error of New or of Subject.Verify is, as far as errors.Is
// and errors.As can tell, because that is what a program can rely on. The texts of
// errors are not looked at.
//
// Whatever a peer calls it, an error that wraps context.Canceled is Canceled, and one
// that wraps the failure of a request, or a deadline that passed, is not Unclear.
func (p Peer) Classify(err error) Class {
	switch {
	case err == nil:
		return Accepted
	case errors.Is(err, context.Canceled):
		return Canceled
	}
	if class := p.classify(err); class != Unclear {
		return class
	}
	if _, failed := errors.AsType[*url.Error](err); failed || errors.Is(err, context.DeadlineExceeded) {
		return Unavailable
	}
	return Unclear
}

// isOneOf reports whether an error is one of the targets.
func isOneOf(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
