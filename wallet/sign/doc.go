// Package sign makes the signatures of transactions, and puts them together.
//
// It owns the way from what is known of the outputs that a transaction spends
// ([descriptor.Output]) and from private keys ([Keys]) to signatures
// ([Signer.Sign]), from signatures to signature scripts and witnesses
// ([Signer.Finish]), and back from these to the signatures in them
// ([Signer.Recover]), so that several signers can work on one transaction. It
// also tells how large an input will be before it is signed ([Estimate]).
//
// Outputs that it can sign for: pay to public key and public key hash, bare
// and hashed multi-signature scripts, each as such, behind a script hash or in
// a witness of version 0; taproot by key, and by leaves of one key or of
// multi_a.
//
// ECDSA signatures have deterministic nonces (RFC6979), low S and, unless told
// otherwise, low R, as Core's have; Schnorr signatures are BIP340's with fresh
// randomness mixed in. What is signed is computed by the script package, whose
// verifier has the last word.
//
// The package keeps nothing and starts no goroutine. It never decides whether
// a payment is wise.
package sign
