// Package machine describes the machine on which something is measured.
package machine

import (
	"os"
	"runtime"
	"strings"
)

// Machine is what a page says of it.
type Machine struct {
	CPU         string `json:"cpu"`
	CPUs        int    `json:"cpus"`
	Kernel      string `json:"kernel"`
	LoadAverage string `json:"load_average"` // of one, five and fifteen minutes, as the measuring began
	Go          string `json:"go"`
}

// Here describes this machine.
func Here() Machine {
	return Machine{
		CPU: cpuModel(content("/proc/cpuinfo")), CPUs: runtime.NumCPU(),
		Kernel:      runtime.GOOS + " " + strings.TrimSpace(content("/proc/sys/kernel/osrelease")) + " " + runtime.GOARCH,
		LoadAverage: strings.Join(firstFields(content("/proc/loadavg"), 3), " "),
		Go:          runtime.Version(),
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
