package main

import "fmt"

// kept returns an error unless a database has what the server acknowledged: all of it,
// and not more than wrk asked for. When wrk ends, the server has up to one request of
// each connection, which it may have done although nobody got the answer.
func (p plan) kept(answered, connections int, added stored) error {
	for _, change := range []struct {
		method string
		stored int
	}{{post, added.todos}, {patch, added.edits}} {
		least, most := p.acknowledged(change.method, answered, connections)
		if change.stored < least || change.stored > most {
			return fmt.Errorf("%d requests were answered, so at least %d and at most %d of %s must be stored, and %d are", answered, least, most, change.method, change.stored)
		}
	}
	return nil
}

// acknowledged returns between which numbers the requests with a method are that the
// server did. Where all have it, each one that was answered was done. Else it is not
// known which of the requests on the way at the end have it.
func (p plan) acknowledged(method string, answered, connections int) (least, most int) {
	switch share := p.count(method); share {
	case 0:
		return 0, 0
	case len(p):
		return answered, answered + connections
	default:
		// They are evenly spread over the plan, so a part of it has at most one more or
		// less than its share. wrk asks once for a request that it does not send.
		return max(0, answered*share/len(p)-connections-2), (answered+connections)*share/len(p) + 2
	}
}
