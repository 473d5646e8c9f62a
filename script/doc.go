// Package script checks the scripts of transactions and says what scripts are.
//
// It owns the question whether an input may spend the output it names: the
// rules that a block's height switches on ([BlockFlags]), signature hashes,
// the interpreter, and the cache of transactions that were checked before. It
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
// hold against the interpreter.
//
// No goroutine runs here. The caller spreads [TxCheck.Input] over its own.
package script
