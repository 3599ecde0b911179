package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"math"
	"path/filepath"
	"slices"
	"text/template"

	"github.com/bearerproof/bearerproof/bench/internal/document"
)

//go:embed page.md.tmpl
var pageText string

const (
	linesFile = "performance.jsonl"
	pageFile  = "performance.md"
	imagesDir = "images"
)

// pageData is what the page says of the run.
type pageData struct {
	run

	Clients                    int
	RequestsText, DistinctText string
}

// page returns the page.
func (r *results) page() ([]byte, error) {
	t, err := template.New(pageFile).Option("missingkey=error").Funcs(r.words()).Parse(pageText)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = t.Execute(&text, pageData{r.run, clients, commas(int64(r.run.Requests)), commas(int64(r.run.Distinct))})
	return text.Bytes(), err
}

// words are what the page's text may ask for.
func (r *results) words() template.FuncMap {
	cpu := func(name, of, library string) float64 { return spreadOf(r.of(name, of, library).CPU).median }
	octets := func(of string) float64 { return spreadOf(r.of(cacheMemory, of, ours).Bytes).median }
	return template.FuncMap{
		"number":         func(n int) string { return commas(int64(n)) },
		"goals":          r.goalsTable,
		"wins":           r.wins,
		"libraries":      r.librariesTable,
		"verify":         r.verifyTable,
		"parallel":       r.parallelTable,
		"refusedCPU":     r.refusedCPU,
		"refusedMemory":  r.refusedMemory,
		"refusedFetches": r.refusedFetches,
		"keys":           r.keysTable,
		"serving":        r.servingTable,

		"us":        func(name, of, library string) string { return micro(cpu(name, of, library)) },
		"perSecond": func(name, of, library string) string { return number(1e9 / cpu(name, of, library)) },
		"times":     func(name, of, library string) string { return number(r.times(name, of, library).median) },
		"overOpen": func(transport, of, library string) string {
			return number(r.overOpen(transport, of, library).median)
		},
		"overGoOIDC": func(transport string) string { return number(r.overGoOIDC(transport, repeated).median) },
		"speedUp":    func(of, library string) string { return number(spreadOf(r.speedUp(of, library)).median) },
		"bestOther":  r.bestOther,
		"cheapest":   r.cheapest,

		"average":         func(requests float64) string { return micro(r.average(requests)) },
		"cacheAdds":       func() string { return micro(spreadOf(r.cacheAdds()).median) },
		"cacheAddsOctets": func() string { return whole(r.cacheAddsOctets()) },
		"fullAdds": func() string {
			return micro(spreadOf(r.of(fullCache, "RS256", ours).CPU.less(r.of(firstVerify, "RS256", noCache).CPU)).median)
		},
		"evenShare":          r.evenShare,
		"shareOfMillisecond": func() string { return number(cpu(firstVerify, "RS256", ours)/1e4) + " %" },
		"mib":                func(of string) string { return mebi(octets(of)) },
		"perToken":           func() string { return kibi(octets(thousand) / 1000) },
		"forUsers":           func(users float64) string { return mebi(octets(thousand) / 1000 * users) },
	}
}

// bestOther is the least that another library with a key set takes.
func (r *results) bestOther(algorithm string) string {
	least := math.Inf(1)
	for _, p := range fetching() {
		if p.Name != ours && p.Name != noCache {
			least = min(least, r.times(firstVerify, algorithm, p.Name).median)
		}
	}
	return number(least)
}

// cheapest is the algorithm whose new tokens take the least.
func (r *results) cheapest() string {
	return slices.MinFunc(algorithms(), func(a, b string) int {
		return cmp.Compare(spreadOf(r.of(firstVerify, a, ours).CPU).median, spreadOf(r.of(firstVerify, b, ours).CPU).median)
	})
}

// average is what a request costs in ns where a token comes a number of times.
func (r *results) average(requests float64) float64 {
	first := spreadOf(r.of(firstVerify, "RS256", ours).CPU).median
	again := spreadOf(r.of(repeatedToken, "RS256", ours).CPU).median
	return (first + (requests-1)*again) / requests
}

// evenShare is the share of remembered tokens from which on the cache pays.
func (r *results) evenShare() string {
	without := spreadOf(r.of(firstVerify, "RS256", noCache).CPU).median
	again := spreadOf(r.of(repeatedToken, "RS256", ours).CPU).median
	adds := max(0, spreadOf(r.cacheAdds()).median)
	return number(100*adds/(without+adds-again)) + " %"
}

// files are those of a run.
func files() document.Document { return document.Document{Lines: linesFile, Render: made} }

// write writes the lines, of which everything else is made, and what is made of them.
func (r *results) write(dir string) error {
	lines, err := r.lines()
	if err != nil {
		return err
	}
	return files().Write(dir, lines)
}

// made returns the page and the plots by their names, as the lines say.
func made(lines []byte) (map[string][]byte, error) {
	seen, err := parsed(lines)
	if err != nil {
		return nil, err
	}
	page, err := seen.page()
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{pageFile: page}
	images, err := seen.images()
	if err != nil {
		return nil, err
	}
	for name, image := range images {
		all[filepath.Join(imagesDir, name)] = image
	}
	return all, nil
}
