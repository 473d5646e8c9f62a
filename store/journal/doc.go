// Package journal keeps a small set of keys and values in one file, so that
// what a commit holds is on disk when it returns, all of it or nothing.
//
// The file is a header, a mark and a list of records. Each commit is one record
// or several, with numbers and checksums, and once it is on disk the mark says
// so. Opening the file reads all of it into memory. What lacks of a file that
// its mark speaks of, and any damage to it, is an error, and nothing is written
// then. What a crash cut short beyond the mark is left out, as its commit never
// returned; the file as it was is set aside. When most of the file has been
// overtaken by later records it is written anew beside the old one and renamed.
//
// Only the owner of the files may read them.
//
// A [Format] tells the files of one kind from those of others.
//
// The package never looks into values and knows nothing of wallets. It starts
// no goroutine. All I/O goes through Pebble's vfs.FS, so that tests can take
// the power away at any instant.
package journal
