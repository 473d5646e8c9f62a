// Package signing is what the methods share that sign transactions, whether the
// keys come from the caller or from a wallet: what is known of the outputs that
// are spent, and how the result is reported.
//
// It never holds a key longer than a call, and starts no goroutine.
package signing
