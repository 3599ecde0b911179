// Package storetest gives tests databases of their own.
package storetest

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"uuid"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver "pgx"
)

// Locations has a function for each database that makes an empty one, which goes
// away with the test, and returns what store.Open takes.
func Locations() map[string]func(testing.TB) string {
	return map[string]func(testing.TB) string{"sqlite": SQLite, "postgres": Postgres}
}

// SQLite returns the name of a file that is not there yet. It has characters that
// mean something in a URI.
func SQLite(tb testing.TB) string {
	return filepath.Join(tb.TempDir(), "a b%20?x=#é.db")
}

// Postgres returns a schema in the database that TODO_TEST_DATABASE_URL names. It
// skips the test where that is not set.
func Postgres(tb testing.TB) string {
	tb.Helper()
	location := os.Getenv("TODO_TEST_DATABASE_URL")
	if location == "" {
		tb.Skip("TODO_TEST_DATABASE_URL is not set")
	}
	u, err := url.Parse(location)
	if err != nil {
		tb.Fatal("TODO_TEST_DATABASE_URL cannot be parsed")
	}
	db, err := sql.Open("pgx", location)
	if err != nil {
		tb.Fatal(err)
	}
	schema := "test_" + strings.ReplaceAll(uuid.New().String(), "-", "")
	if _, err := db.ExecContext(tb.Context(), "CREATE SCHEMA "+schema); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if _, err := db.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil { //nolint:noctx // the test's context has ended
			tb.Error(err)
		}
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}
