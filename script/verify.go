package script

import (
	"fmt"
	"sync"

	"github.com/btcsuite/btcd/txscript/v2"
	btcwire "github.com/btcsuite/btcd/wire/v2"

	"starling/wire"
)

// Options tunes a [Verifier]. The zero value works.
type Options struct {
	// SigCacheEntries is how many transactions whose signatures have been
	// checked are remembered, so that a block that holds them need not check
	// them again. Each costs 33 bytes, taken at once; 0 remembers none.
	SigCacheEntries int
}

// Verifier checks scripts. It is safe for concurrent use.
type Verifier struct {
	cache *resultCache // nil if nothing is remembered
}

// NewVerifier returns a verifier.
func NewVerifier(opts Options) *Verifier {
	return &Verifier{cache: newResultCache(opts.SigCacheEntries)}
}

// Tx prepares the check of a transaction. spent[i] is the output that input i
// spends; there must be one for each. Work that all inputs share is done once,
// by the first input that needs it. A transaction that is known to have passed
// the same rules is not checked again. The coinbase has no scripts to check and
// must not be given.
func (v *Verifier) Tx(tx *wire.Tx, spent []wire.TxOut, flags Flags) *TxCheck {
	if len(spent) != len(tx.In) {
		panic("script: one spent output is needed for each input")
	}
	c := &TxCheck{tx: tx, spent: spent, flags: flags}
	if v.cache != nil {
		c.known = v.cache.has(tx.WTxID(), flags)
	}
	return c
}

// Check checks all inputs of a transaction in order and, if all pass, remembers
// that the transaction passed these rules, and no others. The error is an
// *[Error].
func (v *Verifier) Check(tx *wire.Tx, spent []wire.TxOut, flags Flags) error {
	return v.Pool(tx, spent).Block(flags)
}

// TxCheck is the check of one transaction. Its methods may be called
// concurrently.
type TxCheck struct {
	tx    *wire.Tx
	spent []wire.TxOut
	flags Flags
	known bool // it has passed before

	hashOnce sync.Once
	hashes   SigHasher // what the signature hashes of all inputs share

	convOnce sync.Once
	conv     converted // what the interpreter wants

	sigs *sigResults // of earlier rules; nil where every signature is checked
}

// Known reports whether the transaction has passed before, so that there is
// nothing to do for any input.
func (c *TxCheck) Known() bool { return c.known }

// Inputs returns the number of inputs.
func (c *TxCheck) Inputs() int { return len(c.tx.In) }

// Input checks whether input i may spend the output it names. The error is an
// *[Error]. Different inputs may be checked at once.
func (c *TxCheck) Input(i int) error {
	if c.known || c.passes(i) {
		return nil
	}
	if err := c.interpret(i); err != nil {
		return err
	}
	return nil
}

// shared returns what the signature hashes of all inputs share.
func (c *TxCheck) shared() *SigHasher {
	c.hashOnce.Do(func() { c.hashes.fill(c.tx, c.spent) })
	return &c.hashes
}

// converted is a transaction in the interpreter's types, all of it in a few
// arrays. Scripts and witness items stay views into the transaction.
type converted struct {
	msg  btcwire.MsgTx
	mid  txscript.TxSigHashes
	ins  []btcwire.TxIn
	outs []btcwire.TxOut
	pIn  []*btcwire.TxIn
	pOut []*btcwire.TxOut
}

// engineTx returns the transaction as the interpreter wants it.
func (c *TxCheck) engineTx() *converted {
	c.convOnce.Do(func() {
		c.conv.fill(c.tx)
		c.shared().midstate(&c.conv.mid)
	})
	return &c.conv
}

func (v *converted) fill(tx *wire.Tx) {
	items := 0
	for i := range tx.In {
		items += tx.In[i].Witness.Len()
	}
	v.ins = make([]btcwire.TxIn, len(tx.In))
	v.outs = make([]btcwire.TxOut, len(tx.Out))
	v.pIn = make([]*btcwire.TxIn, len(tx.In))
	v.pOut = make([]*btcwire.TxOut, len(tx.Out))
	stack := make([][]byte, 0, items)
	for i := range tx.In {
		in, to := &tx.In[i], &v.ins[i]
		to.PreviousOutPoint = btcwire.OutPoint{Hash: in.PrevOut.Hash, Index: in.PrevOut.Index}
		to.SignatureScript = in.Script
		to.Sequence = in.Sequence
		if n := in.Witness.Len(); n > 0 {
			first := len(stack)
			for it := range in.Witness.Items() {
				stack = append(stack, it)
			}
			to.Witness = stack[first:len(stack):len(stack)]
		}
		v.pIn[i] = to
	}
	for i := range tx.Out {
		v.outs[i] = btcwire.TxOut{Value: tx.Out[i].Value, PkScript: tx.Out[i].Script}
		v.pOut[i] = &v.outs[i]
	}
	v.msg = btcwire.MsgTx{Version: tx.Version, TxIn: v.pIn, TxOut: v.pOut, LockTime: tx.LockTime}
}

// interpret runs the interpreter on input i.
func (c *TxCheck) interpret(i int) (fail *Error) {
	// Nothing in the interpreter is known to panic. Should a script be found
	// that makes it, that script fails on every node that runs this code, and
	// the node lives on.
	defer func() {
		if r := recover(); r != nil {
			fail = &Error{Code: ErrUnknown, Input: i, Detail: fmt.Sprint("interpreter failed: ", r)}
		}
	}()
	tx, prev := c.engineTx(), &c.spent[i]
	e, err := txscript.NewEngine(prev.Script, &tx.msg, i, engineFlags(c.flags), c.engineCache(), &tx.mid,
		prev.Value, spentOutput{btcwire.TxOut{Value: prev.Value, PkScript: prev.Script}})
	if err == nil {
		err = e.Execute()
	}
	if err != nil {
		return fromEngine(i, err)
	}
	return nil
}

// spentOutput tells the interpreter about the one output that the input it
// runs spends. What it needs to know of the others is in the midstate.
type spentOutput struct{ out btcwire.TxOut }

// FetchPrevOutput implements txscript.PrevOutputFetcher.
func (s spentOutput) FetchPrevOutput(btcwire.OutPoint) *btcwire.TxOut { return &s.out }

// engineFlagOf holds the interpreter's flag for the bit of each of ours.
var engineFlagOf = [...]txscript.ScriptFlags{
	txscript.ScriptBip16,
	txscript.ScriptVerifyStrictEncoding,
	txscript.ScriptVerifyDERSignatures,
	txscript.ScriptVerifyLowS,
	txscript.ScriptStrictMultiSig,
	txscript.ScriptVerifySigPushOnly,
	txscript.ScriptVerifyMinimalData,
	txscript.ScriptDiscourageUpgradableNops,
	txscript.ScriptVerifyCleanStack,
	txscript.ScriptVerifyCheckLockTimeVerify,
	txscript.ScriptVerifyCheckSequenceVerify,
	txscript.ScriptVerifyWitness,
	txscript.ScriptVerifyDiscourageUpgradeableWitnessProgram,
	txscript.ScriptVerifyMinimalIf,
	txscript.ScriptVerifyNullFail,
	txscript.ScriptVerifyWitnessPubKeyType,
	txscript.ScriptVerifyConstScriptCode,
	txscript.ScriptVerifyTaproot,
	txscript.ScriptVerifyDiscourageUpgradeableTaprootVersion,
	txscript.ScriptVerifyDiscourageOpSuccess,
	txscript.ScriptVerifyDiscourageUpgradeablePubkeyType,
}

// engineFlags translates flags for the interpreter.
func engineFlags(f Flags) txscript.ScriptFlags {
	var to txscript.ScriptFlags
	for i, flag := range engineFlagOf {
		if f&(1<<i) != 0 {
			to |= flag
		}
	}
	return to
}
