// Package quickstart holds the code of the README, so that it is compiled and run:
// a test finds each of the README's Go blocks in this package's examples.
package quickstart
