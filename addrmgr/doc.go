// Package addrmgr is the address book: which nodes there are, who told of
// them, when each was last tried and reached, and which one to try next.
//
// It is built so that somebody who tells of many addresses gets few of them
// tried. An address is in one of two tables of buckets. The new table holds what was heard; a secret
// key and the network group of whoever told of an address decide on the buckets
// that it may be in, 64 of 1024 for each group of tellers. The tried table holds what was
// reached; the address's own group decides on the bucket, 8 of 256 for each group.
// An address that was reached and finds its place in the tried table taken does not
// drive the other out before that one was looked at again.
//
// [Book] is pure: it takes the time and a source of chance, does no I/O and
// starts no goroutine, and the same calls give the same answers. It is not safe
// for concurrent use. [Manager] holds a Book behind a mutex, with the file that it
// is kept in, and is safe for concurrent use; [Local] are the addresses of this node
// itself. The package never opens a connection.
//
// Goroutines: [Manager.Run] has none of its own; it saves the book every quarter of an hour, and
// sooner after the start, until it is told to stop.
package addrmgr
