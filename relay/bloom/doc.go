// Package bloom is what light clients of the older kind ask with (BIP37): bloom
// filters of what they look for, whether a transaction is relevant to one, and
// the part of a block that is, with its proof.
//
// A [Filter] belongs to one link, grows with what it matches if its flags say so,
// and is bounded by what a filterload message may hold: 36,000 bytes and 50 hash
// functions. It is not safe for concurrent use; who shares one locks it. Nothing
// else is owned here, and no goroutine runs.
//
// Results are those of Bitcoin Core, also for filters that no sensible client
// makes: one without bits matches everything, and so does one without hash
// functions.
package bloom
