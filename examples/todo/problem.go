package main

import (
	"context"
	"encoding/json/v2"
	"errors"
	"log/slog"
	"net/http"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
)

// problem is an error that is an HTTP answer (RFC 9457). Its detail is for the
// client and contains nothing secret.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

func newProblem(status int, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// Error makes a problem an error.
func (p *problem) Error() string { return p.Title + ": " + p.Detail }

// write sends the problem as the answer.
func (p *problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	_ = json.MarshalWrite(w, p) // the client is gone if this fails
}

// problemOf returns the answer that err deserves. What is not the client's
// fault is logged, because the client is told nothing about it.
func problemOf(ctx context.Context, log *slog.Logger, err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return newProblem(http.StatusNotFound, "there is no such todo")
	case errors.Is(err, store.ErrConflict):
		return newProblem(http.StatusPreconditionFailed, "the todo has been changed since")
	case errors.Is(err, store.ErrTitle):
		return newProblem(http.StatusBadRequest, err.Error())
	case errors.Is(err, store.ErrClosed):
		return newProblem(http.StatusServiceUnavailable, "the server is stopping")
	case ctx.Err() != nil:
		return newProblem(http.StatusServiceUnavailable, "the request was given up")
	}
	log.ErrorContext(ctx, "the store failed", "error", err)
	return newProblem(http.StatusServiceUnavailable, "the todos cannot be reached at the moment")
}
