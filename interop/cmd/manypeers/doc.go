// Command manypeers measures what many idle peers cost a node, and how soon all of
// them hear of a new block. The node runs in this process; the peers are in one
// of their own, each with an address of its own on the loopback interface, and
// do what Bitcoin's do when they connect. Then blocks are made one by one, and the
// peers note when they are told of each, and when they have it.
//
//	manypeers [-peers 1000,10000] [-transport v1,v2] [-blocks 5] [-profile DIR]
//
// A peer takes one file descriptor in each process. The limit is raised as far as the
// system allows (ulimit -Hn).
//
// It owns the node, which it opens in a temporary directory, and the process
// of the peers; both are gone when it ends. In the process of the peers one
// goroutine runs for each of them.
package main
