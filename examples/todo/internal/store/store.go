// Package store keeps todos in SQLite or in PostgreSQL.
//
// Every method takes the owner, which is the subject of a verified token, and
// every statement names it: there is no way to ask for a todo without saying
// whose. Both databases run the same statements; PostgreSQL also announces each
// change to every server that uses it.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
	"uuid"
)

// patience bounds one operation, so that a database that hangs becomes an
// error and not a request that hangs.
const patience = 8 * time.Second

// A page is kept until it is written, and a client may read slowly.
const (
	maxPage  = 32 << 10 // bytes: of the titles, and these for each todo:
	overhead = 100
)

// Store is a set of todos for each owner. It is safe for concurrent use. Use
// [Open] to make one.
type Store struct {
	read  *sql.DB // set once; the same as write on PostgreSQL
	write *sql.DB // set once
	now   func() time.Time
	hush  func() // stops the listener; nil on SQLite, where there is none

	feed feed

	order sync.Mutex // held for a commit on SQLite and the telling of it
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
// after; "" is the start. It returns fewer where they would be more than 32 KiB (the
// titles, and 100 bytes for each todo), but one at least. The second result is the id to continue
// after, "" at the end. limit must be positive.
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
	todos, size := []Todo{}, 0
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return nil, "", err
		}
		size += len(t.Title) + overhead
		if len(todos) == limit || len(todos) > 0 && size > maxPage {
			return todos, todos[len(todos)-1].ID, nil
		}
		todos = append(todos, t)
	}
	if err := rows.Err(); err != nil {
		return nil, "", fmt.Errorf("store: %w", err)
	}
	return todos, "", nil
}

// Update edits a todo and returns it as it is then. Where a condition does not
// hold, the error is [ErrConflict]. The error wraps [ErrTitle] if the title is not
// acceptable.
func (s *Store) Update(ctx context.Context, owner, id string, p Patch, conditions ...Condition) (Todo, error) {
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
	return s.provided(ctx, owner, id, conditions, func(version *int64) (Todo, error) {
		return s.change(ctx, owner, Updated, set, id, p.Title, p.Done, s.now().UnixMicro(), version)
	})
}

// Delete removes a todo. The conditions are as in [Store.Update].
func (s *Store) Delete(ctx context.Context, owner, id string, conditions ...Condition) error {
	if !ValidID(id) {
		return ErrNotFound
	}
	const remove = `DELETE FROM todos
		 WHERE owner = $1 AND id = $2 AND (version = $3 OR $3 IS NULL) RETURNING ` + columns
	_, err := s.provided(ctx, owner, id, conditions, func(version *int64) (Todo, error) {
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
	s.EndWatches()
	if s.hush != nil {
		s.hush()
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// provided calls edit with the version that the todo is at, if the conditions
// hold there, or with nil if there are none. The statement itself compares the
// version again, so nothing can slip in between; when something did, it starts
// anew, and ends with ctx at the latest.
func (s *Store) provided(ctx context.Context, owner, id string, conditions []Condition, edit func(*int64) (Todo, error)) (Todo, error) {
	if len(conditions) == 0 {
		return edit(nil)
	}
	for {
		t, err := s.Get(ctx, owner, id)
		if err != nil {
			return Todo{}, err
		}
		for _, holds := range conditions {
			if !holds(t.Version) {
				return Todo{}, ErrConflict
			}
		}
		t, err = edit(&t.Version)
		if !errors.Is(err, ErrNotFound) {
			return t, err
		}
	}
}

// change runs one statement that returns the todo it touched, and commits it.
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
	if err := s.commit(tx, owner, Change{Kind: kind, Todo: t}); err != nil {
		return Todo{}, fmt.Errorf("store: %w", err)
	}
	return t, nil
}

// commit commits and tells those who watch, unless the listener does.
func (s *Store) commit(tx *sql.Tx, owner string, c Change) error {
	if s.hush != nil {
		return tx.Commit()
	}
	if c.Kind == Deleted {
		c.Todo = Todo{ID: c.Todo.ID, Version: c.Todo.Version}
	}
	s.order.Lock()
	defer s.order.Unlock()
	if err := tx.Commit(); err != nil {
		return err
	}
	s.feed.publish(topicOf(owner), c)
	return nil
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
