// Package seed turns a phrase of words (BIP39) into a master key (BIP32) and
// into the descriptors of its accounts (BIP44, BIP49, BIP84, BIP86).
//
// Only the English words are known, which is what nearly all wallets write. It
// keeps nothing, asks for randomness only where it is told to make a phrase,
// and starts no goroutine. What it returns is secret; to keep it is the
// caller's matter.
package seed
