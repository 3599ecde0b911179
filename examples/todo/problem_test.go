package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Otherwise everybody could fill the log with errors, by hanging up.
func TestAClientThatLeavesIsNoFailureOfTheStore(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	leave()
	var lines strings.Builder
	log := slog.New(slog.NewTextHandler(&lines, nil))
	interrupted := errors.New("the statement was interrupted")
	if p := problemOf(ctx, log, interrupted); p.Status != 503 {
		t.Errorf("over HTTP it is %v", p)
	}
	if err := (&rpc{log: log}).statusOf(ctx, interrupted); status.Code(err) != codes.Canceled {
		t.Errorf("over gRPC it is %v", err)
	}
	if lines.Len() > 0 {
		t.Errorf("the log says %s", lines.String())
	}
}
