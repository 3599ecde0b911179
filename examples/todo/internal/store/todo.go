package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
	"uuid"
)

// MaxTitle is the longest title, in characters (Unicode code points).
const MaxTitle = 500

// ErrNotFound says that the owner has no todo of this id. A todo of somebody
// else and a text that is no id at all give the same error.
var ErrNotFound = errors.New("store: no such todo")

// ErrConflict says that a [Condition] does not hold.
var ErrConflict = errors.New("store: the todo has been changed")

// ErrTitle says that a text cannot be a title. The wrapping error has the
// reason and may be shown to the caller.
var ErrTitle = errors.New("title")

// Todo is one thing to do. Its owner is not part of it: whoever holds a Todo
// asked for it as its owner.
type Todo struct {
	ID        string
	Title     string
	Done      bool
	CreatedAt time.Time // UTC, whole microseconds
	UpdatedAt time.Time // UTC, whole microseconds
	Version   int64     // 1 for a new todo, one more with every edit
}

// Condition says whether a todo may be changed, by the version that it is at.
type Condition func(version int64) bool

// At holds if the todo is at one of the versions.
func At(versions ...int64) Condition {
	return func(version int64) bool { return slices.Contains(versions, version) }
}

// Patch is an edit. A nil field stays as it is.
type Patch struct {
	Title *string
	Done  *bool
}

// CheckTitle returns an error that wraps [ErrTitle] unless title is valid
// UTF-8 of 1 to [MaxTitle] characters, not only white space, without U+0000,
// which PostgreSQL cannot store.
func CheckTitle(title string) error {
	switch {
	case !utf8.ValidString(title):
		return fmt.Errorf("%w must be valid UTF-8", ErrTitle)
	case strings.TrimSpace(title) == "":
		return fmt.Errorf("%w must not be empty", ErrTitle)
	case utf8.RuneCountInString(title) > MaxTitle:
		return fmt.Errorf("%w must not be longer than %d characters", ErrTitle, MaxTitle)
	case strings.ContainsRune(title, 0):
		return fmt.Errorf("%w must not contain the character U+0000", ErrTitle)
	}
	return nil
}

// ValidID reports whether s is spelled as [Store.Create] spells an id. Any
// other text is refused before it reaches a database, which would answer some
// of them with an error of its own.
func ValidID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}
