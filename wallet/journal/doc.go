// Package journal keeps a small set of keys and values in one file, so that
// what a commit holds is on disk when it returns, all of it or nothing.
//
// The file is a header and a list of records. Each record is one commit, with a
// number and checksums. Opening the file reads all of it into memory. A record
// that was cut short by a crash at the end of the file is left out, as its
// commit never returned; a damaged record with sound ones behind it is an
// error, and nothing is written then. When most of the file has been
// overtaken by later records it is written anew beside the old one and renamed.
//
// The package never looks into values and knows nothing of wallets. It starts
// no goroutine. All I/O goes through Pebble's vfs.FS, so that tests can take
// the power away at any instant.
package journal
