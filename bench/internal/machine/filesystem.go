package machine

import (
	"fmt"
	"strings"
	"syscall"
)

const unknownFileSystem = "a file system of an unknown kind"

// FileSystem is the kind of file system on which a directory is.
func FileSystem(dir string) string {
	var of syscall.Stat_t
	if err := syscall.Stat(dir, &of); err != nil {
		return unknownFileSystem
	}
	return parseMountInfo(content("/proc/self/mountinfo"), major(of.Dev), minor(of.Dev))
}

// parseMountInfo finds the kind in proc_pid_mountinfo(5): the third field is the device,
// and the kind is the first field after a lone hyphen.
func parseMountInfo(mountinfo string, major, minor uint64) string {
	device := fmt.Sprintf("%d:%d", major, minor)
	for line := range strings.Lines(mountinfo) {
		mount, kind, _ := strings.Cut(line, " - ")
		fields, kinds := strings.Fields(mount), strings.Fields(kind)
		if len(fields) > 2 && fields[2] == device && len(kinds) > 0 {
			return kinds[0]
		}
	}
	return unknownFileSystem
}
