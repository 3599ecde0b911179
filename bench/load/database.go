package main

import (
	"context"
	"strings"
)

// database is where the todos are.
type database struct {
	id   string // in the record
	name string // in the tables

	// make makes one that is empty, and returns its TODO_DATABASE_URL.
	make func(ctx context.Context, s *site, name string) (location string, err error)

	// change changes it when the server has made its tables. nil changes nothing.
	change func(ctx context.Context, s *site, name string) error
}

// isPostgres reports whether the database has processes of its own.
func (d database) isPostgres() bool { return strings.HasPrefix(d.id, "postgres") }

func onSQLite() database {
	// The file is in the directory of the server, which is new.
	return database{id: "sqlite", name: "SQLite", make: func(context.Context, *site, string) (string, error) { return "todo.db", nil }}
}

func onPostgres() database {
	return database{id: "postgres", name: "PostgreSQL", make: func(ctx context.Context, s *site, name string) (string, error) { return s.postgres.create(ctx, name) }}
}

// onSilentPostgres is PostgreSQL that does not tell other replicas what changed.
func onSilentPostgres() database {
	silent := onPostgres()
	silent.id, silent.name = "postgres-silent", "PostgreSQL, no trigger"
	silent.change = func(ctx context.Context, s *site, name string) error {
		// It is an error if there is no such trigger.
		_, err := s.postgres.query(ctx, name, `DROP TRIGGER announce ON todos`)
		return err
	}
	return silent
}
