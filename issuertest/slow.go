package issuertest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// pieces is the largest number of writes in which SlowBody sends a document.
const pieces = 32

// SlowHeader answers as if nothing were broken, but d late. Repair lets the answer go
// at once.
func SlowHeader(d time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		hold(r.Context(), time.After(d))
		healthy.ServeHTTP(w, r)
	}
}

// SlowBody sends the header at once and the document in up to 32 pieces of equal
// size and at equal distances, the last of them d later. Repair lets the rest go at
// once. It is for clients that limit nothing but the time between two reads: each
// read brings something.
func SlowBody(d time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		body := whole(r, healthy)
		announce(w, body)
		flush(w)
		size := (len(body) + pieces - 1) / pieces
		chunks := slices.Collect(slices.Chunk(body, max(1, size)))
		due := func(i int) time.Duration { return time.Duration(int64(d) * int64(i) / int64(len(chunks))) }
		for i, chunk := range chunks {
			hold(r.Context(), time.After(due(i+1)-due(i)))
			_, _ = w.Write(chunk) // The client may have gone.
			flush(w)
		}
	}
}

// HangBody sends the header and the first half of the document, and then nothing
// until the document is repaired. Then the second half comes too, of the content at
// the time when the fetch arrived.
func HangBody() Fault {
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		body := whole(r, healthy)
		half := len(body) / 2
		announce(w, body)
		_, _ = w.Write(body[:half])
		flush(w)
		hold(r.Context(), nil)
		_, _ = w.Write(body[half:]) // The client may have gone.
	}
}

// hold waits for the end of ctx, or of the timer if that is earlier. It gives up a
// fetch whose client has gone: an answer would still reach a client that says
// farewell before it closes the connection, as TLS does, and look like a success.
func hold(ctx context.Context, timer <-chan time.Time) {
	select {
	case <-timer:
	case <-ctx.Done():
		// A server cancels the context of a client that has gone; Repair and Flap have
		// causes of their own.
		if errors.Is(context.Cause(ctx), context.Canceled) {
			panic(http.ErrAbortHandler)
		}
	}
}
