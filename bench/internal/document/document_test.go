package document

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

type row struct {
	Name string `json:"name"`
	N    int    `json:"n,omitzero"`
}

func TestLinesComeBack(t *testing.T) {
	text, err := Lines([]row{{"a", 1}, {"b\n", 0}})
	if want := "{\"name\":\"a\",\"n\":1}\n{\"name\":\"b\\n\"}\n"; err != nil || string(text) != want {
		t.Fatalf("Lines() = %q, %v, want %q", text, err, want)
	}
	values, err := Values[row](text)
	if err != nil || len(values) != 2 || values[0] != (row{"a", 1}) || values[1] != (row{"b\n", 0}) {
		t.Errorf("Values() = %+v, %v", values, err)
	}
}

func TestLinesThatAreNotOurs(t *testing.T) {
	for _, text := range []string{"", "{", `{"name":"a"}` + "\n\n" + `{"name":"b"}`, `{"guess":2}`} {
		if values, err := Values[row]([]byte(text)); err == nil {
			t.Errorf("%q: %+v, want an error", text, values)
		}
	}
}

func TestWriteAndAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	d := Document{"raw", func(lines []byte) (map[string][]byte, error) {
		return map[string][]byte{"page": append([]byte("# "), lines...), "images/one": lines}, nil
	}}
	for _, lines := range []string{"1", "2"} {
		if err := d.Write(dir, []byte(lines)); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "page")); err != nil {
			t.Fatal(err)
		}
		if err := d.Again(dir); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"raw": lines, "page": "# " + lines, "images/one": lines} {
			if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
				t.Errorf("%s: %q, %v, want %q", name, got, err, want)
			}
		}
	}
}

func TestWhatCannotBeMade(t *testing.T) {
	failed := errors.New("failed")
	d := Document{"raw", func([]byte) (map[string][]byte, error) { return nil, failed }}
	if err := d.Again(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v without lines", err)
	}
	if err := d.Write(t.TempDir(), nil); !errors.Is(err, failed) {
		t.Errorf("error %v, want %v", err, failed)
	}
}
