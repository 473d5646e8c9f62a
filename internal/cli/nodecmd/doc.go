// Package nodecmd holds the commands about one node: running it, and calling
// its methods.
//
// It never opens a node by itself for a call: it talks to the one that runs. While
// a node runs in this process, one goroutine shows its progress.
package nodecmd
