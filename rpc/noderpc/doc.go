// Package noderpc holds the methods about the node itself, such as help, stop and
// what is logged, and those that need no more than a network's parameters.
//
// It starts no goroutine.
package noderpc
