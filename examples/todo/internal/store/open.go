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

func isPostgres(location string) bool {
	return strings.HasPrefix(location, "postgres://") || strings.HasPrefix(location, "postgresql://")
}

// poolSize is how many connections to PostgreSQL there are, besides the listener's.
const poolSize = 16

func openPostgres(ctx context.Context, location string, log *slog.Logger) (*Store, error) {
	db, err := sql.Open("pgx", location)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(poolSize)
	db.SetMaxIdleConns(poolSize)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s := &Store{read: db, write: db}
	err = fit(ctx, db)
	if err == nil {
		err = migratePostgres(ctx, db)
	}
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
	if err := migrateSQLite(ctx, write); err != nil {
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

// migratePostgres lets one server at a time migrate. goose's own locker does not
// cover the making of goose's table, and looks for the lock only every 5 s, so that
// of several servers that start together the last ones would give up.
func migratePostgres(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	// The end of the transaction gives the lock back.
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, lock.DefaultLockID); err != nil {
		return err
	}
	return migrate(ctx, goose.DialectPostgres, db)
}

// migrateSQLite tries again when it fails. SQLite has no lock that spans all of
// goose's steps, so where several processes start together, some find a table that
// another one made just now, or a lock that SQLite does not wait for (a file's change
// to a WAL). Each time they find more of what the others did.
func migrateSQLite(ctx context.Context, db *sql.DB) error {
	const attempts, pause = 5, 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := migrate(ctx, goose.DialectSQLite3, db, goose.WithExcludeNames([]string{
			"00002_announce_postgres.sql", "00003_compare_bytes_postgres.sql",
		}))
		if err == nil || attempt == attempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
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
