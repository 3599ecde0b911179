package main

import (
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var errRefused = errors.New("refused")

// spent keeps what an operation allocates from being optimized away.
var spent atomic.Pointer[[512]byte]

func allocating() error {
	spent.Store(new([512]byte))
	return nil
}

func idle() error { return nil }

func fixedPass(length int, do operation) func() ([]operation, error) {
	return func() ([]operation, error) {
		all := make([]operation, length)
		for i := range all {
			all[i] = do
		}
		return all, nil
	}
}

func TestMeasureCountsAllocations(t *testing.T) {
	for name, tt := range map[string]struct {
		do             operation
		allocs, octets float64
	}{
		"allocates": {allocating, 1, 512},
		"does not":  {idle, 0, 0},
	} {
		read, err := task{pass: fixedPass(1000, tt.do), accept: true}.measure(1, 10*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(read.allocs-tt.allocs) > 0.1 || math.Abs(read.bytes-tt.octets) > 64 {
			t.Errorf("%s: %v allocations of %v octets, want %v of %v", name, read.allocs, read.bytes, tt.allocs, tt.octets)
		}
		if read.cpu <= 0 || read.wall <= 0 {
			t.Errorf("%s: it took %v ns of processor time in %v ns", name, read.cpu, read.wall)
		}
	}
}

// Time of another process, or of nobody, is not in it.
func TestMeasureCountsProcessorTime(t *testing.T) {
	waiting := func() error {
		<-time.After(2 * time.Millisecond)
		return nil
	}
	read, err := task{pass: fixedPass(16, waiting), accept: true, once: true}.measure(1, 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if read.wall < 2e6 || read.cpu > read.wall/2 {
		t.Errorf("%v ns of processor time in %v ns, want little of it", read.cpu, read.wall)
	}
}

func TestMeasureCountsFetches(t *testing.T) {
	var fetches atomic.Int64
	fetching := func() error {
		fetches.Add(2)
		return nil
	}
	read, err := task{pass: fixedPass(100, fetching), accept: true, fetches: fetches.Load}.measure(1, time.Millisecond)
	if err != nil || read.fetches != 2 {
		t.Errorf("%v fetches, %v; want 2", read.fetches, err)
	}
}

func TestMeasureRefusesAnotherAnswer(t *testing.T) {
	refusing := func() error { return errRefused }
	tests := map[string]struct {
		task task
		want string
	}{
		"refused a good token": {task{pass: fixedPass(5, refusing), accept: true}, "refused what must be accepted"},
		"accepted a bad token": {task{pass: fixedPass(5, idle)}, "accepted what must be refused"},
		"refused a bad token":  {task{pass: fixedPass(5, refusing)}, ""},
		"no operations":        {task{pass: func() ([]operation, error) { return nil, errRefused }}, "refused"},
	}
	for name, tt := range tests {
		for processors := range 2 {
			_, err := tt.task.measure(processors+1, time.Millisecond)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%s, %d processors: %v, want %q", name, processors+1, err, tt.want)
			}
		}
	}
}

// What a library may remember is done once: the next pass is another one.
func TestOnceIsOnce(t *testing.T) {
	passes, calls := 0, 0
	once := task{once: true, accept: true, pass: func() ([]operation, error) {
		passes++
		done := make([]bool, 100)
		all := make([]operation, len(done))
		for i := range all {
			all[i] = func() error {
				calls++
				if done[i] {
					return errRefused
				}
				done[i] = true
				return nil
			}
		}
		return all, nil
	}}
	if _, err := once.measure(1, 2*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if passes < 2 || calls <= 100 {
		t.Errorf("%d passes with %d calls, want several", passes, calls)
	}
}

// Each operation is done as often as any other one, on two processors as well.
func TestRunDoesAll(t *testing.T) {
	for processors := 1; processors <= 2; processors++ {
		var counts [50]atomic.Int64
		all := make([]operation, len(counts))
		for i := range all {
			all[i] = func() error {
				counts[i].Add(1)
				return nil
			}
		}
		done, err := task{accept: true}.run(all, processors, 7, time.Now().Add(time.Minute))
		if err != nil || done != 350 {
			t.Fatalf("%d operations, %v; want 350", done, err)
		}
		for i := range counts {
			if counts[i].Load() != 7 {
				t.Errorf("operation %d was done %d times, want 7", i, counts[i].Load())
			}
		}
	}
}

// Two processors have two operations under way.
func TestRunUsesAllProcessors(t *testing.T) {
	both := make(chan struct{})
	var first, second sync.Once
	meet := func() error {
		select {
		case both <- struct{}{}:
		case <-both:
		case <-time.After(10 * time.Second):
			return errRefused
		}
		return nil
	}
	wait := func(once *sync.Once) operation {
		return func() (err error) {
			once.Do(func() { err = meet() })
			return err
		}
	}
	all, err := fixedPass(2*chunk, idle)()
	if err != nil {
		t.Fatal(err)
	}
	all[0], all[chunk] = wait(&first), wait(&second) // of different chunks
	if _, err := (task{accept: true}).run(all, 2, 1, time.Now().Add(time.Minute)); err != nil {
		t.Error("one operation waited for the other in vain")
	}
}

// A large heap does not make collections rare.
func TestCollectEvery(t *testing.T) {
	percent := debug.SetGCPercent(100)
	defer debug.SetGCPercent(percent)
	ballast := make([]byte, 64<<20)
	end := collectEvery(4 << 20)
	if within := debug.SetGCPercent(100); within < 1 || within > 6 {
		t.Errorf("the heap may grow by %d %%, want 6 at most", within)
	}
	debug.SetGCPercent(7)
	if end(); debug.SetGCPercent(100) != 100 {
		t.Error("the collector's setting is another one afterwards")
	}
	runtime.KeepAlive(ballast)
}

func TestMeasureLeavesTheProcessAsItWas(t *testing.T) {
	ballast := make([]byte, 64<<20)
	defer runtime.KeepAlive(ballast)
	processors, percent := runtime.GOMAXPROCS(0), debug.SetGCPercent(100)
	defer debug.SetGCPercent(percent)
	if _, err := (task{pass: fixedPass(1, idle), accept: true}).measure(1, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if runtime.GOMAXPROCS(0) != processors || debug.SetGCPercent(100) != 100 {
		t.Error("the number of processors or the collector's setting is another one")
	}
}
