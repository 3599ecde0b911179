//go:build !unix

package jwks

import "io/fs"

// openAtOnce is no flag: no path leads to a named pipe here.
const openAtOnce = 0

// onlyOurs finds no fault: a mode says nothing here of who may write.
func onlyOurs(fs.FileInfo) error { return nil }

// syncDirectory does nothing: there is no way to.
func syncDirectory(string) error { return nil }
