package main

// The text of the page around what was measured.

const pageHead = `# The replaced system, measured the same way

This page is written by ` + "`GOWORK=off go -C bench run ./seed -out ../docs`" + `, and a test compares it with the
[raw results](%s): please do not edit it. The program is in [bench/seed](../bench/seed/). It needs Linux, wrk, and Python 3.11 or newer
with venv, and takes about five minutes, in which the machine should have nothing else to do.

Run on %s on %d × %s, %s. Load average as the measuring began: %s.

bearerproof replaces the authentication of demos that have a FastAPI server with ` + "`HTTPBearer`" + ` and python-jose, which fetches the issuer's
key set for each request and has the check of the audience switched off. [server.py](../bench/seed/server.py) is such a server. It and the
[example](../examples/todo/) of this repository answer the same request, ` + "`GET /me`" + `: verify the token, and return the caller's identity as
JSON. No database is asked.
`

const pageServers = `The FastAPI server runs on Python %s with %s. It has one worker, which is one process; it uses uvloop and httptools, the faster choice of
uvicorn's, and python-jose uses cryptography and not the RSA code in Python. The example is built with %s. Each server writes a line for each
request to its log, as both do by default.
`

const pageSummary = `As described, a request takes %s times the CPU time that it takes with bearerproof; with one client for all fetches %s times, and with cached
keys %s times. bearerproof remembers verified tokens, since a client sends the same one until it expires. Where it remembers none, so that it
checks each signature as the FastAPI server does, the one with cached keys takes %s times its CPU time.
`

const pageMethod = `Medians of all rounds, with the least and the most. CPU time is the number to compare. It is that of the server's process with all its threads,
in its own code and in the kernel (utime and stime of ` + "`/proc/PID/stat`" + `), and depends least on what else the machine does. Requests/s and
latencies depend on it: the server shares the processors with wrk and with the issuer, whose CPU time does not count. Each connection sends its
next request when it has the answer to the last one, so a latency is about the number of connections divided by requests/s.

- wrk %s with one thread and %d connections for %g s. Rounds: %d. In each, every server is started anew and warmed up for a second, and each
  round begins with another server.
- A request counts if it was answered or in flight as wrk ended; the CPU time is read when the server has come to rest.
- All requests bear one token under RS256 with the members and the size of Keycloak's, but in the last row: there it is %s tokens in turn.
- The issuer is ` + "`issuertest`" + ` on the loopback interface: plain HTTP, one key, an answer at once. With a real one there are TLS, a network and a
  larger document, and a fetch costs more.
- One failed request ends the run without a page.
`

const pageAnswers = `The status of each answer. Bold: accepted, though bearerproof refuses it. A server that does not accept the first token and refuse the next six
is not measured. A token need not have a kid (RFC 7515 §4.1.4); without one, bearerproof tries those for its algorithm, four at most.
`

const pageLimits = `## What this does not say

It is no comparison of FastAPI with Go's net/http. In the first row, %s of the CPU time is the new HTTP client, which reads the certificates for
TLS each time although it needs none here; in the second row, %s is the fetch. What is left in the third row is two languages, two frameworks
and the cache of verified tokens. [bench](../bench/) compares bearerproof with other Go libraries on equal terms.
`
