package grpcauth_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes sure that no goroutine is left.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
