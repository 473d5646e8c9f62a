// Package journal keeps keys and values in files that grow by commits: what a
// commit holds is on disk when it returns, all of it or nothing.
//
// A file is a header, a mark and a list of records. Each commit is one record
// or several, with numbers and checksums, and once it is on disk the mark says
// so. What lacks of a file that its mark speaks of, and any damage to it, is an
// error, and nothing is written then. What a crash cut short beyond the mark is
// left out, as its commit never returned.
//
// A [Log] hands what it holds to whoever opens it and keeps none of it, so that
// it can stand beside a large file and tell what has come to it since. A [File]
// is a log whose content is in memory: opening one with a torn end sets the file
// as it was aside, and when most of it has been overtaken by later records it is
// written anew beside the old one and renamed.
//
// Only the owner of the files may read them.
//
// A [Format] tells the files of one kind from those of others.
//
// The package never looks into values and knows nothing of wallets or mempools.
// It starts no goroutine. All I/O goes through Pebble's vfs.FS, so that tests
// can take the power away at any instant.
package journal
