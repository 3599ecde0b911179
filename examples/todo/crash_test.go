package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store/storetest"
)

const (
	crashes       = 3   // how often the server is killed
	crashWriters  = 16  // connections that write at the same time
	acksPerCrash  = 500 // writes that are acknowledged before each kill
	crashAckLimit = 20 * time.Second
)

// SIGKILL under load: what was acknowledged is there when the server is back, and
// nothing else than what was asked for.
func TestAcknowledgedWritesSurviveCrashesOnSQLite(t *testing.T) {
	crashUnderLoad(t, storetest.SQLite(t))
}

func TestAcknowledgedWritesSurviveCrashesOnPostgres(t *testing.T) {
	crashUnderLoad(t, storetest.Postgres(t))
}

func crashUnderLoad(t *testing.T, database string) {
	writers := make([]*crashWriter, crashWriters)
	for i := range writers {
		writers[i] = &crashWriter{name: fmt.Sprint("writer ", i), todos: map[string]todoJSON{}, gone: map[string]bool{}}
	}
	for round := range crashes {
		p := startProcess(t, "TODO_DATABASE_URL="+database)
		url := p.url(t)
		token := devToken(t, url, "alice")
		compareAfterCrash(t, url, token, writers)
		writeUntilKilled(t, p, url, token, writers)
		if t.Failed() {
			t.Fatalf("after %d crashes", round)
		}
	}
	p := startProcess(t, "TODO_DATABASE_URL="+database)
	url := p.url(t)
	compareAfterCrash(t, url, devToken(t, url, "alice"), writers)
}

// writeUntilKilled lets all writers write, and kills the server after some
// acknowledgements.
func writeUntilKilled(t *testing.T, p *process, url, token string, writers []*crashWriter) {
	acknowledged := make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), crashAckLimit)
	defer cancel()
	var wg sync.WaitGroup
	for _, w := range writers {
		wg.Go(func() {
			if err := w.write(ctx, url, token, acknowledged); err != nil {
				t.Error(err)
			}
		})
	}
	for n := range acksPerCrash {
		select {
		case <-acknowledged:
		case <-ctx.Done():
			t.Errorf("only %d writes were acknowledged within %v\n%s", n, crashAckLimit, p.stderr)
		}
	}
	_ = p.cmd.Process.Kill()
	go func() { // writers that were acknowledged just before
		for range acknowledged {
		}
	}()
	wg.Wait()
	close(acknowledged)
	p.exit(t)
}

// crashWriter writes through a connection of its own, and remembers what the server
// has acknowledged.
type crashWriter struct {
	name  string
	count int
	todos map[string]todoJSON // by id, as last acknowledged
	gone  map[string]bool     // ids whose deletion was acknowledged

	pending crashWrite // not acknowledged; the zero value is none
}

// crashWrite is one write: a POST without an id, a PATCH or a DELETE.
type crashWrite struct{ method, id, title string }

// next returns a write; of six, three make a todo.
func (w *crashWriter) next() crashWrite {
	w.count++
	write := crashWrite{method: "POST", title: fmt.Sprint(w.name, ", write ", w.count)}
	ids := slices.Collect(maps.Keys(w.todos)) // in any order
	switch kind := w.count % 6; {
	case len(ids) == 0:
	case kind == 2 || kind == 4:
		write.method, write.id = "PATCH", ids[0]
	case kind == 5:
		write.method, write.id = "DELETE", ids[0]
	}
	return write
}

// write writes until the server does not answer.
func (w *crashWriter) write(ctx context.Context, url, token string, acknowledged chan<- struct{}) error {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for {
		w.pending = w.next()
		r, err := http.NewRequestWithContext(ctx, w.pending.method, url+"/todos", nil)
		if err != nil {
			return err
		}
		if w.pending.id != "" {
			r.URL.Path += "/" + w.pending.id
		}
		if w.pending.method != "DELETE" {
			r, err = http.NewRequestWithContext(ctx, w.pending.method, r.URL.String(), strings.NewReader(fmt.Sprintf(`{"title":%q}`, w.pending.title)))
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", "application/json")
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := client.Do(r)
		if err != nil {
			return nil // killed
		}
		answer.Body.Close()
		if err := w.acknowledge(answer); err != nil {
			return err
		}
		acknowledged <- struct{}{}
	}
}

// acknowledge notes the answer to the pending write.
func (w *crashWriter) acknowledge(answer *http.Response) error {
	id := w.pending.id
	switch {
	case w.pending.method == "POST" && answer.StatusCode == 201:
		id = strings.TrimPrefix(answer.Header.Get("Location"), "/todos/")
		w.todos[id] = todoJSON{ID: id, Title: w.pending.title}
	case w.pending.method == "PATCH" && answer.StatusCode == 200:
		w.todos[id] = todoJSON{ID: id, Title: w.pending.title}
	case w.pending.method == "DELETE" && answer.StatusCode == 204:
		delete(w.todos, id)
		w.gone[id] = true
	default:
		return fmt.Errorf("%s, %+v: %s", w.name, w.pending, answer.Status)
	}
	w.pending = crashWrite{}
	return nil
}

// compareAfterCrash compares what the server has with what it has acknowledged. A
// write that was not acknowledged may have happened or not; from now on the writers
// know which.
func compareAfterCrash(t *testing.T, url, token string, writers []*crashWriter) {
	t.Helper()
	found := listAll(t, url, token)
	kept, deleted, happened := 0, 0, 0
	for _, w := range writers {
		p := w.pending
		w.pending = crashWrite{}
		for id, want := range w.todos {
			got, there := found[id]
			delete(found, id)
			switch {
			case there && got == want:
				kept++
			case there && p.method == "PATCH" && p.id == id && got.Title == p.title:
				w.todos[id] = got
				happened++
			case !there && p.method == "DELETE" && p.id == id:
				delete(w.todos, id)
				happened++
			default:
				t.Errorf("acknowledged: %+v; there is %v, %+v; pending: %+v", want, there, got, p)
			}
		}
		for id := range w.gone {
			if got, there := found[id]; there {
				t.Errorf("deleted, and here again: %+v", got)
			}
			deleted++
		}
		for id, got := range found {
			if p.method == "POST" && got.Title == p.title {
				w.todos[id] = got
				delete(found, id)
				happened++
			}
		}
	}
	if len(found) > 0 {
		t.Errorf("todos that nobody asked for: %+v", found)
	}
	t.Logf("there: %d acknowledged todos; not there: %d deleted ones; of what was not acknowledged, %d writes happened", kept, deleted, happened)
}

// listAll lists all pages, without the times.
func listAll(t *testing.T, url, token string) map[string]todoJSON {
	t.Helper()
	s := &service{url: url}
	found := map[string]todoJSON{}
	for path := "/todos?limit=1000"; path != ""; {
		answer := s.do(t, request{method: "GET", path: path, token: token})
		if answer.status != 200 {
			t.Fatalf("%s gave %d %s", path, answer.status, answer.body)
		}
		for _, todo := range fromJSON[[]todoJSON](t, answer.body) {
			found[todo.ID] = todoJSON{ID: todo.ID, Title: todo.Title, Done: todo.Done}
		}
		next, _, _ := strings.Cut(answer.header.Get("Link"), ">")
		path = strings.TrimPrefix(next, "<")
	}
	return found
}
