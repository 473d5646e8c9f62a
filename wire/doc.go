// Package wire holds what travels on the Bitcoin network, to the byte: block
// headers, transactions, blocks and every peer-to-peer message, with the
// version 1 message frame.
//
// It owns encoding and decoding and nothing else: it performs no validation
// beyond structure and size, keeps no state and starts no goroutine.
//
// A block or transaction is parsed once into views over the bytes that
// arrived ([Block], [Tx]). The bytes are kept, so nothing is serialised again
// to be stored, relayed or hashed. Whoever parses hands the byte slice over
// and must not change it afterwards.
//
// All decoders treat their input as hostile: every count and length is checked
// against what is left of the input, and against the message's own limit,
// before anything is allocated.
package wire
