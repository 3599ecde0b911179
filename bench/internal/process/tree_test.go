package process

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestParseTreeStat(t *testing.T) {
	own, ended, parent, err := parseTreeStat("4242 (a b) S 17 4242 4242 0 -1 4194560 1017 0 3 0 1234 56 7000 8 20 0 9 0 9126 1 2 3")
	if own != 12900*time.Millisecond || ended != 70080*time.Millisecond || parent != 17 || err != nil {
		t.Errorf("%v, %v, %d, %v", own, ended, parent, err)
	}
	for name, stat := range map[string]string{
		"empty":     "",
		"cut":       "4242 (todo) S 1 4242 4242 0 -1 4194560 1017 0 3 0 1234 56 7",
		"no number": "4242 (todo) S 1 4242 4242 0 -1 4194560 1017 0 3 0 1234 56 many 8 20",
		"no parent": "4242 (todo) S x 4242 4242 0 -1 4194560 1017 0 3 0 1234 56 7 8 20",
	} {
		if _, _, _, err := parseTreeStat(stat); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The time of a process that this one started counts, while it runs and when it has
// ended.
func TestTreeCPUTime(t *testing.T) {
	before := treeCPUTime(t)
	const work = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; read wait"
	child := exec.CommandContext(t.Context(), "/bin/sh", "-c", work)
	in, errIn := child.StdinPipe()
	out, errOut := child.StdoutPipe()
	if errIn != nil || errOut != nil {
		t.Fatal(errIn, errOut)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	used, err := CPUTime(child.Process.Pid)
	if err != nil || used < 5*clockTick {
		t.Fatalf("the child used %v, %v, which shows nothing", used, err)
	}
	if got := treeCPUTime(t) - before; got < used {
		t.Errorf("%v while a child runs that used %v", got, used)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // read found no line
	if got := treeCPUTime(t) - before; got < used {
		t.Errorf("%v after the end of a child that used %v", got, used)
	}
	if _, err := TreeCPUTime(1 << 30); err == nil {
		t.Error("no error for a process that does not exist")
	}
}

func treeCPUTime(t *testing.T) time.Duration {
	t.Helper()
	used, err := TreeCPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return used
}
