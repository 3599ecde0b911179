package main

import (
	"context"
	"encoding/json/v2"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
	"github.com/bearerproof/bearerproof/verifier"
)

const (
	// keepAlive is how often a stream says something when nothing happens, because
	// proxies close what is silent.
	keepAlive = 15 * time.Second

	// sendLimit is how long a client may leave an event unread once the buffers on
	// the way are full.
	sendLimit = 10 * time.Second
)

// events streams the changes to the caller's todos as server-sent events (WHATWG
// HTML §9.2), until the token expires.
func (a *api) events(w http.ResponseWriter, r *http.Request, t *verifier.Token) error {
	if !a.watchers.enter(t.Subject()) {
		w.Header().Set("Retry-After", "10")
		return newProblem(http.StatusTooManyRequests, "too many streams: end another one first")
	}
	defer a.watchers.leave(t.Subject())
	watch, err := a.store.Watch(t.Subject())
	if err != nil {
		return err
	}
	defer watch.Close()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	if r.Method == http.MethodHead {
		return nil
	}
	s := eventStream{w: w, control: http.NewResponseController(w), expiry: t.ExpiresAt().Add(a.leeway), now: time.Now, log: a.log}
	if err := s.follow(r.Context(), watch); errors.Is(err, http.ErrNotSupported) {
		return err // a middleware hides the connection, and nothing was sent
	}
	return nil // after any other error, the client is gone
}

// eventStream is an answer that goes on.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	expiry  time.Time
	now     func() time.Time
	log     *slog.Logger
}

// follow sends what the watch tells until one of them ends, and then says why. It
// returns an error if the client does not read.
func (s *eventStream) follow(ctx context.Context, watch *store.Watch) error {
	expired := time.NewTimer(s.expiry.Sub(s.now()))
	defer expired.Stop()
	silence := time.NewTicker(keepAlive)
	defer silence.Stop()
	err := s.send("event: ready\ndata: {}\n\n")
	for err == nil {
		select {
		case change, open := <-watch.Changes():
			switch {
			case s.expired(): // the timer may lose the race
				return s.send(eventExpired)
			case !open:
				return s.sendEnd(ctx, watch.Err())
			}
			err = s.sendChange(change)
		case <-silence.C:
			if s.expired() { // timers stand still while the machine sleeps
				return s.send(eventExpired)
			}
			err = s.send(": keep-alive\n\n")
		case <-expired.C:
			return s.send(eventExpired)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (s *eventStream) expired() bool { return !s.now().Before(s.expiry) }

const eventExpired = "event: expired\ndata: {}\n\n"

// sendEnd says why the watch ended. After lagging, there may be changes that the
// client has not been told.
func (s *eventStream) sendEnd(ctx context.Context, reason error) error {
	if errors.Is(reason, store.ErrClosed) {
		return s.send("event: stopping\ndata: {}\n\n")
	}
	if errors.Is(reason, store.ErrInterrupted) {
		s.log.WarnContext(ctx, "a watch was ended", "error", reason)
	}
	return s.send("event: lagging\ndata: {}\n\n")
}

func (s *eventStream) sendChange(c store.Change) error {
	type changed struct {
		Todo todoJSON `json:"todo"`
		ETag string   `json:"etag"`
	}
	type deleted struct {
		ID string `json:"id"`
	}
	name, data := "deleted", any(deleted{ID: c.Todo.ID})
	switch c.Kind {
	case store.Created:
		name, data = "created", changed{Todo: toJSON(c.Todo), ETag: etag(c.Todo.Version)}
	case store.Updated:
		name, data = "updated", changed{Todo: toJSON(c.Todo), ETag: etag(c.Todo.Version)}
	case store.Deleted:
	}
	text, err := json.Marshal(data) // one line: JSON writes a line break as \n
	if err != nil {
		return err
	}
	return s.send("event: " + name + "\ndata: " + string(text) + "\n\n")
}

// send sends the text now. The server's own limit is for answers that end: here,
// each event gets its time anew.
func (s *eventStream) send(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(sendLimit)); err != nil {
		return err
	}
	if _, err := io.WriteString(s.w, text); err != nil {
		return err
	}
	return s.control.Flush()
}
