package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"github.com/bearerproof/bearerproof/bench/internal/figure"
)

//go:embed page.md.tmpl
var pageText string

// page returns the whole document, in Markdown.
func (r record) page() ([]byte, error) {
	t, err := template.New(pageFile).Option("missingkey=error").Funcs(r.words()).Parse(pageText)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = t.Execute(&page, r.run)
	return page.Bytes(), err
}

// words are what the page's text may ask for.
func (r record) words() template.FuncMap {
	rate := func(id string) float64 { return r.of(id).rate() }
	return template.FuncMap{
		"crowded": r.crowded,
		"others":  func() string { return figure.Percent(r.others(), 1) },
		"rates":   r.ratesTable,
		"costs":   r.costsTable,
		"kept":    r.keptTable,

		"rate":           func(id string) string { return figure.Grouped(rate(id)) },
		"p99":            func(id string) string { return figure.Time(r.of(id).P99 / 1e3) },
		"times":          func(of, over string) string { return figure.Ratio(rate(of) / rate(over)) },
		"authentication": func() string { return figure.Time(r.authentication()) },
		"share":          func(id string) string { return figure.Percent(r.authentication(), r.of(id).server()) },
		"flushes":        func(id string) string { return r.of(id).flushesPerChange() },
		"sync":           func() string { return figure.Time(r.run.Sync / 1e3) },
		"syncs":          func() string { return figure.Grouped(1e3 / r.run.Sync) },
		"pageSize":       func() int { return pageSize },
	}
}

// others is the part of the processors' time that other programs had in the whole run.
func (r record) others() float64 {
	var theirs, all float64
	for _, s := range r.samples {
		time := float64(s.Busy + s.Idle)
		theirs, all = theirs+s.others()*time, all+time
	}
	return theirs / all
}

// crowded reports whether the machine had much else to do.
func (r record) crowded() bool { return r.others() >= 0.1 }

// The parts of a whole from which on something counts as busy.
const (
	busyProcessors = 0.9
	busyOthers     = 0.25
	busyDisk       = 0.5
)

// bound says what was busy, in the words that the page explains.
func (s sample) bound() string {
	switch {
	case s.busy() >= busyProcessors && s.others() >= busyOthers:
		return "other programs"
	case s.busy() >= busyProcessors:
		return "processors"
	case s.flushing() >= busyDisk:
		return "disk"
	default:
		return "waiting"
	}
}

func (r record) ratesTable() string {
	var t strings.Builder
	t.WriteString("| what | database | requests/s | p50 | p99 | failed | processors busy | disk flushing | bound by |\n|---|---|--:|--:|--:|--:|--:|--:|---|\n")
	for _, c := range cells() {
		s := r.of(c.id())
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %d | %s | %s | %s |\n", c.act.name, c.onName(),
			figure.Grouped(s.rate()), figure.Time(s.P50/1e3), figure.Time(s.P99/1e3), s.Failures,
			figure.Percent(s.busy(), 1), figure.Percent(s.flushing(), 1), s.bound())
	}
	return t.String()
}

func (r record) costsTable() string {
	var t strings.Builder
	t.WriteString("| what | database | server | of it authentication | PostgreSQL | other programs |\n|---|---|--:|--:|--:|--:|\n")
	for _, c := range cells() {
		s := r.of(c.id())
		authentication, database := "none", "none"
		if !c.open {
			authentication = figure.Percent(r.authentication(), s.server())
		}
		if c.on.isPostgres() {
			database = figure.Time(s.database())
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s |\n", c.act.name, c.onName(), figure.Time(s.server()), authentication, database, figure.Percent(s.others(), 1))
	}
	return t.String()
}

func (r record) keptTable() string {
	var t strings.Builder
	t.WriteString("| what | database | acknowledged requests | new todos | edits | flushes of the disk for each |\n|---|---|--:|--:|--:|--:|\n")
	for _, c := range cells() {
		s := r.of(c.id())
		if s.changes() == 0 {
			continue
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s |\n", c.act.name, c.onName(),
			figure.Grouped(float64(s.Answered)), figure.Grouped(float64(s.Created)), figure.Grouped(float64(s.Edited)), s.flushesPerChange())
	}
	return t.String()
}

// onName names the database, if it is asked.
func (c cell) onName() string {
	if c.fixed() {
		return "none"
	}
	return c.on.name
}

// flushesPerChange is written as a word where the kernel does not count them.
func (s sample) flushesPerChange() string {
	if s.Flushes == 0 {
		return "not known"
	}
	return fmt.Sprintf("%.2f", float64(s.Flushes)/float64(s.changes()))
}
