// Package cli is the command line of Starling: the commands, their flags and
// what they print.
//
// It puts the commands together, which are in the packages below by subject, and
// reads command lines the way that people of this field type them. It decides
// nothing about the chain, the network or money. A bad command line or
// setting ends with one line and exit code 2, an interruption with 128 and the
// signal's number, any other failure with one line and exit code 1. It never
// writes to a terminal what steers it, whoever the text came from.
//
// [Run] starts the goroutine that waits for signals, and ends it. Commands that
// run nodes say themselves which goroutines they start.
package cli
