package issuertest

import "errors"

// server is what stands between an issuer and its clients.
type server interface {
	stop()
	resume()
}

// Stop takes the issuer's server away: all connections break, those with a fetch in
// progress included, and new ones are refused (ECONNREFUSED) until [Issuer.Resume].
// It does nothing if the server is stopped already. It panics for an issuer that
// [New] made, whose server it does not know.
func (i *Issuer) Stop() { i.mustServer().stop() }

// Resume brings the server back after [Issuer.Stop]; after [Listen], on the same port.
// It does nothing if the server is not stopped. Should another process have got hold
// of the port, Resume tries for a second, and then fails the test.
func (i *Issuer) Resume() { i.mustServer().resume() }

func (i *Issuer) mustServer() server {
	if i.server == nil {
		misuse(errors.New("the server of an issuer made by New is not known"))
	}
	return i.server
}
