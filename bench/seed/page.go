package main

import (
	"fmt"
	"strings"

	"github.com/bearerproof/bearerproof/bench/internal/figure"
)

// page is the whole document, in Markdown.
func (r record) page() string {
	var p strings.Builder
	fmt.Fprintf(&p, pageHead, linesFile, r.run.Date, r.run.CPUs, r.run.CPU, r.run.Kernel, r.run.LoadAverage)
	p.WriteString("\n## What was measured\n\n| server | how it comes by the keys |\n|---|---|\n")
	for _, w := range ways() {
		fmt.Fprintf(&p, "| %s | %s |\n", w.name, w.about)
	}
	fmt.Fprintf(&p, "\n"+pageServers, r.run.Versions.Python, r.packages(), r.run.Go)
	fmt.Fprintf(&p, "\n## CPU time of a request\n\n%s\n![CPU time of a request](%s)\n\n", r.summary(), plotFile)
	r.table(&p)
	fmt.Fprintf(&p, "\n"+pageMethod, r.run.Wrk, r.run.Connections, r.run.Length, r.run.Rounds, figure.Grouped(manyTokens))
	fmt.Fprintf(&p, "\n## What each accepts\n\n%s\n", pageAnswers)
	r.answerTable(&p)
	newClient, shared, cached := r.cpu("new-client"), r.cpu("shared-client"), r.cpu("cached")
	fmt.Fprintf(&p, "\n"+pageLimits, figure.Percent(newClient-shared, newClient), figure.Percent(shared-cached, shared))
	return p.String()
}

// packages names Python's, in a fixed order.
func (r record) packages() string {
	var all []string
	for _, name := range measuredPackages() {
		all = append(all, name+" "+r.run.Versions.Packages[name])
	}
	return strings.Join(all, ", ")
}

// summary says what the table shows, in a sentence that its numbers write.
func (r record) summary() string {
	base := r.cpu(ours)
	var all []string
	for _, id := range []string{"new-client", "shared-client", "cached"} {
		all = append(all, figure.Ratio(r.cpu(id)/base))
	}
	return fmt.Sprintf(pageSummary, all[0], all[1], all[2], figure.Ratio(r.cpu("cached")/r.cpu("go-new-tokens")))
}

// cpu is the median CPU time of a request, in seconds.
func (r record) cpu(way string) float64 { return over(r.of(way), sample.cpuPerRequest).Median }

func (r record) table(p *strings.Builder) {
	p.WriteString("| server | CPU time of a request | × bearerproof | requests/s | p50 | p99 | failed | fetches of the key set |\n|---|--:|--:|--:|--:|--:|--:|---|\n")
	base := r.cpu(ours)
	for _, w := range ways() {
		of := r.of(w.id)
		cpu := over(of, sample.cpuPerRequest)
		failed := 0
		for _, s := range of {
			failed += s.Failures
		}
		fmt.Fprintf(p, "| %s | %s | %s | %s | %s | %s | %d | %s |\n", w.name, cpu.Times(), figure.Ratio(cpu.Median/base),
			over(of, sample.rate).Numbers(),
			over(of, func(s sample) float64 { return s.P50 / 1e3 }).Times(),
			over(of, func(s sample) float64 { return s.P99 / 1e3 }).Times(),
			failed, fetches(of))
	}
}

// fetches says how often the issuer was asked.
func fetches(of []sample) string {
	during, requests, before := 0, 0, 0
	for _, s := range of {
		during, requests, before = during+s.Fetches, requests+s.requests(), max(before, s.FetchesBefore)
	}
	if during == 0 {
		return fmt.Sprintf("none; %d before", before)
	}
	return fmt.Sprintf("%s for %s requests", figure.Grouped(float64(during)), figure.Grouped(float64(requests)))
}

func (r record) answerTable(p *strings.Builder) {
	head, rule := "| request |", "|---|"
	for _, w := range ways() {
		if w.asked {
			head, rule = head+" "+w.name+" |", rule+"--:|"
		}
	}
	fmt.Fprintf(p, "%s\n%s\n", head, rule)
	for _, a := range attempts() {
		fmt.Fprintf(p, "| %s |", a.what)
		for _, w := range ways() {
			if w.asked {
				fmt.Fprintf(p, " %s |", r.cell(w, a))
			}
		}
		p.WriteString("\n")
	}
}

// cell is bold where something is accepted that bearerproof refuses.
func (r record) cell(w way, a attempt) string {
	status := r.status(w.id, a.what)
	if status < 300 && r.status(ours, a.what) >= 300 {
		return fmt.Sprintf("**%d**", status)
	}
	return fmt.Sprint(status)
}

// over returns the spread of a value of samples.
func over(samples []sample, value func(sample) float64) figure.Spread {
	var values []float64
	for _, s := range samples {
		values = append(values, value(s))
	}
	return figure.Of(values)
}
