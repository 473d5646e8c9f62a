package script

import "starling/wire"

// SigOps counts the signature operations of one script as far as it parses.
// With accurate set, a CHECKMULTISIG whose number of keys is pushed by the
// opcode before it counts as that many; otherwise each counts as 20.
func SigOps(script []byte, accurate bool) int {
	n := 0
	last := byte(OpInvalid)
	t := tokens{script: script}
	for t.next() {
		switch t.op {
		case OpCheckSig, OpCheckSigVerify:
			n++
		case OpCheckMultiSig, OpCheckMultiSigVerify:
			if accurate && last >= Op1 && last <= Op16 {
				n += int(last - Op1 + 1)
			} else {
				n += maxMultiSigKeys
			}
		}
		last = t.op
	}
	return n
}

// LegacySigOps counts the signature operations in the scripts that tx itself
// carries, without what its inputs spend: the way all blocks were counted
// before BIP16.
func LegacySigOps(tx *wire.Tx) int {
	n := 0
	for i := range tx.In {
		n += SigOps(tx.In[i].Script, false)
	}
	for i := range tx.Out {
		n += SigOps(tx.Out[i].Script, false)
	}
	return n
}

// SigOpCost returns what the signature operations of tx count towards a
// block's limit of 80,000 (BIP141). spent[i] is the output that input i
// spends; a coinbase spends nothing and spent is not looked at.
func SigOpCost(tx *wire.Tx, spent []wire.TxOut, flags Flags) int {
	cost := LegacySigOps(tx) * wire.WitnessScale
	if tx.IsCoinbase() {
		return cost
	}
	for i := range tx.In {
		in, prev := &tx.In[i], spent[i].Script
		if flags&P2SH != 0 && isScriptHash(prev) {
			if redeem, ok := lastPush(in.Script); ok {
				cost += SigOps(redeem, true) * wire.WitnessScale
			}
		}
		if flags&Witness != 0 {
			cost += witnessSigOps(in, prev)
		}
	}
	return cost
}

// witnessSigOps counts the signature operations in the witness of an input
// that spends prev.
func witnessSigOps(in *wire.TxIn, prev []byte) int {
	version, program, ok := witnessProgram(prev)
	if !ok && isScriptHash(prev) {
		if redeem, pushOnly := lastPush(in.Script); pushOnly {
			version, program, ok = witnessProgram(redeem)
		}
	}
	if !ok || version != 0 {
		return 0
	}
	switch {
	case len(program) == keyHashSize:
		return 1
	case len(program) == scriptHashSize && in.Witness.Len() > 0:
		return SigOps(in.Witness.Item(in.Witness.Len()-1), true)
	}
	return 0
}
