// Package cmdkit is what the commands share: exit codes, settings from flags,
// calls of the node that a command is about, tables and JSON, the terminal and
// what is typed there, signals.
//
// It decides nothing: what a node does is the node's, how one is found is
// attach's. It never writes to a terminal what steers it, whoever the text came
// from. The goroutine that waits for signals ends with the function that
// [UntilSignal] returns; reading from a terminal may leave one behind when a
// command is interrupted, and the process ends then.
package cmdkit
