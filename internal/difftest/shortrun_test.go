//go:build !race

package difftest

// shortRun is how many inputs are made where no number is given.
const shortRun = 20_000
