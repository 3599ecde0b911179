package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// TreeCPUTime is [CPUTime] of a process with those that it started, also the ones that
// have ended. What they started themselves counts when they have ended.
func TreeCPUTime(pid int) (sum time.Duration, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	found := false
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) || err != nil && strings.Contains(err.Error(), "no such process") {
			continue // it has ended since, and counts as one of its parent's
		}
		if err != nil {
			return 0, err
		}
		own, ended, parent, err := parseTreeStat(string(stat))
		if err != nil {
			return 0, err
		}
		switch {
		case filepath.Dir(name) == fmt.Sprintf("/proc/%d", pid):
			found = true
			sum += own + ended
		case parent == pid:
			sum += own + ended
		}
	}
	if !found {
		return 0, fmt.Errorf("there is no process %d", pid)
	}
	return sum, nil
}

// parseTreeStat reads, beside what [parseStat] does, cutime and cstime, fields 16 and
// 17, and the parent, field 4.
func parseTreeStat(stat string) (own, ended time.Duration, parent int, err error) {
	if own, err = parseStat(stat); err != nil {
		return 0, 0, 0, err
	}
	rest, _ := afterLast(stat, ") ")
	fields := strings.Fields(rest) // from the third on
	if len(fields) < 15 {
		return 0, 0, 0, errors.New("a stat of /proc in a form that is not known")
	}
	user, errUser := strconv.ParseUint(fields[13], 10, 48)
	system, errSystem := strconv.ParseUint(fields[14], 10, 48)
	parent, errParent := strconv.Atoi(fields[1])
	return own, time.Duration(user+system) * clockTick, parent, errors.Join(errUser, errSystem, errParent)
}
