// Package networkcmd holds the commands about networks of one's own: making one,
// showing one, listing those there are.
//
// It never talks to a node, and starts no goroutine.
package networkcmd
