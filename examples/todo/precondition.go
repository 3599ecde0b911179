package main

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
)

// etag is the entity tag of a version of a todo.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// ifMatch returns what If-Match asks of a todo's version (RFC 9110 §13.1.1), at
// most one condition. Tags are compared strongly: a weak one matches nothing.
func ifMatch(h http.Header) ([]store.Condition, error) {
	tags, err := entityTags(h, "If-Match")
	if err != nil || len(tags) == 0 || tags[0] == anyTag { // any version will do
		return nil, err
	}
	return []store.Condition{store.At(versionsOfTags(tags)...)}, nil
}

// ifNoneMatch is ifMatch for If-None-Match (§13.1.2). Tags are compared weakly.
func ifNoneMatch(h http.Header) ([]store.Condition, error) {
	tags, err := entityTags(h, "If-None-Match")
	if err != nil || len(tags) == 0 {
		return nil, err
	}
	for i, tag := range tags {
		if tag == anyTag {
			return []store.Condition{store.At()}, nil
		}
		tags[i] = strings.TrimPrefix(tag, "W/")
	}
	other := store.At(versionsOfTags(tags)...)
	return []store.Condition{func(version int64) bool { return !other(version) }}, nil
}

// preconditions returns both, in the order in which they count (§13.2.2).
func preconditions(h http.Header) ([]store.Condition, error) {
	match, err := ifMatch(h)
	if err != nil {
		return nil, err
	}
	noneMatch, err := ifNoneMatch(h)
	return append(match, noneMatch...), err
}

func allHold(conditions []store.Condition, version int64) bool {
	for _, holds := range conditions {
		if !holds(version) {
			return false
		}
	}
	return true
}

// anyTag stands alone and for every tag.
const anyTag = "*"

// entityTags returns the tags that a field lists, none if there is no such field.
func entityTags(h http.Header, name string) ([]string, error) {
	lines := h.Values(name)
	if len(lines) == 0 {
		return nil, nil
	}
	rest := strings.Trim(strings.Join(lines, ","), listSpace)
	if rest == anyTag {
		return []string{anyTag}, nil
	}
	bad := newProblem(http.StatusBadRequest, name+` must be * or a list of entity tags such as "1"`)
	var tags []string
	for rest != "" {
		tag, after, ok := cutTag(rest)
		if !ok {
			return nil, bad
		}
		tags = append(tags, tag)
		rest = strings.TrimLeft(after, " \t")
		if rest != "" && rest[0] != ',' {
			return nil, bad
		}
		rest = strings.TrimLeft(rest, listSpace)
	}
	if len(tags) == 0 {
		return nil, bad
	}
	return tags, nil
}

// listSpace may stand around the elements of a list: an empty element is ignored
// (RFC 9110 §5.6.1.2).
const listSpace = ", \t"

// cutTag cuts one entity tag off the start of s. A tag may contain a comma, so
// the list cannot simply be split.
func cutTag(s string) (tag, rest string, ok bool) {
	opaque := strings.TrimPrefix(s, "W/")
	if !strings.HasPrefix(opaque, `"`) {
		return "", "", false
	}
	end := strings.IndexByte(opaque[1:], '"')
	if end < 0 {
		return "", "", false
	}
	end += len(s) - len(opaque) + 2
	return s[:end], s[end:], true
}

// versionsOfTags leaves out what is no tag of ours: no todo matches that.
func versionsOfTags(tags []string) []int64 {
	var versions []int64
	for _, tag := range tags {
		version, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
		if err == nil && etag(version) == tag {
			versions = append(versions, version)
		}
	}
	return versions
}
