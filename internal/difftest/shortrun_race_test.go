//go:build race

package difftest

// shortRun is smaller where the race detector makes signatures slow.
const shortRun = 1_500
