package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/time/rate"
)

const (
	// heartbeat is how long the connection may be silent before it is checked: a
	// broken network says nothing, and neither does a channel that nobody uses.
	heartbeat = 15 * time.Second

	// The wait before a new connection doubles from the least to the most.
	leastWait = 100 * time.Millisecond
	mostWait  = 10 * time.Second
)

// complainEvery is how often it is logged that announcements could not be read: whoever
// may connect to the database may send any number of them.
const complainEvery = time.Minute

// connection is a connection to PostgreSQL that listens.
type connection interface {
	WaitForNotification(ctx context.Context) (*pgconn.Notification, error)
	// Check returns an error unless the connection lives and still hears what is
	// announced about the table that is used now.
	Check(ctx context.Context) error
	Close(ctx context.Context) error
}

// listener tells a feed what PostgreSQL announces: the changes of this process
// and of all others, in the order of their commits.
type listener struct {
	connect func(context.Context) (connection, error)                 // set once
	read    func(ctx context.Context, owner, id string) (Todo, error) // set once
	feed    *feed                                                     // set once
	log     *slog.Logger                                              // set once

	complaint rate.Sometimes // about announcements that cannot be read
}

func newListener(connect func(context.Context) (connection, error), read func(ctx context.Context, owner, id string) (Todo, error), f *feed, log *slog.Logger) *listener {
	return &listener{connect: connect, read: read, feed: f, log: log, complaint: rate.Sometimes{Interval: complainEvery}}
}

// listen follows the changes that the database announces until the store closes.
func (s *Store) listen(ctx context.Context, location string, log *slog.Logger) error {
	connect, err := listenAt(location)
	if err != nil {
		return err
	}
	first, err := connect(ctx)
	if err != nil {
		return err
	}
	l := newListener(connect, s.Get, &s.feed, log)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.run(running, first)
	}()
	s.hush = func() {
		stop()
		<-done
	}
	return nil
}

// run follows one connection after the other. What is announced between two of
// them is missed, so no watch outlives its connection.
func (l *listener) run(ctx context.Context, c connection) {
	wait := leastWait
	for {
		began := time.Now()
		l.attend(ctx, c)
		if time.Since(began) > mostWait {
			wait = leastWait
		}
		for c = nil; c == nil; wait = min(2*wait, mostWait) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			var err error
			if c, err = l.reconnect(ctx); err != nil {
				l.feed.interrupt(fmt.Errorf("%w: %w", ErrInterrupted, err))
			}
		}
		l.feed.resume()
	}
}

func (l *listener) reconnect(ctx context.Context) (connection, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return l.connect(ctx)
}

// attend tells what the connection announces until it breaks or ctx ends, and then
// ends every watch. Of what was announced by then nothing is told after it returns.
func (l *listener) attend(ctx context.Context, c connection) {
	telling, stop := context.WithCancel(ctx)
	t := newTeller(l.read, l.feed)
	err := l.follow(telling, c, t)
	l.feed.interrupt(fmt.Errorf("%w: %w", ErrInterrupted, err))
	stop()
	t.wait()
}

// follow hands what the connection announces to the teller until the connection breaks
// or ctx ends, and closes it.
func (l *listener) follow(ctx context.Context, c connection, t *teller) error {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = c.Close(ctx) // nothing was written
	}()
	for {
		payload, err := next(ctx, c)
		if err != nil {
			return err
		}
		a, err := parseAnnouncement(payload)
		if err != nil { // not the trigger's: it must not end everybody's watches
			l.complaint.Do(func() { l.log.WarnContext(ctx, "announcements were skipped", "error", err) })
			continue
		}
		t.enqueue(ctx, a)
	}
}

// next waits for an announcement, and checks a connection that is silent.
func next(ctx context.Context, c connection) (payload string, err error) {
	for {
		silence, cancel := context.WithTimeout(ctx, heartbeat)
		n, err := c.WaitForNotification(silence)
		silent := silence.Err() != nil
		cancel()
		if err == nil {
			return n.Payload, nil
		}
		if ctx.Err() != nil || !silent {
			return "", err
		}
		if err := check(ctx, c); err != nil {
			return "", err
		}
	}
}

func check(ctx context.Context, c connection) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.Check(ctx)
}

// announcement is what the trigger of the migration 00002 says.
type announcement struct {
	kind    ChangeKind
	topic   topic
	id      string
	version int64
}

// parseAnnouncement reads a payload. Whoever may connect to the database may
// announce anything.
func parseAnnouncement(payload string) (announcement, error) {
	fields := strings.Split(payload, " ")
	if len(fields) != 4 {
		return announcement{}, errors.New("an announcement that cannot be read")
	}
	kind, known := map[string]ChangeKind{"INSERT": Created, "UPDATE": Updated, "DELETE": Deleted}[fields[0]]
	version, err := strconv.ParseInt(fields[3], 10, 64)
	canonical := strconv.FormatInt(version, 10) == fields[3] // zeros in front would be kept in a queue
	if !known || err != nil || !canonical || !ValidID(fields[2]) {
		return announcement{}, errors.New("an announcement that cannot be read")
	}
	return announcement{kind: kind, topic: topic(fields[1]), id: fields[2], version: version}, nil
}

// listenAt returns a function that connects to the database and listens.
func listenAt(location string) (func(context.Context) (connection, error), error) {
	config, err := pgx.ParseConfig(location)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (connection, error) {
		c, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return nil, err
		}
		if err := subscribe(ctx, c); err != nil {
			return nil, errors.Join(err, c.Close(ctx))
		}
		return subscription{c}, nil
	}, nil
}

// subscription is a connection that has said LISTEN.
type subscription struct{ *pgx.Conn }

// Check implements [connection]. A table that was restored has another channel, and a
// pooler in between may have given the session to somebody else.
func (s subscription) Check(ctx context.Context) error {
	var listens bool
	if err := s.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_listening_channels() AS c WHERE c = 'todos_' || 'todos'::regclass::oid)`).Scan(&listens); err != nil {
		return err
	}
	if !listens {
		return errors.New("the connection does not listen to the table")
	}
	return nil
}

func subscribe(ctx context.Context, c *pgx.Conn) error {
	var channel string
	if err := c.QueryRow(ctx, `SELECT 'todos_' || 'todos'::regclass::oid`).Scan(&channel); err != nil {
		return err
	}
	_, err := c.Exec(ctx, `LISTEN `+pgx.Identifier{channel}.Sanitize())
	return err
}
