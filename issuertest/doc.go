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
// [Listen] is Start on a real socket, with or without TLS, and [New] makes an
// [http.Handler] for a server of one's own.
//
// [Issuer.Token] fills in what a good access token needs, so that a test names only
// the claims it is about. An issuer signs with RS256 unless [Issuer.AddKey] is
// called before anything else. Keys come and go with [Issuer.Rotate],
// [Issuer.Withdraw], [Issuer.Replace], [Issuer.NewKey] and [Issuer.Publish], and
// each [Key] can mint tokens whether or not it is published.
//
// What the issuer serves are [Document] values: [Issuer.KeySet], [Issuer.Discovery]
// and [Issuer.Metadata]. Each counts its fetches, and can be broken and repaired.
//
// # Outages
//
// A service should be tested against the outages of its issuer before it meets them.
// A [Fault] is one way in which a fetch goes wrong. [Document.Break] lets it last,
// [Document.BreakNext] is for some fetches, and [Issuer.Break] is for all documents:
//
//	idp.KeySet().Break(issuertest.Status(http.StatusInternalServerError))
//	idp.Discovery().BreakNext(2, issuertest.Hang())
//	idp.Repair()
//
// The faults are:
//
//   - [Status], [Body], [RedirectTo] and [NotModified]: another answer;
//   - [ContentType] and [Oversize]: the document, but not as it should be sent;
//   - [Hang], [HangBody], [SlowHeader] and [SlowBody]: an answer that keeps the client
//     waiting, before or after the header;
//   - [Truncate] and [Reset]: a connection that ends in the middle of the answer;
//   - [Nodes]: nodes behind one address whose documents differ;
//   - [Flap]: any of these, now and then.
//
// A server that is away altogether is [Issuer.Stop] until [Issuer.Resume]. A server
// with a bad certificate is [Listen] with one of the [TLS] kinds, and an issuer whose
// clock is wrong is [Issuer.SetSkew]. In a bubble of testing/synctest, an outage of a
// day takes no time:
//
//	synctest.Test(t, func(t *testing.T) {
//		idp := issuertest.Start(t)
//		v := newVerifier(t, idp) // of the test: jwks.Discover, verifier.New
//		token := idp.Token(issuertest.Claims{"exp": time.Now().Add(48 * time.Hour)})
//		_, err := v.Verify(t.Context(), token) // nil
//
//		idp.Stop()
//		time.Sleep(23 * time.Hour)
//		_, err = v.Verify(t.Context(), token) // nil: the keys are held for 24 hours
//		time.Sleep(2 * time.Hour)
//		_, err = v.Verify(t.Context(), token) // verifier.ErrKeysUnavailable
//
//		idp.Resume()
//		time.Sleep(10 * time.Second)
//		_, err = v.Verify(t.Context(), token) // nil
//	})
//
// The issuer's time is [time.Now], which is the virtual clock in a bubble, unless
// SetSkew says otherwise. Keys of separate issuers differ. This package is not for
// production: whoever reaches the process's memory, or an application that embeds the
// issuer, can mint any token.
package issuertest
