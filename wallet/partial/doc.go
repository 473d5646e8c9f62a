// Package partial holds partially signed transactions: an unsigned transaction
// with all that its signers must know and what they have signed (BIP174,
// version 0, with the taproot fields of BIP371).
//
// It owns the encoding ([Parse], [Packet.Bytes]) and the roles of BIP174:
// creator ([New]), updater ([Packet.SetPrevious], [Packet.DescribeInput],
// [Packet.DescribeOutput]), signer ([Packet.Sign]), combiner ([Combine]),
// finaliser ([Packet.Finalize]), extractor ([Packet.Extract]), and beside them
// [Join] and [Packet.Analyze].
//
// What it does not know it keeps: proprietary fields, those of later versions,
// and signatures and preimages for scripts that it cannot finalise. The
// decoder takes its input for hostile: sizes are checked before anything is
// allocated, and every key may come once.
//
// The package has a codec of its own, as that of btcsuite's psbt loses what it
// does not expect, such as output scripts of more than 252 bytes.
//
// A [Packet] is not safe for concurrent use while it changes. No goroutine
// runs here, and no coin is looked up.
package partial
