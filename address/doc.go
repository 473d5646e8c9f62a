// Package address turns addresses into the scripts that they stand for, and
// scripts into addresses: base58 for public key and script hashes, bech32
// (BIP173) and bech32m (BIP350) for witness programs of every version.
//
// The prefixes come from the network that is passed in; there is no global
// table. An address that is sound but belongs to another network is told as
// such, see [NetworkError].
//
// The package knows nothing of keys or of what a script does when it runs. It
// keeps no state and starts no goroutine.
package address
