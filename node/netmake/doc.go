// Package netmake makes networks of one's own: it turns what people ask for into
// the rules of a network and a first block, takes an address of a wallet for
// that block to pay, and writes the file that nodes join with.
//
// It owns what a request leaves open, which requests are refused, and the order
// of the steps: a wallet is made when all else is known to be right, and a file
// is there as a whole or not at all. What a network may be like is for [params]
// and [netfile] to say.
//
// It never talks to a node, never prints and never reads flags. [Create] runs the
// goroutines that look for the first block, and returns when they are gone.
package netmake
