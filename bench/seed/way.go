package main

import (
	"net"
	"path/filepath"
	"strings"

	"github.com/bearerproof/bearerproof/bench/internal/issuer"
	"github.com/bearerproof/bearerproof/bench/internal/process"
	"github.com/bearerproof/bearerproof/bench/internal/wrk"
)

// way is a server, set up in one way.
type way struct {
	id      string // in the record
	name    string // in the tables
	about   string // what it does for the keys
	command func(s *site, address string) process.Command
	load    func(s *site) []string // the requests, see wrk.Load

	// asked says that the answers to the attempts are wanted. The ways without it
	// differ from another one in nothing that could change an answer.
	asked bool
}

// ours is the way that the others are compared with.
const ours = "go"

// ways are all of them, in the order of the tables.
func ways() []way {
	return []way{
		{id: "new-client", name: "FastAPI, as described", about: "a new `httpx.AsyncClient` and a fetch of the key set for each request", command: fastAPI("new-client"), load: oneToken, asked: true},
		{id: "shared-client", name: "FastAPI, one client", about: "one `httpx.AsyncClient`, which keeps its connections; a fetch for each request", command: fastAPI("shared-client"), load: oneToken, asked: true},
		{id: "cached", name: "FastAPI, keys cached", about: "a fetch in five minutes; the keys are parsed once", command: fastAPI("cached"), load: oneToken, asked: true},
		{id: "go-1", name: "bearerproof, one core", about: "`examples/todo` with `GOMAXPROCS=1`, since the FastAPI server has one process", command: todo("GOMAXPROCS=1"), load: oneToken},
		{id: ours, name: "bearerproof", about: "`examples/todo` as it is", command: todo(), load: oneToken, asked: true},
		{id: "go-new-tokens", name: "bearerproof, new tokens", about: "`examples/todo` as it is, but with a token that it does not remember in each request", command: todo(), load: newTokens},
	}
}

// fastAPI is server.py under uvicorn, with one worker and what its "standard" extra
// brings: uvloop and httptools.
func fastAPI(keys string) func(*site, string) process.Command {
	return func(s *site, address string) process.Command {
		host, port, _ := net.SplitHostPort(address)
		return process.Command{
			Path: s.python,
			Args: []string{
				"-m", "uvicorn", "--app-dir", s.dir, "--host", host, "--port", port,
				"--workers", "1", "--loop", "uvloop", "--http", "httptools", "server:app",
			},
			Env: []string{"SEED_ISSUER=" + s.issuer.URL(), "SEED_KEY_SET_URL=" + s.issuer.KeySetURL(), "SEED_KEYS=" + keys},
		}
	}
}

// todo is the example.
func todo(env ...string) func(*site, string) process.Command {
	return func(s *site, address string) process.Command {
		return process.Command{
			Path: filepath.Join(s.dir, "todo"),
			Env:  append([]string{"TODO_ADDR=" + address, "TODO_ISSUER=" + s.issuer.URL(), "TODO_AUDIENCE=" + issuer.Audience}, env...),
		}
	}
}

func oneToken(s *site) []string { return wrk.Token(s.token) }

func newTokens(s *site) []string { return wrk.Script(s.script, s.tokens) }

// isOurs reports whether bearerproof does the work.
func (w way) isOurs() bool { return strings.HasPrefix(w.name, "bearerproof") }
