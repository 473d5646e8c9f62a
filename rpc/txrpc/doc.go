// Package txrpc holds the methods about transactions that are in no wallet:
// finding, making, decoding and signing them, partially signed transactions
// (BIP174) among them; and about scripts, output descriptors and signed
// messages.
//
// It never sends a transaction (mempoolrpc does) and never keeps a key. It starts
// no goroutine.
package txrpc
