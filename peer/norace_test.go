//go:build !race

package peer

// raceFactor is how much more memory everything takes with the race detector.
const raceFactor = 1
