// Package netfile reads, writes and makes the files that describe networks of
// one's own: everything that a [params.Network] holds, in TOML. All nodes of
// such a network have the same file.
//
// A file is taken whole or not at all: a key that is not known or missing, a
// value that cannot be, a genesis block without its work or with another hash
// than the file says are errors that name the key and say why. So a file that
// was changed by mistake never starts a chain of its own.
//
// The package never decides what a network should be like; [params.Own] and
// the caller do. It reads a file only in [Load] and never writes one. [Create]
// runs one goroutine per core while it looks for the genesis block, and returns
// when they are gone.
package netfile
