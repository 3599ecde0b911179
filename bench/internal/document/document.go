// Package document writes what was measured as raw lines, and what is made of them for
// readers beside it. What readers see is made of the file with the lines and of nothing
// else, so that it can be made again, and compared.
package document

import (
	"fmt"
	"os"
	"path/filepath"
)

// Document is a page with its pictures, and the lines that they are made of.
type Document struct {
	Lines string // the name of the file with the lines

	// Render returns the files that the lines make, by their names within the
	// directory.
	Render func(lines []byte) (map[string][]byte, error)
}

// Write writes the lines into a directory, which is made if it is not there, and what
// they make.
func (d Document) Write(dir string, lines []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, d.Lines), lines, 0o644); err != nil {
		return err
	}
	return d.Again(dir)
}

// Again makes everything from the lines in a directory.
func (d Document) Again(dir string) error {
	lines, err := os.ReadFile(filepath.Join(dir, d.Lines))
	if err != nil {
		return err
	}
	files, err := d.Render(lines)
	if err != nil {
		return fmt.Errorf("%s: %w", d.Lines, err)
	}
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
