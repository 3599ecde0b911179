// Package store keeps todos in SQLite or in PostgreSQL.
//
// Every method takes the owner, which is the subject of a verified token, and
// every statement names it: there is no way to ask for a todo without saying
// whose. Both databases run the same statements and the same migrations.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
	"uuid"
)

// patience bounds one operation, so that a database that hangs becomes an
// error and not a request that hangs.
const patience = 8 * time.Second

// Store is a set of todos for each owner. It is safe for concurrent use. Use
// [Open] to make one.
type Store struct {
	read  *sql.DB // set once; the same as write on PostgreSQL
	write *sql.DB // set once
	now   func() time.Time
	feed  feed
}

const columns = `id, title, done, created_at, updated_at, version`

// Create adds a todo that is not done. The error wraps [ErrTitle] if the title
// is not acceptable.
func (s *Store) Create(ctx context.Context, owner, title string) (Todo, error) {
	if err := CheckTitle(title); err != nil {
		return Todo{}, err
	}
	return s.change(ctx, owner, Created,
		`INSERT INTO todos (owner, id, title, done, created_at, updated_at, version)
		 VALUES ($1, $2, $3, FALSE, $4, $4, 1) RETURNING `+columns,
		uuid.NewV7().String(), title, s.now().UnixMicro())
}

// Get returns one todo, or [ErrNotFound].
func (s *Store) Get(ctx context.Context, owner, id string) (Todo, error) {
	if !ValidID(id) {
		return Todo{}, ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return scan(s.read.QueryRowContext(ctx,
		`SELECT `+columns+` FROM todos WHERE owner = $1 AND id = $2`, owner, id))
}

// List returns up to limit todos, the newest last, that come after the id
// after; "" is the start. The second result is the id to continue after, "" at
// the end. limit must be positive.
func (s *Store) List(ctx context.Context, owner, after string, limit int) ([]Todo, string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// One row more than asked for tells whether there is a next page.
	rows, err := s.read.QueryContext(ctx,
		`SELECT `+columns+` FROM todos WHERE owner = $1 AND id > $2 ORDER BY id LIMIT $3`,
		owner, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("store: %w", err)
	}
	defer rows.Close()
	todos := []Todo{}
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return nil, "", err
		}
		todos = append(todos, t)
	}
	if err := rows.Err(); err != nil {
		return nil, "", fmt.Errorf("store: %w", err)
	}
	if len(todos) <= limit {
		return todos, "", nil
	}
	return todos[:limit], todos[limit-1].ID, nil
}

// Update edits a todo and returns it as it is then. With no versions it edits
// whatever is there; with some, the todo must be at one of them, or the error
// is [ErrConflict]. The error wraps [ErrTitle] if the title is not acceptable.
func (s *Store) Update(ctx context.Context, owner, id string, p Patch, versions ...int64) (Todo, error) {
	if !ValidID(id) {
		return Todo{}, ErrNotFound
	}
	if p.Title != nil {
		if err := CheckTitle(*p.Title); err != nil {
			return Todo{}, err
		}
	}
	const set = `UPDATE todos
		 SET title = COALESCE($3, title), done = COALESCE($4, done), updated_at = $5, version = version + 1
		 WHERE owner = $1 AND id = $2 AND (version = $6 OR $6 IS NULL) RETURNING ` + columns
	return s.atVersion(ctx, owner, id, versions, func(version *int64) (Todo, error) {
		return s.change(ctx, owner, Updated, set, id, p.Title, p.Done, s.now().UnixMicro(), version)
	})
}

// Delete removes a todo. versions are as in [Store.Update].
func (s *Store) Delete(ctx context.Context, owner, id string, versions ...int64) error {
	if !ValidID(id) {
		return ErrNotFound
	}
	const remove = `DELETE FROM todos
		 WHERE owner = $1 AND id = $2 AND (version = $3 OR $3 IS NULL) RETURNING ` + columns
	_, err := s.atVersion(ctx, owner, id, versions, func(version *int64) (Todo, error) {
		return s.change(ctx, owner, Deleted, remove, id, version)
	})
	return err
}

// Ping returns nil if the database answers.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var one int
	if err := s.read.QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Close ends every watch and closes the database.
func (s *Store) Close() error {
	s.feed.close()
	return errors.Join(s.read.Close(), s.write.Close())
}

// atVersion calls edit with the version that the todo is at, if it is one of
// versions, or with nil if there are none to choose from. The statement itself
// compares the version again, so nothing can slip in between; when something
// did, versions only grow, and the loop ends.
func (s *Store) atVersion(ctx context.Context, owner, id string, versions []int64, edit func(*int64) (Todo, error)) (Todo, error) {
	if len(versions) == 0 {
		return edit(nil)
	}
	for {
		t, err := s.Get(ctx, owner, id)
		if err != nil {
			return Todo{}, err
		}
		if !slices.Contains(versions, t.Version) {
			return Todo{}, ErrConflict
		}
		t, err = edit(&t.Version)
		if !errors.Is(err, ErrNotFound) {
			return t, err
		}
	}
}

// change runs one statement that returns the todo it touched, commits it, and
// tells those who watch.
func (s *Store) change(ctx context.Context, owner string, kind ChangeKind, query string, args ...any) (Todo, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return Todo{}, fmt.Errorf("store: %w", err)
	}
	defer tx.Rollback()
	t, err := scan(tx.QueryRowContext(ctx, query, append([]any{owner}, args...)...))
	if err != nil {
		return Todo{}, err
	}
	if err := tx.Commit(); err != nil {
		return Todo{}, fmt.Errorf("store: %w", err)
	}
	s.feed.publish(owner, Change{Kind: kind, Todo: t})
	return t, nil
}

// scan reads the columns of one row.
func scan(row interface{ Scan(...any) error }) (Todo, error) {
	var t Todo
	var created, updated int64
	err := row.Scan(&t.ID, &t.Title, &t.Done, &created, &updated, &t.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return Todo{}, ErrNotFound
	}
	if err != nil {
		return Todo{}, fmt.Errorf("store: %w", err)
	}
	t.CreatedAt, t.UpdatedAt = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	return t, nil
}
