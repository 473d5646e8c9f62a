package script

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/btcsuite/btcd/txscript/v2"

	"starling/wire"
)

// sigHashes holds what the signature hashes of all inputs of a transaction
// have in common (BIP143, BIP341), each hashed once.
type sigHashes struct {
	// SHA-256 of all outpoints, sequence numbers, outputs, spent amounts and
	// spent scripts.
	prevOuts, sequences, outputs, amounts, scripts [32]byte

	// The first three hashed once more.
	prevOuts2, sequences2, outputs2 [32]byte
}

// fill computes the hashes. Spent amounts and scripts are hashed only if some
// input can need them.
func (s *sigHashes) fill(tx *wire.Tx, spent []wire.TxOut) {
	h := sha256.New()
	var b [wire.OutPointSize]byte
	for i := range tx.In {
		h.Write(tx.In[i].PrevOut.Append(b[:0]))
	}
	h.Sum(s.prevOuts[:0])

	h.Reset()
	for i := range tx.In {
		h.Write(binary.LittleEndian.AppendUint32(b[:0], tx.In[i].Sequence))
	}
	h.Sum(s.sequences[:0])

	s.outputs = sha256.Sum256(outputBytes(tx))

	taproot, other := false, false
	for i := range spent {
		if isTaproot(spent[i].Script) {
			taproot = true
		} else {
			other = true
		}
	}
	if other {
		s.prevOuts2 = sha256.Sum256(s.prevOuts[:])
		s.sequences2 = sha256.Sum256(s.sequences[:])
		s.outputs2 = sha256.Sum256(s.outputs[:])
	}
	if taproot {
		h.Reset()
		for i := range spent {
			h.Write(binary.LittleEndian.AppendUint64(b[:0], uint64(spent[i].Value)))
		}
		h.Sum(s.amounts[:0])

		h.Reset()
		for i := range spent {
			h.Write(wire.AppendCompactSize(b[:0], uint64(len(spent[i].Script))))
			h.Write(spent[i].Script)
		}
		h.Sum(s.scripts[:0])
	}
}

// midstate hands the hashes to the interpreter.
func (s *sigHashes) midstate(to *txscript.TxSigHashes) {
	to.HashPrevOutsV0 = s.prevOuts2
	to.HashSequenceV0 = s.sequences2
	to.HashOutputsV0 = s.outputs2
	to.HashPrevOutsV1 = s.prevOuts
	to.HashSequenceV1 = s.sequences
	to.HashOutputsV1 = s.outputs
	to.HashInputScriptsV1 = s.scripts
	to.HashInputAmountsV1 = s.amounts
}

// isTaproot reports whether script is a witness program of version 1 with 32
// bytes.
func isTaproot(script []byte) bool {
	return len(script) == 2+taprootSize && script[0] == Op1 && script[1] == taprootSize
}

// outputBytes returns the encoded outputs of tx, without their number, as a
// view: they lie together in its bytes.
func outputBytes(tx *wire.Tx) []byte {
	start := 4 + wire.CompactSizeLen(uint64(len(tx.In))) + wire.CompactSizeLen(uint64(len(tx.Out)))
	if tx.HasWitness() {
		start += 2 // marker and flag
	}
	for i := range tx.In {
		n := len(tx.In[i].Script)
		start += wire.OutPointSize + wire.CompactSizeLen(uint64(n)) + n + 4
	}
	end := start
	for i := range tx.Out {
		n := len(tx.Out[i].Script)
		end += 8 + wire.CompactSizeLen(uint64(n)) + n
	}
	return tx.Bytes()[start:end]
}
