package main

import (
	"context"
	"log/slog"
	"os"
	"testing"
)

// The test's own program is the server too, see newChild.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if len(os.Args) > 1 && os.Args[1] == serverArgument {
		if err := serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
