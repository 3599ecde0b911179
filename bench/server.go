package main

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bearerproof/bearerproof/bench/peers"
)

// serverArgument makes the program a server, see serve.
const serverArgument = "serve"

// order is what a server is told first, on a line of its standard input. An empty library
// is none.
type order struct {
	Transport string    `json:"transport"` // overHTTP or overGRPC
	Library   string    `json:"library"`
	Published documents `json:"published"`
	Warm      string    `json:"warm"` // a good token
}

// Words to a server, a line each. It answers each with a line.
const (
	sayAgain = "again" // set the library up anew, so that it remembers no token
	sayUsage = "usage" // processor time of the process so far
)

// answer is a line of a server.
type answer struct {
	Address string `json:"address,omitzero"`
	Used    int64  `json:"used,omitzero"` // ns
}

// serve is a resource server in a process of its own, whose processor time is thus that
// of the server alone. It serves on loopback until its standard input ends.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var o order
	if err := json.Unmarshal(first, &o); err != nil {
		return err
	}
	word, stop := sayAgain, func() {}
	defer func() { stop() }()
	for {
		a := answer{Used: int64(processorTime())}
		if word == sayAgain {
			stop()
			stop = func() {}
			address, next, err := o.start(ctx)
			if err != nil {
				return err
			}
			a.Address, stop = address, next
		}
		if err := json.MarshalWrite(out, a); err != nil {
			return err
		}
		if _, err := io.WriteString(out, "\n"); err != nil {
			return err
		}
		if word, err = lines.ReadString('\n'); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		word = strings.TrimSuffix(word, "\n")
	}
}

// start serves at the address that it returns, until it is stopped.
func (o order) start(ctx context.Context) (address string, stop func(), err error) {
	var subject peers.Subject // none where nothing is protected
	switch o.Library {
	case open:
	case least:
		subject = leastSubject{}
	default:
		p, err := named(o.Library)
		if err != nil {
			return "", nil, err
		}
		s := &scene{algorithm: "RS256", issuer: &issuer{documents: o.Published}, warm: o.Warm}
		if subject, err = s.subject(ctx, p); err != nil {
			return "", nil, err
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	end, err := o.serveOn(listener, subject)
	if err != nil {
		return "", nil, errors.Join(err, listener.Close())
	}
	return listener.Addr().String(), func() {
		end()
		if subject != nil {
			subject.Close()
		}
	}, nil
}

// serveOn starts a server.
func (o order) serveOn(listener net.Listener, subject peers.Subject) (stop func(), err error) {
	if o.Transport == overGRPC {
		var options []grpc.ServerOption
		if subject != nil {
			options = grpcOptions(subject)
		}
		server := grpc.NewServer(options...)
		grpc_health_v1.RegisterHealthServer(server, health.NewServer())
		go func() { _ = server.Serve(listener) }()
		return server.Stop, nil
	}
	handler := http.Handler(http.HandlerFunc(hello))
	if subject != nil {
		if handler, err = protect(subject, handler); err != nil {
			return nil, err
		}
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return func() { _ = server.Close() }, nil
}

// hello is the handler: it does as little as an API can.
func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `[{"id":1,"title":"write a benchmark","done":false}]`)
}
