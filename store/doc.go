// Package store keeps a node's data on disk: families of flat files for blocks
// and undo data ([Files]), an ordered key-value store ([DB]), small checksummed
// files ([WriteFileAtomic]) and the lock on the data directory ([LockDir]).
//
// It owns how bytes are laid out, synced and found again. It never looks into
// them: what a block or a coin is, and which records belong together, is for
// the packages above. It never deletes anything that it was not told to, and
// never cuts a flat file.
//
// All input and output goes through Pebble's vfs.FS, so that tests can take the
// power away at any instant and hand out errors. Nothing is promised to be on
// disk before Sync, a synced write or WriteFileAtomic has returned; whatever is
// lost or torn before that shows up as missing or as [*CorruptError], never as
// wrong data that passes for right.
//
// Pebble takes a damaged record in one of its logs for the end of that log. A
// database that is opened with DBOptions.Marked has a file beside it, its mark,
// which tells how much must be there; see mark.go.
//
// A full disk is reported as [*FullDiskError] (errors.Is with [ErrDiskFull]).
// After a failed sync or a failed store the object stays failed: the kernel may
// have dropped the data, so trying again could only pretend.
//
// The package starts no goroutine of its own. Pebble runs some for each open
// [DB] (flushes, compactions, the log writer); they end with [DB.Close].
package store
