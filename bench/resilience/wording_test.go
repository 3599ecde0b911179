package resilience_test

import "github.com/bearerproof/bearerproof/internal/resilience"

// What stands between the tables.

const beforeSummary = `
Numbers are counted from cells, a cell being a fault in a state: "n of m" cells, "unavailable 20" cells or tokens. Times are virtual, and "never" is not in 10 min.
Measured on %s with %s. Each cell, what the words mean and how each library is set up: [resilience-peers.md](resilience-peers.md). Raw:
[resilience-peers.jsonl](resilience-peers.jsonl).

`

const afterSummary = `
Rows belong together: who fetches rarely is late to notice a new key or the end of an outage, and who fetches for each request notices at once and loads the issuer. "Accepted" while the issuer is away
is a set that was held, that came from another origin, or that was read although 100 MB followed it. A set that is still served after 25 h keeps a service up, and a withdrawn key alive.
"No such fetch": the library gets its keys in its constructor and in the background, and not for a request with a held key.

Not observable: the faults of the clock. No peer lets its user set the clock by which it judges the age of a key set. bearerproof's own cells of these are checked by
` + "`TestFaultSuite` in `jwks/faults_test.go`" + `. Each library is set up as its own documentation says, see [bench/](../bench/).

`

const introduction = `# Faults of the issuer, and what Go libraries make of them

This page is written by ` + "`GOWORK=off go -C bench test ./resilience -timeout 1h -results docs`" + `, and a test compares it with the
[raw results](resilience-peers.jsonl): please do not edit it. The table of behaviours, which is shorter, is in [resilience.md](resilience.md).

Run on %s with %s, %s, %d CPUs: %s.

A resource server verifies access tokens, and gets its keys from the issuer. %d faults strike it in %d states: %d cells, %d of
which cannot be observed (see the end). All libraries get the same faults, the same tokens and the
same issuer, in virtual time, so that a day takes no time and no machine is too slow. Each is set up as its own documentation says, with no retry and no wrapper around it;
[bench/](../bench/) has a file for each that names the place, and the rules. Not every one is made for access tokens. If something is set up worse than its authors would, please say so.

## Words

| word | meaning |
|---|---|
| held key | published from the start, and known to the library unless it just started |
| next key | published at the moment when the fault begins |
| accepted | the token was accepted |
| invalid | refused, and the error says that the token is at fault: a server answers 401 |
| unavailable | refused, and the error says that keys could not be had: a server answers 503 |
| canceled | refused, because a context had ended |
| unclear | refused, and a program cannot tell why without reading the error's text |
| not made | the constructor of the verifier failed, or had not returned after a minute. It is called again with each request |
| stuck | the call went on though its caller had left |
| 5s, 1m | how long the caller waited, if he did. He leaves after a minute |
| bold | another outcome than bearerproof's policy asks for, which need not be wrong: an unclear error may hide behaviour that is right, and a library that serves a set for longer than 24 h has another policy |

All tokens are good, so that "invalid" is a mistake, but for a token under the held key where a fault withdraws that key ("kid reused", "304 to every validator") and for a token under the next key
where its kid is that of the held key ("kid reused").
`

const aboutFirst = `What became of the first token after the fault began. Each of the two keys met a verifier of its own.
`

const aboutMinute = `A token under the held key each second ("held tokens"), or one under each of the two keys ("both"). The number is the worst of all states in which there was a verifier.`

const aboutAfter = `The time until a token is accepted, after the fault ended or, of a fault that stays (keys and validators), after the first token: the worst of all states. "never" is not within 10 min. It is 0s
where nothing was refused, and where a verifier that could not be made before is made with the first token. In the two faults that withdraw the held key, its time is 0s too; when the key stops is in the
[table of behaviours](resilience.md).`

const aboutClock = `- The faults of the clock: not observable. No peer lets its user set the clock by which it judges the age of a key set, and virtual time cannot jump. bearerproof's own cells of
  these are checked by ` + "`TestFaultSuite` in `jwks/faults_test.go`" + `.
- When a withdrawn key stops: a refusal with an unclear error counts, because the issuer answers and the fault is of the key.
`

const aboutSerial = `- %s, %d cells: its requests wait for a lock while another one waits for the issuer, which stops virtual time. These cells were run with requests that queue before the library
  instead of within it, for as long.
`

// setup is where and how a library is set up.
type setup struct{ file, with string }

var setups = map[string]setup{
	"bearerproof":       {"bearerproof.go", "`jwks.Discover` and `verifier.New`"},
	"go-oidc":           {"gooidc.go", "`oidc.NewProvider`, which reads the metadata, and `Provider.Verifier`"},
	"go-jwt-middleware": {"auth0.go", "`jwks.NewCachingProvider`, a client that times out after 30 s as its own does, and `validator.New`"},
	"keyfunc":           {"keyfunc.go", "`keyfunc.NewDefaultOverrideCtx`, which fetches the set, and `jwt.Parser` of golang-jwt"},
	"jwx":               {"jwx.go", "`jwk.Cache`, whose `Register` waits for the first set, and `jwt.Parse`"},
	"cap":               {"cap.go", "`jwt.NewJSONWebKeySet` and `jwt.NewValidator`"},
	"zitadel-oidc":      {"zitadel.go", "`rp.NewRemoteKeySet`, a client that times out after 30 s as its own does, `op.NewAccessTokenVerifier` and `oidc.CheckAudience`"},
}

// title is what a state is called above its table, and what it is.
type title struct{ name, meaning string }

var titles = map[resilience.State]title{
	resilience.Cold:           {"Cold", "The process starts during the fault."},
	resilience.Warm:           {"Warm", "The set was fetched a minute ago."},
	resilience.SoftExpired:    {"Soft-expired", "The set is 6 min old, which is when bearerproof refreshes it."},
	resilience.Idle:           {"Idle", "Nobody has asked for 15 min."},
	resilience.BeyondMaxStale: {"Beyond MaxStale", "The issuer has been out of reach for 25 h, and nobody has asked. bearerproof uses a set for 24 h."},
	resilience.CallerLeft:     {"Caller left", "The first fetch ever is under way, and its caller has left. The fault strikes that fetch."},
}
