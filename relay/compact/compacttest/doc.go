// Package compacttest sends blocks through their compact form and back, to the
// bytes that travel, as two nodes would. It is for tests and measurements. It
// keeps no state and starts no goroutine.
package compacttest
