package main

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// caller is a client of the example, who has one token.
type caller struct {
	base   string // the server's URL
	token  string
	client *http.Client
}

// stored is what a database has of one owner.
type stored struct {
	todos int
	edits int // of the todos that there were before the load
}

// fill makes the todos that there are before the load, and returns their ids.
func (c caller) fill(ctx context.Context) (ids []string, err error) {
	for range pageSize {
		var todo struct {
			ID string `json:"id"`
		}
		if _, err := c.do(ctx, create(), http.StatusCreated, &todo); err != nil {
			return nil, err
		}
		ids = append(ids, todo.ID)
	}
	return ids, nil
}

// stored counts the owner's todos, and how often some of them were edited: a todo has
// the version 1 and one more with every edit, and its entity tag is the version.
func (c caller) stored(ctx context.Context, ids []string) (s stored, err error) {
	if s.todos, err = c.count(ctx); err != nil {
		return s, err
	}
	for _, id := range ids {
		header, err := c.do(ctx, get("/todos/"+id), http.StatusOK, new(any))
		if err != nil {
			return s, err
		}
		version, err := strconv.Atoi(strings.Trim(header.Get("ETag"), `"`))
		if err != nil {
			return s, fmt.Errorf("the entity tag of a todo: %w", err)
		}
		s.edits += version - 1
	}
	return s, nil
}

// count goes through the pages of the list.
func (c caller) count(ctx context.Context) (todos int, err error) {
	for page := "/todos?limit=1000"; page != ""; {
		var got []struct {
			ID string `json:"id"`
		}
		header, err := c.do(ctx, get(page), http.StatusOK, &got)
		if err != nil {
			return 0, err
		}
		todos += len(got)
		page = nextPage(header.Get("Link"))
	}
	return todos, nil
}

// nextPage returns the target of </todos?...>; rel="next", or nothing.
func nextPage(link string) string {
	target, found := strings.CutSuffix(link, `>; rel="next"`)
	if !found {
		return ""
	}
	return strings.TrimPrefix(target, "<")
}

// do sends a request and reads the answer into a value.
func (c caller) do(ctx context.Context, r request, want int, into any) (http.Header, error) {
	asked, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, strings.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	asked.Header.Set("Authorization", "Bearer "+c.token)
	if r.body != "" {
		asked.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.client.Do(asked)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != want {
		return nil, fmt.Errorf("%s %s: the answer is %d and must be %d: %s", r.method, r.path, resp.StatusCode, want, bytes.TrimSpace(body))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	return resp.Header, nil
}
