// Package netrpc holds the methods about peers: who they are, whom to connect to,
// whom to ban, and what messages pass.
//
// It owns [Tap], which remembers the last messages. It never decides whom to
// talk to: the connection manager does. It starts no goroutine.
package netrpc
