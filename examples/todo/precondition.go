package main

import (
	"net/http"
	"strconv"
	"strings"
)

// etag is the entity tag of a version of a todo.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// ifMatch returns the versions that If-Match asks for (RFC 9110 §13.1.1). None
// means that any version will do. A tag that is not ours is a version that no
// todo has.
func ifMatch(h http.Header) ([]int64, error) {
	lines := h.Values("If-Match")
	if len(lines) == 0 {
		return nil, nil
	}
	rest := strings.Trim(strings.Join(lines, ","), listSpace)
	if rest == "*" {
		return nil, nil
	}
	bad := newProblem(http.StatusBadRequest, `If-Match must be * or a list of entity tags such as "1"`)
	var versions []int64
	for rest != "" {
		item, after, ok := cutTag(rest)
		if !ok {
			return nil, bad
		}
		versions = append(versions, versionOf(item))
		rest = strings.TrimLeft(after, " \t")
		if rest != "" && rest[0] != ',' {
			return nil, bad
		}
		rest = strings.TrimLeft(rest, listSpace)
	}
	if len(versions) == 0 {
		return nil, bad
	}
	return versions, nil
}

// listSpace may stand around the elements of a list: an empty element is ignored
// (RFC 9110 §5.6.1.2).
const listSpace = ", \t"

// noVersion is a version that no todo has.
const noVersion = 0

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

// versionOf compares strongly: a weak tag matches nothing.
func versionOf(tag string) int64 {
	version, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
	if err != nil || version < 0 || etag(version) != tag {
		return noVersion
	}
	return version
}
