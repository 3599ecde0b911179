package resilience

import (
	"runtime"
	"strings"
)

// goroutines counts the goroutines of the bubble that it is called in, that of the
// caller included.
func goroutines() int {
	stacks := allStacks()
	own, _, _ := strings.Cut(stacks, "\n") // the caller's comes first
	_, number, found := strings.Cut(own, "synctest bubble ")
	if !found {
		return 0
	}
	number, _, _ = strings.Cut(number, "]")
	count := 0
	for line := range strings.Lines(stacks) {
		if strings.HasPrefix(line, "goroutine ") && strings.Contains(line, "synctest bubble "+number+"]") {
			count++
		}
	}
	return count
}

func allStacks() string {
	for size := 1 << 18; ; size *= 2 {
		stacks := make([]byte, size)
		if n := runtime.Stack(stacks, true); n < size {
			return string(stacks[:n])
		}
	}
}
