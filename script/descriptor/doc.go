// Package descriptor reads and writes output descriptors (BIP380 to BIP386 and
// BIP389): texts that name a family of output scripts, the keys behind them,
// and where those keys come from.
//
// It owns the language (functions, key expressions, checksums, ranges), its
// four printed forms (as given, without private keys, with them, and
// normalised so that all addresses follow from public keys), the way from a
// descriptor to scripts ([Descriptor.Expand]) and back ([Infer]), and what one
// must know of an output to spend it ([Output], [Known]). Extended keys (BIP32)
// are those of btcutil's hdkeychain, with the version bytes of the network that
// is passed in.
//
// The functions are pk, pkh, wpkh, sh, wsh, multi, sortedmulti, tr with trees
// of pk, multi_a and sortedmulti_a, rawtr, combo, addr and raw. Miniscript and
// musig are not known.
//
// It never signs, never looks up a coin, and keeps nothing but keys that were
// derived once. A [Descriptor] that holds private keys is a secret; see
// [Descriptor.Public]. No goroutine runs here.
package descriptor
