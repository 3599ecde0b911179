package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// reading is what operations cost, each figure for one operation.
type reading struct {
	cpu     float64 // ns of processor time of the whole process, garbage collection included
	wall    float64 // ns until the next one
	allocs  float64
	bytes   float64
	fetches float64 // requests to the issuer
}

// operation does the work once. Its error is what the library said.
type operation func() error

// task is work to measure, in passes.
type task struct {
	// pass makes the operations of a pass. That is not measured.
	pass func() ([]operation, error)

	// once is set where an operation must not be done again, because a library may
	// remember it: pass is then called for each pass.
	once bool

	// accept is whether the operations must succeed. Others must fail.
	accept bool

	fetches func() int64 // counts requests to the issuer
}

const (
	chunk = 16 // operations between two looks at the clock
	// youth is how much is allocated between two garbage collections: what Go's own least
	// heap makes of a small program. By itself it would be more here, because of the
	// tokens that lie ready, and who allocates much would cost less than in a server.
	youth    = 4 << 20
	shortest = 5 * time.Millisecond // that is measured in one piece, where that can be chosen
)

// meter adds up what was measured.
type meter struct {
	operations    int
	cpu, wall     time.Duration
	allocs, bytes uint64
	fetches       int64
}

// measure repeats a task on a number of processors until the budget is spent.
func (t task) measure(processors int, budget time.Duration) (reading, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
	defer collectEvery(youth)()
	var (
		m       meter
		passes  []operation
		repeats = 1
	)
	for m.wall < budget {
		if passes == nil || t.once {
			var err error
			if passes, err = t.pass(); err != nil {
				return reading{}, err
			}
		}
		before := m.wall
		if err := m.add(t, passes, processors, repeats, budget-before); err != nil {
			return reading{}, err
		}
		if !t.once && m.wall-before < min(shortest, budget) {
			repeats *= 2
			m = meter{} // what was too short to be measured well
		}
	}
	return m.reading(), nil
}

// add measures a pass that is repeated, or what the budget allows of it.
func (m *meter) add(t task, pass []operation, processors, repeats int, budget time.Duration) error {
	var begin, end runtime.MemStats
	fetched := t.fetched()
	runtime.ReadMemStats(&begin)
	cpu, start := processorTime(), time.Now()

	done, err := t.run(pass, processors, repeats, start.Add(budget))

	m.wall += time.Since(start)
	m.cpu += processorTime() - cpu
	runtime.ReadMemStats(&end)
	m.operations += done
	m.allocs += end.Mallocs - begin.Mallocs
	m.bytes += end.TotalAlloc - begin.TotalAlloc
	m.fetches += t.fetched() - fetched
	return err
}

func (t task) fetched() int64 {
	if t.fetches == nil {
		return 0
	}
	return t.fetches()
}

// run does the operations, chunk by chunk, as many at a time as there are processors, and
// returns how many it did.
func (t task) run(pass []operation, processors, repeats int, deadline time.Time) (int, error) {
	all := int64(len(pass) * repeats)
	var (
		next, done atomic.Int64
		failure    atomic.Pointer[error]
		workers    sync.WaitGroup
	)
	work := func() {
		for {
			first := next.Add(chunk) - chunk
			last := min(first+chunk, all)
			if first >= all || failure.Load() != nil {
				return
			}
			at := int(first % int64(len(pass)))
			for range last - first {
				if err := pass[at](); (err == nil) != t.accept {
					failed := err // err itself would be allocated for each operation
					failure.Store(&failed)
					return
				}
				if at++; at == len(pass) {
					at = 0
				}
			}
			done.Add(last - first)
			if time.Now().After(deadline) {
				return
			}
		}
	}
	for range processors - 1 {
		workers.Go(work)
	}
	work()
	workers.Wait()
	if err := failure.Load(); err != nil {
		if *err == nil {
			return 0, fmt.Errorf("accepted what must be refused")
		}
		return 0, fmt.Errorf("refused what must be accepted: %w", *err)
	}
	return int(done.Load()), nil
}

func (m *meter) reading() reading {
	n := float64(m.operations)
	return reading{
		cpu:     float64(m.cpu) / n,
		wall:    float64(m.wall) / n,
		allocs:  float64(m.allocs) / n,
		bytes:   float64(m.bytes) / n,
		fetches: float64(m.fetches) / n,
	}
}

// collectEvery collects garbage, and has it collected again whenever so many bytes were
// allocated, until what it returns is called.
func collectEvery(allocated uint64) (end func()) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := debug.SetGCPercent(int(max(1, allocated*100/max(m.HeapAlloc, allocated))))
	return func() { debug.SetGCPercent(before) }
}

// processorTime is what this process has used, user and system.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
