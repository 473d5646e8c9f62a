// Package script checks the scripts of transactions and says what scripts are.
//
// It owns the question whether an input may spend the output it names: the
// rules that a block's height switches on ([BlockFlags]), signature hashes,
// the interpreter, and the cache of transactions that were checked before, each
// with the rules that it passed: a verdict on relay rules is none on those of
// blocks, so a pool runs both ([PoolCheck]). It
// also counts signature operations, names the standard forms of scripts, and
// prints and builds scripts.
//
// It never looks up a coin, never decides whether a transaction is final or
// pays enough, and keeps no state but the cache.
//
// The interpreter is the one of btcsuite/btcd/txscript. Nothing outside this
// package sees its types, so that it can be replaced: a transaction goes in as
// a view with the outputs that it spends, and an [Error] with Core's name for
// the failure comes out. The commonest spends (pay to public key hash, to
// witness public key hash, to a taproot key) never reach the interpreter;
// their few steps are done directly, with the same outcome, which the tests
// hold against the interpreter. Their signatures are checked by package curve,
// those of all others by the interpreter.
//
// Two differences between the interpreter and Core are known. Neither has been
// seen on any chain, and both need a script made for it. CHECKMULTISIG outside
// of witnesses removes the signatures from the script before hashing it; Core
// also does so for empty signatures, which removes every OP_0, and for those of
// one byte up to 16, the interpreter does not. The result is failure in either
// case; whether the script goes on after it can differ if another signature is
// no strict DER. And the relay rule NULLFAIL is not applied where the key
// cannot be read.
//
// No goroutine runs here. The caller spreads [TxCheck.Input] over its own.
package script
