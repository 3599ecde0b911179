package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// about is what the page says of a run.
type about struct {
	Date        string   `json:"date"`
	Rounds      int      `json:"rounds"`
	Length      float64  `json:"length_s"`
	Connections int      `json:"connections"`
	CPU         string   `json:"cpu"`
	CPUs        int      `json:"cpus"`
	Kernel      string   `json:"kernel"`
	LoadAverage string   `json:"load_average"` // of one, five and fifteen minutes, as the measuring began
	Go          string   `json:"go"`
	Wrk         string   `json:"wrk"`
	Versions    versions `json:"versions"`
}

func (s *site) describe(ctx context.Context, o options) about {
	return about{
		Date: time.Now().UTC().Format(time.DateOnly), Rounds: o.rounds, Length: o.pressure.length.Seconds(), Connections: o.pressure.connections,
		CPU: cpuModel(content("/proc/cpuinfo")), CPUs: runtime.NumCPU(),
		Kernel:      runtime.GOOS + " " + strings.TrimSpace(content("/proc/sys/kernel/osrelease")) + " " + runtime.GOARCH,
		LoadAverage: strings.Join(firstFields(content("/proc/loadavg"), 3), " "),
		Go:          runtime.Version(), Wrk: wrkVersion(ctx), Versions: s.versions,
	}
}

// content returns a file's text, or nothing.
func content(name string) string {
	text, _ := os.ReadFile(name)
	return string(text)
}

// cpuModel reads /proc/cpuinfo, whose form depends on the processor.
func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "a processor without a name"
}

func firstFields(text string, n int) []string {
	fields := strings.Fields(text)
	return fields[:min(n, len(fields))]
}

// wrkVersion returns the second word that wrk prints.
func wrkVersion(ctx context.Context) string {
	printed, _ := exec.CommandContext(ctx, "wrk", "--version").CombinedOutput() // it exits with 1
	fields := strings.Fields(string(printed))
	if len(fields) < 2 {
		return "unknown"
	}
	return fields[1]
}
