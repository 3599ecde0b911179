package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
)

// clients is how many requests are under way at a time.
const clients = 16

// patience is how long a round of a server may take. It takes a second or two.
const patience = 2 * time.Minute

// caller sends one request with a token after the other, and fails if it is refused. It is
// used by one client.
type caller interface {
	call(token int) error
	close() error
}

// dial returns the callers of all clients, connected and warm.
func dial(ctx context.Context, transport, address string, tokens []string, warm string) ([]caller, error) {
	tokens = append(tokens[:len(tokens):len(tokens)], warm)
	next := httpCallers(ctx, address, tokens)
	if transport == overGRPC {
		next = grpcCallers(ctx, address, tokens)
	}
	all := make([]caller, 0, clients)
	for range clients {
		c, err := next()
		if err == nil {
			all = append(all, c)
			err = firstOf(c.call(len(tokens)-1), c.call(len(tokens)-1))
		}
		if err != nil {
			return nil, errors.Join(err, closeAll(all))
		}
	}
	return all, nil
}

func closeAll(callers []caller) error {
	var failed []error
	for _, c := range callers {
		failed = append(failed, c.close())
	}
	return errors.Join(failed...)
}

// load sends requests, all clients at a time, the tokens in turn, and returns how long it
// took.
func load(callers []caller, requests, tokens int) (time.Duration, error) {
	var (
		next    atomic.Int64
		failure atomic.Pointer[error]
		all     sync.WaitGroup
	)
	start := time.Now()
	for _, c := range callers {
		all.Go(func() {
			for failure.Load() == nil {
				number := int(next.Add(1)) - 1
				if number >= requests {
					return
				}
				if err := c.call(number % tokens); err != nil {
					failure.Store(&err)
				}
			}
		})
	}
	all.Wait()
	if err := failure.Load(); err != nil {
		return 0, *err
	}
	return time.Since(start), nil
}

// httpCaller writes requests that are ready, and reads answers of a length that is known:
// it must leave the server more processor time than it takes.
type httpCaller struct {
	connection net.Conn
	requests   [][]byte // for each token
	expected   []byte   // the answer's beginning
	answer     []byte   // nil until the first one
}

// httpCallers returns a function that makes callers.
func httpCallers(ctx context.Context, address string, tokens []string) func() (caller, error) {
	requests := make([][]byte, len(tokens))
	for i, raw := range tokens {
		requests[i] = fmt.Appendf(nil, "GET /todos HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\nAuthorization: Bearer %s\r\n\r\n", address, raw)
	}
	return func() (caller, error) {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
			return nil, err
		}
		return &httpCaller{connection: connection, requests: requests, expected: []byte("HTTP/1.1 200 OK\r\n")}, nil
	}
}

func (c *httpCaller) call(token int) error {
	if _, err := c.connection.Write(c.requests[token]); err != nil {
		return err
	}
	if c.answer == nil {
		return c.first()
	}
	// A refusal may be shorter than what is expected.
	read, err := io.ReadAtLeast(c.connection, c.answer, len(c.expected))
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(c.answer, c.expected) {
		return fmt.Errorf("the answer is %q", bytes.TrimSpace(c.answer[:len(c.expected)]))
	}
	_, err = io.ReadFull(c.connection, c.answer[read:])
	return err
}

// first reads an answer as HTTP says, and learns how long answers are.
func (c *httpCaller) first() error {
	counted := &counter{from: c.connection}
	response, err := http.ReadResponse(bufio.NewReader(counted), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", response.Status)
	}
	c.answer = make([]byte, counted.read)
	return nil
}

func (c *httpCaller) close() error { return c.connection.Close() }

// counter counts what is read.
type counter struct {
	from io.Reader
	read int
}

func (c *counter) Read(into []byte) (int, error) {
	n, err := c.from.Read(into)
	c.read += n
	return n, err
}

// grpcCaller makes unary calls over a connection of its own.
type grpcCaller struct {
	connection *grpc.ClientConn
	health     grpc_health_v1.HealthClient
	ctx        context.Context // of the whole round
	fields     []metadata.MD   // for each token
}

// grpcCallers returns a function that makes callers.
func grpcCallers(ctx context.Context, address string, tokens []string) func() (caller, error) {
	fields := make([]metadata.MD, len(tokens))
	for i, raw := range tokens {
		fields[i] = metadata.Pairs("authorization", "Bearer "+raw)
	}
	return func() (caller, error) {
		connection, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		return &grpcCaller{connection, grpc_health_v1.NewHealthClient(connection), ctx, fields}, nil
	}
}

func (c *grpcCaller) call(token int) error {
	_, err := c.health.Check(metadata.NewOutgoingContext(c.ctx, c.fields[token]), &grpc_health_v1.HealthCheckRequest{})
	return err
}

func (c *grpcCaller) close() error { return c.connection.Close() }
