// Package curve checks signatures on the curve secp256k1: ECDSA, and Schnorr
// as BIP340 has it.
//
// It owns the sum a*G + b*Q that every check consists of, done in fewer steps
// than the library takes for it: this is where a node that checks all scripts
// spends nearly all of its time. Numbers, field and keys are btcec's, and so is
// the arithmetic in them.
//
// It never signs and must not touch a secret, as the time that it takes depends
// on the numbers. It reads no encodings but those of BIP340: which forms of
// keys and signatures pass is for package script to say.
//
// No goroutine runs here, and every function may be called by several at once.
package curve
