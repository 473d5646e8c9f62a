package script

import (
	"github.com/btcsuite/btcd/txscript/v2"

	"starling/wire"
)

// PoolCheck checks one transaction by several rules, one after the other, as a
// memory pool does: by those of relay, and by those of the next block. Every
// script is run for each of them, since what one run says of the other would be
// a guess. A signature, though, is right or wrong whatever the rules are, so
// each is checked once and its result is kept for the next run. It is not safe
// for concurrent use.
type PoolCheck struct {
	v  *Verifier
	tx *TxCheck
}

// Pool begins the check of a transaction that is on its way into a memory pool.
// The arguments are those of [Verifier.Tx].
func (v *Verifier) Pool(tx *wire.Tx, spent []wire.TxOut) *PoolCheck {
	c := v.Tx(tx, spent, 0)
	c.known = false // it stands for flags that nobody asked about
	c.sigs = &sigResults{}
	return &PoolCheck{v: v, tx: c}
}

// Relay checks all inputs in order, by rules that decide about relay. The error
// is an *[Error]. Nothing is remembered.
func (p *PoolCheck) Relay(flags Flags) error {
	p.tx.flags = flags
	for i := range p.tx.Inputs() {
		if err := p.tx.Input(i); err != nil {
			return err
		}
	}
	return nil
}

// Block checks all inputs in order, by the rules of blocks, unless the
// transaction is known to have passed these. If all pass, that is remembered,
// so that the block which holds the transaction finds it checked. The error is
// an *[Error].
func (p *PoolCheck) Block(flags Flags) error {
	cache := p.v.cache
	if cache != nil && cache.has(p.tx.tx.WTxID(), flags) {
		return nil
	}
	if err := p.Relay(flags); err != nil {
		return err
	}
	if cache != nil {
		cache.add(p.tx.tx.WTxID(), flags)
	}
	return nil
}

// sigResults holds what became of the signatures of one transaction.
type sigResults struct {
	direct map[sigKey]bool    // those that are checked here
	engine *txscript.SigCache // those that the interpreter found right
}

// sigKey is all that the outcome of a signature check hangs on. Numbers and
// keys are of fixed size here, so that no two checks share a key.
type sigKey struct {
	schnorr bool
	hash    [32]byte
	r, s    [32]byte
	key     [uncompressedKeySize]byte // zeros behind shorter ones
}

// weightPerSig is about what the shortest signature adds to a transaction's
// weight. It bounds how many the interpreter's cache takes: that makes room for
// all of them at once.
const weightPerSig = 64

// engineCache returns what the interpreter keeps results in, nil for nothing.
func (c *TxCheck) engineCache() *txscript.SigCache {
	if c.sigs == nil {
		return nil
	}
	if c.sigs.engine == nil {
		c.sigs.engine = txscript.NewSigCache(uint(c.tx.Weight()/weightPerSig + 1))
	}
	return c.sigs.engine
}

// result returns the kept result for key, or that of check.
func (r *sigResults) result(key *sigKey, check func() bool) bool {
	ok, known := r.direct[*key]
	if !known {
		ok = check()
		if r.direct == nil {
			r.direct = make(map[sigKey]bool)
		}
		r.direct[*key] = ok
	}
	return ok
}

// verifyECDSA is [ecdsaSig.verify] where results are kept.
func (c *TxCheck) verifyECDSA(sig *ecdsaSig, hash *[32]byte, key []byte) bool {
	if c.sigs == nil {
		return sig.verify(hash, key)
	}
	k := sigKey{hash: *hash, r: sig.r.Bytes(), s: sig.s.Bytes()}
	copy(k.key[:], key)
	return c.sigs.result(&k, func() bool { return sig.verify(hash, key) })
}

// verifySchnorr is the function of that name where results are kept.
func (c *TxCheck) verifySchnorr(sig, x []byte, hash *[32]byte) bool {
	if c.sigs == nil {
		return verifySchnorr(sig, x, hash)
	}
	k := sigKey{schnorr: true, hash: *hash, r: [32]byte(sig[:32]), s: [32]byte(sig[32:])}
	copy(k.key[:], x)
	return c.sigs.result(&k, func() bool { return verifySchnorr(sig, x, hash) })
}
