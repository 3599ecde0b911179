package machine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of the times in /proc/stat.
const tick = 10 * time.Millisecond

// Activity is what the whole machine has done since it started.
type Activity struct {
	Busy, Idle time.Duration // of all processors together; waiting for a disk is idle
	Interrupts time.Duration // the part of Busy that is counted for no process, such as the network's
	Flushes    int           // of the caches of one disk; 0 where it is not known
	Flushing   time.Duration // how long these took
}

// ActivityNow reads the activity, with that of the disk on which a directory is.
func ActivityNow(dir string) (Activity, error) {
	var of syscall.Stat_t
	if err := syscall.Stat(dir, &of); err != nil {
		return Activity{}, fmt.Errorf("%s: %w", dir, err)
	}
	a, err := parseStat(content("/proc/stat"))
	if err != nil {
		return Activity{}, err
	}
	a.Flushes, a.Flushing = parseDiskstats(content("/proc/diskstats"), major(of.Dev), minor(of.Dev))
	return a, nil
}

// Since returns the activity between two readings.
func (a Activity) Since(before Activity) Activity {
	return Activity{a.Busy - before.Busy, a.Idle - before.Idle, a.Interrupts - before.Interrupts, a.Flushes - before.Flushes, a.Flushing - before.Flushing}
}

// parseStat reads the first line of /proc/stat, proc_stat(5): user, nice, system, idle,
// iowait, irq, softirq, steal. What follows is in user and nice already.
func parseStat(stat string) (a Activity, err error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return a, errors.New("a /proc/stat in a form that is not known")
	}
	for n, field := range fields[1:9] {
		ticks, err := strconv.ParseUint(field, 10, 48)
		if err != nil {
			return Activity{}, fmt.Errorf("/proc/stat: %w", err)
		}
		spent := time.Duration(ticks) * tick
		switch n {
		case 3, 4:
			a.Idle += spent
		case 5, 6:
			a.Interrupts += spent
			fallthrough
		default:
			a.Busy += spent
		}
	}
	return a, nil
}

// parseDiskstats reads the two fields on flushes, which Linux has had since 5.5. It
// counts them for whole disks only, and not for each kind of disk.
func parseDiskstats(diskstats string, major, minor uint64) (flushes int, flushing time.Duration) {
	for line := range strings.Lines(diskstats) {
		fields := strings.Fields(line)
		if len(fields) < 20 || fields[0] != strconv.FormatUint(major, 10) || fields[1] != strconv.FormatUint(minor, 10) {
			continue
		}
		flushes, errCount := strconv.Atoi(fields[18])
		ms, errTime := strconv.Atoi(fields[19])
		if errCount == nil && errTime == nil {
			return flushes, time.Duration(ms) * time.Millisecond
		}
	}
	return 0, 0
}

// The kernel's numbers of a device are within one (gnu_dev_major(3)).
func major(dev uint64) uint64 { return dev>>8&0xfff | dev>>32&0xfffff000 }

func minor(dev uint64) uint64 { return dev&0xff | dev>>12&0xffffff00 }
