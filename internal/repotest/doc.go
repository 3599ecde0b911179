// Package repotest holds the repository's checks of itself: that its modules
// stand in the workspace and build without it, that the core depends on what
// it promises and nothing else, and that no file names the machine it was
// written on. It has tests only.
//
// The checks run the go and git commands. Where one of them is missing they
// fail; they never skip.
package repotest
