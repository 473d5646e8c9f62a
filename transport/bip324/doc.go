// Package bip324 is the cryptography of version 2 of the peer-to-peer
// transport, as BIP324 has it: the key exchange, the ciphers of the packets, the
// garbage before them and the short names of messages.
//
// It owns what follows from a connection's two keys: where each side's garbage
// ends, how packets are sealed and opened, and the session's id. It never reads
// or writes a connection, knows no deadline and sets nothing aside on the word
// of the other side; package tcp does that. Only [NewKey] draws random bytes. No
// goroutine runs here.
package bip324
