package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver "pgx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens a PostgreSQL database, if location is a postgres:// URL, or else
// the SQLite file of that name, which it makes if there is none, and brings the
// tables up to date. It gives up when ctx ends. now is the clock of the todos'
// times. log receives what goes wrong while nobody waits for an answer; never what
// todos say.
func Open(ctx context.Context, location string, now func() time.Time, log *slog.Logger) (*Store, error) {
	if err := CheckLocation(location); err != nil {
		return nil, err
	}
	var s *Store
	var err error
	if isPostgres(location) {
		s, err = openPostgres(ctx, location, log)
	} else {
		s, err = openSQLite(ctx, location)
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s.now = now
	return s, nil
}

// CheckLocation returns an error if location is neither a postgres:// URL nor
// the name of a file. It opens nothing.
func CheckLocation(location string) error {
	switch {
	case location == "" || strings.ContainsRune(location, 0):
		return errors.New("store: not the name of a file")
	case strings.HasPrefix(location, ":memory:") || strings.HasPrefix(location, "file:"):
		return errors.New("store: SQLite needs the plain name of a file")
	case isPostgres(location):
		// url.Error would repeat the URL, and with it the password.
		if u, err := url.Parse(location); err != nil || u.Opaque != "" {
			return errors.New("store: the postgres:// URL cannot be parsed")
		}
	case strings.Contains(location, "://"):
		return errors.New("store: want a postgres:// URL or the name of an SQLite file")
	}
	return nil
}

// announcing is the migration that PostgreSQL alone has.
const announcing = "00002_announce_postgres.sql"

func isPostgres(location string) bool {
	return strings.HasPrefix(location, "postgres://") || strings.HasPrefix(location, "postgresql://")
}

func openPostgres(ctx context.Context, location string, log *slog.Logger) (*Store, error) {
	db, err := sql.Open("pgx", location)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	db.SetConnMaxIdleTime(5 * time.Minute)
	// Two servers that start together must not migrate together.
	locker, err := lock.NewPostgresSessionLocker()
	if err == nil {
		err = fit(ctx, db)
	}
	if err == nil {
		err = migrate(ctx, goose.DialectPostgres, db, goose.WithSessionLocker(locker))
	}
	s := &Store{read: db, write: db}
	if err == nil {
		err = s.listen(ctx, location, log)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// fit refuses a database in which some titles could not be stored, and one that
// acknowledges what it could still lose.
func fit(ctx context.Context, db *sql.DB) error {
	var encoding, commit string
	err := db.QueryRowContext(ctx, `SELECT current_setting('server_encoding'), current_setting('synchronous_commit')`).Scan(&encoding, &commit)
	switch {
	case err != nil:
		return err
	case encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s, want UTF8", encoding)
	case commit == "off":
		return errors.New("synchronous_commit is off: a todo that was acknowledged could be lost")
	}
	return nil
}

// openSQLite opens the file twice: SQLite has one writer at a time, so writers
// queue here for the only connection that may write, where a context can end
// the wait, and readers never wait for them.
func openSQLite(ctx context.Context, location string) (*Store, error) {
	path, err := filepath.Abs(location)
	if err != nil {
		return nil, err
	}
	write, err := sql.Open("sqlite", dsn(path, "_txlock=immediate"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := migrate(ctx, goose.DialectSQLite3, write, goose.WithExcludeNames([]string{announcing})); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read, err := sql.Open("sqlite", dsn(path, "_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(8)
	read.SetMaxIdleConns(8)
	return &Store{read: read, write: write}, nil
}

// dsn names the file and how it is used. Another process may hold the lock for
// up to 5 s. synchronous(FULL) makes a commit wait for the disk, so that what
// was acknowledged survives a crash; WAL lets readers read meanwhile.
func dsn(path, more string) string {
	name := (&url.URL{Path: path}).EscapedPath()
	return "file:" + name + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&" + more
}

func migrate(ctx context.Context, dialect goose.Dialect, db *sql.DB, options ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, db, files, options...)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
