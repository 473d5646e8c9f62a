// Package peercmd holds the commands about peers and the network around a node:
// who is connected, whom to connect to and to ban, and, without a node, what DNS
// seeds and other nodes tell, walking a whole network, and serving what was found
// as a DNS seed.
//
// It never decides whom a node talks to: it calls the node that runs, or visits
// nodes by itself. It starts no goroutine; what it runs has its own.
package peercmd
