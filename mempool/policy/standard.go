package policy

import (
	"starling/script"
	"starling/wire"
)

// Rules are the settings of what counts as standard.
type Rules struct {
	DustFee            FeeRate // rate by which outputs count as dust
	DataCarrier        int     // bytes of all OP_RETURN scripts of a transaction
	RefuseBareMultiSig bool
}

// CheckSize refuses a transaction whose part outside the witness is so small
// that it could pass for an inner node of a merkle tree. It applies even where
// nothing need be standard.
func CheckSize(tx *wire.Tx) *Error {
	if tx.BaseSize() < MinNonWitnessSize {
		return reject("tx-size-small", "")
	}
	return nil
}

// CheckStandard checks all that makes a transaction standard by itself,
// whatever it spends.
func (r *Rules) CheckStandard(tx *wire.Tx) *Error {
	if tx.Version < MinVersion || tx.Version > MaxVersion {
		return reject("version", "")
	}
	if tx.Weight() > MaxStandardWeight {
		return reject("tx-size", "")
	}
	for i := range tx.In {
		s := tx.In[i].Script
		if len(s) > MaxScriptSig {
			return reject("scriptsig-size", "")
		}
		if !script.IsPushOnly(s) {
			return reject("scriptsig-not-pushonly", "")
		}
	}
	dataLeft, dust := r.DataCarrier, 0
	for i := range tx.Out {
		out := &tx.Out[i]
		class, parts := script.Classify(out.Script)
		switch class {
		case script.NonStandard:
			return reject("scriptpubkey", "")
		case script.MultiSig:
			need, keys := int(parts[0][0]), int(parts[len(parts)-1][0])
			if keys < 1 || keys > MaxBareMultiSigKeys || need < 1 || need > keys {
				return reject("scriptpubkey", "")
			}
			if r.RefuseBareMultiSig {
				return reject("bare-multisig", "")
			}
		case script.NullData:
			if dataLeft -= len(out.Script); dataLeft < 0 {
				return reject("datacarrier", "")
			}
		}
		if IsDust(out, r.DustFee) {
			dust++
		}
	}
	if dust > MaxDustOutputs {
		return reject("dust", "")
	}
	return nil
}

// CheckInputs checks that what a transaction spends is of a standard form.
// spent[i] is the output that input i spends.
func CheckInputs(tx *wire.Tx, spent []wire.TxOut) *Error {
	const reason = "bad-txns-nonstandard-inputs"
	sigops := 0
	for i := range tx.In {
		// BIP54 counts operations where they run: in the signature script, and
		// in the script spent or, behind a script hash, in what that stands for.
		prev := spent[i].Script
		sigops += script.SigOps(tx.In[i].Script, true)
		if script.IsScriptHash(prev) {
			if redeem, ok := script.LastPush(tx.In[i].Script); ok {
				sigops += script.SigOps(redeem, true)
			}
		} else {
			sigops += script.SigOps(prev, true)
		}
		if sigops > MaxLegacySigOps {
			return reject(reason, "non-witness sigops exceed bip54 limit")
		}
	}
	for i := range tx.In {
		class, _ := script.Classify(spent[i].Script)
		switch class {
		case script.NonStandard:
			return reject(reason, "input %d script unknown", i)
		case script.WitnessUnknown:
			return reject(reason, "input %d witness program is undefined", i)
		case script.ScriptHash:
			redeem, ok := script.RedeemScript(tx.In[i].Script)
			if !ok {
				return reject(reason, "p2sh scriptsig malformed (input %d)", i)
			}
			if n := script.SigOps(redeem, true); n > MaxP2SHSigOps {
				return reject(reason, "p2sh redeemscript sigops exceed limit (input %d: %d > %d)", i, n, MaxP2SHSigOps)
			}
		}
	}
	return nil
}

const (
	annexTag     = 0x50 // first byte of a taproot annex (BIP341)
	leafMask     = 0xfe // of the first byte of a control block
	leafTap      = 0xc0 // leaf version of tapscript (BIP342)
	programSize  = 32   // of a script hash and of a taproot key
	badWitness   = "bad-witness-nonstandard"
	minScriptTap = 2 // items of a script path spend: script and control block
)

// CheckWitness checks that the witnesses of a transaction are of a size that
// spending can need. spent[i] is the output that input i spends.
func CheckWitness(tx *wire.Tx, spent []wire.TxOut) *Error {
	for i := range tx.In {
		w := tx.In[i].Witness
		if w.Len() == 0 {
			continue // if it needs one, its script fails
		}
		prev, p2sh := spent[i].Script, false
		if class, _ := script.Classify(prev); class == script.Anchor {
			return reject(badWitness, "input %d stuffs the witness of an anchor", i)
		}
		if script.IsScriptHash(prev) {
			redeem, ok := script.RedeemScript(tx.In[i].Script)
			if !ok {
				return reject(badWitness, "input %d has no redeem script", i)
			}
			prev, p2sh = redeem, true
		}
		version, program, ok := script.WitnessProgram(prev)
		if !ok {
			return reject(badWitness, "input %d spends no witness program", i)
		}
		switch {
		case version == 0 && len(program) == programSize:
			if !standardP2WSH(w) {
				return reject(badWitness, "input %d exceeds a limit of witness scripts", i)
			}
		case version == 1 && len(program) == programSize && !p2sh:
			if !standardTaproot(w) {
				return reject(badWitness, "input %d has an annex or exceeds a limit of tapscript", i)
			}
		}
	}
	return nil
}

func standardP2WSH(w wire.Witness) bool {
	n := w.Len() - 1
	if len(w.Item(n)) > maxP2WSHScript || n > maxP2WSHItems {
		return false
	}
	return itemsAtMost(w, n, maxP2WSHItem)
}

func standardTaproot(w wire.Witness) bool {
	n := w.Len()
	if n < minScriptTap {
		return true // a spend by the key
	}
	last := w.Item(n - 1)
	if len(last) == 0 || last[0] == annexTag {
		return false // a control block is never empty
	}
	return last[0]&leafMask != leafTap || itemsAtMost(w, n-2, maxTapscriptItem)
}

// itemsAtMost reports whether the first n items have at most limit bytes each.
func itemsAtMost(w wire.Witness, n, limit int) bool {
	for i := range n {
		if len(w.Item(i)) > limit {
			return false
		}
	}
	return true
}

// SpendsWitness reports whether some input spends a witness program, other
// than an anchor. A transaction without any witness then has lost it.
func SpendsWitness(tx *wire.Tx, spent []wire.TxOut) bool {
	for i := range tx.In {
		prev := spent[i].Script
		if _, _, ok := script.WitnessProgram(prev); ok {
			if class, _ := script.Classify(prev); class != script.Anchor {
				return true
			}
			continue
		}
		if script.IsScriptHash(prev) {
			if redeem, ok := script.RedeemScript(tx.In[i].Script); ok {
				if _, _, ok := script.WitnessProgram(redeem); ok {
					return true
				}
			}
		}
	}
	return false
}
