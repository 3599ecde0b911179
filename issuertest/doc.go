// Package issuertest is an issuer of access tokens for tests, examples and
// development: it mints tokens, publishes their keys and misbehaves on request.
//
//	idp := issuertest.Start(t)
//	token := idp.Token(issuertest.Claims{"scope": "todos:read"})
//
// [Start] serves the issuer in memory until the test ends, also inside a bubble of
// testing/synctest. Everything that talks to it must use its [Issuer.Client], which
// reaches no other host:
//
//	keys, err := jwks.Discover(idp.URL(), &jwks.Options{Client: idp.Client()})
//
// [New] makes an [http.Handler] for a server of one's own.
//
// [Issuer.Token] fills in what a good access token needs, so that a test names only
// the claims it is about. An issuer signs with RS256 unless [Issuer.AddKey] is
// called before anything else. Keys come and go with [Issuer.Rotate],
// [Issuer.Withdraw], [Issuer.Replace], [Issuer.NewKey] and [Issuer.Publish], and
// each [Key] can mint tokens whether or not it is published.
//
// What the issuer serves are [Document] values: [Issuer.KeySet], [Issuer.Discovery]
// and [Issuer.Metadata]. Each counts its fetches, and can be broken and repaired:
//
//	idp.KeySet().Break(issuertest.Status(http.StatusInternalServerError))
//	idp.Discovery().BreakNext(2, issuertest.Hang())
//	idp.Repair()
//
// The issuer's time is [time.Now], which is the virtual clock in a bubble. Keys of
// separate issuers differ. This package is not for production: whoever reaches the
// process's memory, or an application that embeds the issuer, can mint any token.
package issuertest
