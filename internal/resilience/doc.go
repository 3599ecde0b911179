// Package resilience shows how a library that verifies access tokens bears the faults
// of an issuer and of the way to it.
//
// A [Cell] is a [Fault] that strikes a library in a [State]: [Cells] lists all of them,
// and none is left out. [Observe] brings a [Library] into the state, lets the fault
// begin, sends tokens, lets the fault end, and notes an [Observation]. [Cell.Expect]
// says what should have been observed and why, and [Cell.Judge] where the two differ.
// The expectations are those of this module's own policy; they are applied to other
// libraries as they are.
//
//	for _, cell := range resilience.Cells() {
//		t.Run(cell.String(), func(t *testing.T) {
//			seen := resilience.Observe(t, cell, library)
//			for _, difference := range cell.Judge(seen) {
//				t.Error(difference)
//			}
//		})
//	}
//
// Everything happens in the virtual time of testing/synctest, so that a day of an
// outage takes no time. Most issuers are in memory. Faults of connections are real:
// their issuer listens on a loopback socket outside of the bubble, whose time stands
// still while a goroutine in it waits for the socket.
//
// The package is for tests of this module only. It writes no token and no key anywhere.
package resilience
