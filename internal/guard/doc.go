// Package guard holds down what verification costs, in counts that neither the clock
// nor a busy machine changes: allocations, bytes and instructions. [Works] lists what
// is counted, testdata has the counts as they were last, and a test fails when one has
// grown.
//
// Allocations and bytes are counted whenever the tests run, and may not grow by one.
// Instructions are counted on request, by Valgrind's callgrind on linux/amd64, in the
// program in the directory counted:
//
//	go test -tags instructions -run Instructions -count=1 -v ./internal/guard
//
// They may grow by 3 %, for two runs are not quite alike. With -v the test prints the
// ratios to the bare signature check. Valgrind shows programs a processor without
// instructions for SHA-256, on every machine: so a hash, and with it a repeated token,
// has a larger share than it has in time.
//
// A change that costs less, or is worth more, writes its counts, and its diff shows for
// whom they changed:
//
//	go test -tags instructions -run 'Alloc|Instructions' -count=1 ./internal/guard -update
//
// Other guards that need no clock stand beside what they guard: the tests named Alloc,
// the fetches in the tests of package jwks, and the cost of each attack in conformance.
package guard
