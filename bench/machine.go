package main

import (
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/bench/peers"
)

// here describes this machine and what is measured on it.
func here(s settings, command string) run {
	r := run{
		Date: time.Now().UTC().Format(time.DateOnly), Command: command,
		Go: runtime.Version(), System: system(), CPU: processor(), CPUs: runtime.NumCPU(),
		Rounds: s.rounds, Serving: s.servingRounds, Reading: s.reading.String(), Requests: s.requests, Distinct: s.scale.long, Pass: s.scale.pass,
	}
	for _, p := range contenders() {
		if p.Name != noCache {
			r.Libraries = append(r.Libraries, version{p.Name, p.Module, p.Version()})
		}
	}
	for _, p := range []peers.Peer{
		{Name: "grpc-go", Module: "google.golang.org/grpc"},
	} {
		r.Libraries = append(r.Libraries, version{p.Name, p.Module, p.Version()})
	}
	return r
}

// system is the operating system, with its release where it is known.
func system() string {
	name := runtime.GOOS + "/" + runtime.GOARCH
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return name
	}
	return name + ", kernel " + strings.TrimSpace(string(release))
}

// processor is the name of the processor's model.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	return modelName(string(text))
}

func modelName(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		name, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
