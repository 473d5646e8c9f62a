// Package message signs texts with the keys of addresses, so that somebody can
// show that an address is theirs, and checks such signatures.
//
// Two forms are known: the one that Bitcoin's programs have always had, for
// addresses of public key hashes, and BIP322's simple form, for addresses that
// witnesses spend.
//
// The package keeps nothing, looks nothing up and starts no goroutine.
package message
