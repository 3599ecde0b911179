package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
	"google.golang.org/grpc"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
)

const (
	startLimit = 15 * time.Second // to open the database
	warmLimit  = 5 * time.Second  // to fetch the keys before the first request
	drainLimit = 20 * time.Second // for requests in flight when the server stops
)

// What clients of the API may hold. Those of gRPC and of a database need file
// descriptors too, and so does the admin address, which has no limit.
const (
	maxConns  = 2048     // at a time; more wait
	maxHeader = 32 << 10 // bytes, to which net/http adds 4 KiB: a token may be 16 KiB long
)

// server is one part that listens.
type server struct {
	name     string
	listener net.Listener
	serve    func(net.Listener) error
	stop     func(context.Context) error // lets requests in flight finish
}

// deployment is the whole service, ready to run.
type deployment struct {
	servers     []server
	api, admin  chi.Router   // what they answer
	rpc         *grpc.Server // nil: off
	auth        auth
	todos       *store.Store
	log         *slog.Logger
	stopping    *stopping
	stopDelay   time.Duration
	greeting    string // for standard output, once it serves
	development bool   // with the development issuer
}

// serve runs the service until ctx ends, and then lets requests in flight
// finish. An error says why it could not start, or why it stopped.
func serve(ctx context.Context, s settings, log *slog.Logger, out io.Writer) (err error) {
	listeners, err := listen(ctx, s)
	if err != nil {
		return err
	}
	defer closeAll(listeners) // those that no server closed
	todos, err := openStore(ctx, s, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, todos.Close()) }()
	d, err := assemble(s, listeners, todos, log)
	if err != nil {
		return err
	}
	return d.run(ctx, out)
}

// assemble makes the service. It does no I/O.
func assemble(s settings, listeners map[string]net.Listener, todos *store.Store, log *slog.Logger) (*deployment, error) {
	d := &deployment{todos: todos, log: log, stopping: new(stopping), stopDelay: s.stopDelay, development: s.issuer == ""}
	base := baseURL(s.addr, listeners["TODO_ADDR"].Addr())
	open := []func(chi.Router){mountOpenAPI}
	scopes := webScopes()
	if d.development {
		issuer, err := newDevIssuer(s, base, log)
		if err != nil {
			return nil, err
		}
		d.greeting = tour(base)
		s.issuer = issuer.URL()
		open = append(open, mountDevIssuer(issuer))
		scopes = append(scopes, devScope)
	} else {
		d.greeting = invitation(s, base)
	}
	page, err := newWebPage(s, scopes)
	if err != nil {
		return nil, err
	}
	open = append(open, page.routes)
	if d.auth, err = newAuth(s, log); err != nil {
		return nil, err
	}
	health := health{keys: d.auth.keys, store: newRecentPing(todos), log: log, stopping: d.stopping}
	watchers := new(watchers)
	api := &api{store: todos, auth: d.auth.http, leeway: s.leeway, watchers: watchers, health: health, log: log}
	d.api, d.admin = api.routes(open...), adminRoutes(d.auth, health, log)
	d.servers = []server{httpServer("API", limitConns(listeners["TODO_ADDR"], maxConns), d.stopping.closing(d.api), log)}
	if l := listeners["TODO_ADMIN_ADDR"]; l != nil { // without a limit: probes must get in when all else is full
		d.servers = append(d.servers, httpServer("admin", l, d.admin, log))
	}
	if l := listeners["TODO_GRPC_ADDR"]; l != nil {
		if d.rpc, err = newRPC(d.auth, &rpc{store: todos, log: log, watchers: watchers}, health); err != nil {
			return nil, err
		}
		d.servers = append(d.servers, rpcServer(l, d.rpc))
	}
	return d, nil
}

// run serves until ctx ends or a server fails.
func (d *deployment) run(ctx context.Context, out io.Writer) (err error) {
	if !d.development { // the development issuer answers only once we serve it
		d.warm(ctx)
	}
	failed := start(d.servers)
	for _, s := range d.servers {
		d.log.Info("serving", "what", s.name, "addr", s.listener.Addr().String())
	}
	if d.development {
		d.warm(ctx)
	}
	if _, err := io.WriteString(out, d.greeting); err != nil {
		d.log.Warn("where the page is could not be printed", "error", err)
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	d.log.Info("stopping")
	d.stopping.begin()
	if err == nil {
		err = d.linger(failed)
	}
	d.todos.EndWatches() // they would last as long as their clients want
	return errors.Join(err, stop(d.servers))
}

// linger goes on serving until those who ask for readiness have stopped sending.
func (d *deployment) linger(failed <-chan error) error {
	select {
	case <-time.After(d.stopDelay):
		return nil
	case err := <-failed:
		return err
	}
}

// warm fetches the keys, so that the first requests need not wait. The service
// starts without them too: it answers 503 until the issuer is back.
func (d *deployment) warm(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, warmLimit)
	defer cancel()
	if err := d.auth.keys.Warm(ctx); err != nil {
		d.log.Warn("no keys yet", "error", err)
	}
}

func openStore(ctx context.Context, s settings, log *slog.Logger) (*store.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	todos, err := store.Open(ctx, s.databaseURL, time.Now, log)
	if err != nil {
		return nil, fmt.Errorf("TODO_DATABASE_URL: %w", err)
	}
	return todos, nil
}

// listen takes every address before anything else happens, so that one that is
// taken stops the start and leaves no new database behind. The key is the variable's name.
func listen(ctx context.Context, s settings) (map[string]net.Listener, error) {
	listeners := make(map[string]net.Listener)
	for name, addr := range map[string]string{"TODO_ADDR": s.addr, "TODO_GRPC_ADDR": s.grpcAddr, "TODO_ADMIN_ADDR": s.adminAddr} {
		if addr == "" {
			continue
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err != nil {
			closeAll(listeners)
			return nil, fmt.Errorf("%s: %w%s", name, err, advice(name, err))
		}
		listeners[name] = l
	}
	return listeners, nil
}

// advice returns what to do about an address that could not be taken, or "".
func advice(name string, err error) string {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return ""
	}
	return "; " + name + "=127.0.0.1:0 takes a port that is free"
}

// baseURL returns the URL of what listens at addr, with the host as the setting
// spells it and the port that was really taken, which matters for port 0.
func baseURL(setting string, addr net.Addr) string {
	host, _, _ := net.SplitHostPort(setting) // checked by readSettings
	_, port, _ := net.SplitHostPort(addr.String())
	return "http://" + net.JoinHostPort(host, port)
}

func closeAll(listeners map[string]net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// start serves all servers. The channel gives the error of each that ends.
func start(servers []server) <-chan error {
	failed := make(chan error, len(servers))
	for _, s := range servers {
		go func() { failed <- s.serve(s.listener) }()
	}
	return failed
}

// stop stops all servers at the same time.
func stop(servers []server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	stopped := make(chan error)
	for _, s := range servers {
		go func() { stopped <- s.stop(ctx) }()
	}
	var errs []error
	for range servers {
		errs = append(errs, <-stopped)
	}
	return errors.Join(errs...)
}

// httpServer bounds what a request may take in time and in size.
func httpServer(name string, l net.Listener, h http.Handler, log *slog.Logger) server {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return server{name: name, listener: l, serve: s.Serve, stop: func(ctx context.Context) error {
		if err := s.Shutdown(ctx); err != nil {
			return errors.Join(fmt.Errorf("requests were cut off: %w", err), s.Close())
		}
		return nil
	}}
}

// rpcServer serves s, whose calls it lets finish when it stops.
func rpcServer(l net.Listener, s *grpc.Server) server {
	return server{name: "gRPC", listener: limitConns(l, maxRPCConns), serve: s.Serve, stop: func(ctx context.Context) error {
		cut := context.AfterFunc(ctx, s.Stop)
		s.GracefulStop()
		if !cut() {
			return errors.New("calls were cut off")
		}
		return nil
	}}
}
