package machine

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	got, err := parseStat("cpu  100 20 3 4000 500 6 7 8 99 99\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
	want := Activity{Busy: 1440 * time.Millisecond, Idle: 45 * time.Second, Interrupts: 130 * time.Millisecond}
	if err != nil || got != want {
		t.Errorf("parseStat() = %+v, %v, want %+v", got, err, want)
	}
	for _, stat := range []string{"", "cpu 1 2 3 4 5 6 7\n", "cpu0 1 2 3 4 5 6 7 8\n", "cpu 1 2 3 many 5 6 7 8\n"} {
		if got, err := parseStat(stat); err == nil {
			t.Errorf("%q: %+v, want an error", stat, got)
		}
	}
}

func TestParseDiskstats(t *testing.T) {
	const stats = ` 254       0 vda 263876 29500 11400738 152449 421113 591376 48307712 411291 0 85456 610165 272673 66 39474624 28084 95132 18339
 254       1 vda1 263876 29500 11400738 152449 421113 591376 48307712 411291 0 85456 610165 272673 66 39474624 28084 0 0
   8       0 sda 1 2 3 4 5 6 7 8 9 10 11
`
	if n, took := parseDiskstats(stats, 254, 0); n != 95132 || took != 18339*time.Millisecond {
		t.Errorf("%d flushes in %v", n, took)
	}
	for _, minor := range []uint64{1, 2} {
		if n, took := parseDiskstats(stats, 254, minor); n != 0 || took != 0 {
			t.Errorf("254:%d: %d flushes in %v, want none", minor, n, took)
		}
	}
	if n, took := parseDiskstats(stats, 8, 0); n != 0 || took != 0 {
		t.Errorf("an old kernel: %d flushes in %v, want none", n, took)
	}
}

func TestDeviceNumbers(t *testing.T) {
	for dev, want := range map[uint64][2]uint64{0xfe00: {254, 0}, 0x801: {8, 1}, 0x345<<8 | 0x12000<<32 | 0xde | 0xabc00<<12: {0x12345, 0xabcde}} {
		if major, minor := major(dev), minor(dev); major != want[0] || minor != want[1] {
			t.Errorf("%#x: %#x:%#x, want %#x:%#x", dev, major, minor, want[0], want[1])
		}
	}
}

func TestParseMountInfo(t *testing.T) {
	const info = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n23 22 0:21 / /proc rw shared:5 - proc proc rw\n"
	for device, want := range map[[2]uint64]string{{254, 0}: "ext4", {0, 21}: "proc", {0, 22}: unknownFileSystem} {
		if got := parseMountInfo(info, device[0], device[1]); got != want {
			t.Errorf("%v: %q, want %q", device, got, want)
		}
	}
}

// A processor is always either busy or idle, and what it did stays done.
func TestActivityOfThisMachine(t *testing.T) {
	dir := t.TempDir()
	a, err := ActivityNow(dir)
	if err != nil || a.Busy <= 0 || a.Idle <= 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	later, err := ActivityNow(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := later.Since(a); d.Busy < 0 || d.Flushes < 0 || d.Flushing < 0 {
		t.Errorf("in between there was %+v", d)
	}
	if _, err := ActivityNow(filepath.Join(dir, "nothing")); err == nil {
		t.Error("no error for a directory that does not exist")
	}
}

func TestSyncTime(t *testing.T) {
	dir := t.TempDir()
	if took, err := SyncTime(dir); err != nil || took <= 0 || took > time.Minute {
		t.Errorf("SyncTime() = %v, %v", took, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	if FileSystem(dir) == unknownFileSystem {
		t.Errorf("the file system of %s is not known", dir)
	}
}
