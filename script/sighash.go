package script

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/btcsuite/btcd/txscript/v2"

	"starling/wire"
)

// The bits of a hash type.
const (
	SigHashDefault      = 0x00 // taproot: everything, and the byte is left out
	SigHashAll          = 0x01 // all outputs
	SigHashNone         = 0x02 // no output
	SigHashSingle       = 0x03 // the output with the input's number
	SigHashAnyOneCanPay = 0x80 // no other input

	sigHashMask = 0x1f // selects the outputs before taproot
)

// SigHasher computes what signatures in one transaction sign. What all inputs
// have in common is hashed once. It is immutable and safe for concurrent use.
type SigHasher struct {
	tx    *wire.Tx
	spent []wire.TxOut

	outBytes []byte // the encoded outputs, a view

	// SHA-256 of all outpoints, sequence numbers, outputs, spent amounts and
	// spent scripts.
	prevOuts, sequences, outputs, amounts, scripts [32]byte

	// The first three hashed once more.
	prevOuts2, sequences2, outputs2 [32]byte
}

// NewSigHasher returns the hasher of tx; spent[i] is the output that input i
// spends.
func NewSigHasher(tx *wire.Tx, spent []wire.TxOut) *SigHasher {
	s := new(SigHasher)
	s.fill(tx, spent)
	return s
}

// fill computes the hashes that no signature of the transaction can go
// without. Only version 0 witnesses need the double ones, only taproot those
// of spent amounts and scripts.
func (s *SigHasher) fill(tx *wire.Tx, spent []wire.TxOut) {
	s.tx, s.spent = tx, spent
	s.outBytes = outputBytes(tx)
	taproot, other := false, false
	for i := range spent {
		if isTaproot(spent[i].Script) {
			taproot = true
		} else {
			other = true
		}
	}

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
	s.outputs = sha256.Sum256(s.outBytes)

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
func (s *SigHasher) midstate(to *txscript.TxSigHashes) {
	to.HashPrevOutsV0 = s.prevOuts2
	to.HashSequenceV0 = s.sequences2
	to.HashOutputsV0 = s.outputs2
	to.HashPrevOutsV1 = s.prevOuts
	to.HashSequenceV1 = s.sequences
	to.HashOutputsV1 = s.outputs
	to.HashInputScriptsV1 = s.scripts
	to.HashInputAmountsV1 = s.amounts
}

// Witness returns what a signature in a version 0 witness of input i signs
// (BIP143). code is the script that runs, from its last executed
// OP_CODESEPARATOR on.
func (s *SigHasher) Witness(i int, code []byte, hashType uint32) wire.Hash {
	// An ordinary message fits; longer scripts make the array grow.
	var space [320]byte
	return wire.DoubleHash(s.appendWitness(space[:0], i, code, hashType))
}

func (s *SigHasher) appendWitness(b []byte, i int, code []byte, hashType uint32) []byte {
	var zero [32]byte
	in := &s.tx.In[i]
	one := hashType&SigHashAnyOneCanPay != 0
	outs := hashType & sigHashMask

	b = binary.LittleEndian.AppendUint32(b, uint32(s.tx.Version))
	if one {
		b = append(b, zero[:]...)
	} else {
		b = append(b, s.prevOuts2[:]...)
	}
	if one || outs == SigHashSingle || outs == SigHashNone {
		b = append(b, zero[:]...)
	} else {
		b = append(b, s.sequences2[:]...)
	}
	b = in.PrevOut.Append(b)
	b = wire.AppendVarBytes(b, code)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.spent[i].Value))
	b = binary.LittleEndian.AppendUint32(b, in.Sequence)
	switch {
	case outs != SigHashSingle && outs != SigHashNone:
		b = append(b, s.outputs2[:]...)
	case outs == SigHashSingle && i < len(s.tx.Out):
		h := wire.DoubleHash(s.tx.Out[i].Append(nil))
		b = append(b, h[:]...)
	default:
		b = append(b, zero[:]...)
	}
	b = binary.LittleEndian.AppendUint32(b, s.tx.LockTime)
	return binary.LittleEndian.AppendUint32(b, hashType)
}

// tapSigHashTag is the tagged hash of BIP341 before the message: twice the
// hash of its name.
var tapSigHashTag = tag("TapSighash")

// tag returns the two copies of a name's hash that open a tagged hash (BIP340).
func tag(name string) []byte {
	h := sha256.Sum256([]byte(name))
	return append(h[:], h[:]...)
}

// TaprootKey returns what a signature by the output's own key in a taproot
// input signs (BIP341), for an input without annex. It reports false for hash
// types that no signature can have.
func (s *SigHasher) TaprootKey(i int, hashType byte) (wire.Hash, bool) {
	return s.taproot(i, hashType, nil)
}

// TaprootScript returns what a signature that the tapscript with this leaf
// hash checks signs (BIP342), for an input without annex and before any
// OP_CODESEPARATOR. It reports false for hash types that no signature can
// have.
func (s *SigHasher) TaprootScript(i int, hashType byte, leaf [32]byte) (wire.Hash, bool) {
	return s.taproot(i, hashType, &leaf)
}

func (s *SigHasher) taproot(i int, hashType byte, leaf *[32]byte) (wire.Hash, bool) {
	outs := hashType & 3
	if hashType&^(SigHashAnyOneCanPay|3) != 0 || hashType == SigHashAnyOneCanPay ||
		outs == SigHashSingle && i >= len(s.tx.Out) {
		return wire.Hash{}, false
	}
	in := &s.tx.In[i]
	var space [384]byte
	b := append(space[:0], tapSigHashTag...)
	b = append(b, 0, hashType) // epoch 0
	b = binary.LittleEndian.AppendUint32(b, uint32(s.tx.Version))
	b = binary.LittleEndian.AppendUint32(b, s.tx.LockTime)
	one := hashType&SigHashAnyOneCanPay != 0
	if !one {
		b = append(b, s.prevOuts[:]...)
		b = append(b, s.amounts[:]...)
		b = append(b, s.scripts[:]...)
		b = append(b, s.sequences[:]...)
	}
	if outs != SigHashNone && outs != SigHashSingle {
		b = append(b, s.outputs[:]...)
	}
	if leaf == nil {
		b = append(b, 0) // key path, no annex
	} else {
		b = append(b, 2) // script path, no annex
	}
	if one {
		b = in.PrevOut.Append(b)
		b = s.spent[i].Append(b)
		b = binary.LittleEndian.AppendUint32(b, in.Sequence)
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(i))
	}
	if outs == SigHashSingle {
		h := sha256.Sum256(s.tx.Out[i].Append(nil))
		b = append(b, h[:]...)
	}
	if leaf != nil {
		b = append(b, leaf[:]...)
		b = append(b, 0)                                    // version of keys
		b = binary.LittleEndian.AppendUint32(b, 0xffffffff) // no OP_CODESEPARATOR
	}
	return sha256.Sum256(b), true
}

// SignatureHash returns what a signature in input i signs before segregated
// witness. code is the script that runs, from its last executed
// OP_CODESEPARATOR on, without the signature itself. A hash type of
// [SigHashSingle] without an output of the input's number signs the number 1,
// as it always has.
func SignatureHash(tx *wire.Tx, i int, code []byte, hashType uint32) wire.Hash {
	outs := hashType & sigHashMask
	if outs == SigHashSingle && i >= len(tx.Out) {
		return wire.Hash{0: 1}
	}
	code = withoutSeparators(code)

	// The message is about as long as the transaction without its scripts.
	var space [512]byte
	b := binary.LittleEndian.AppendUint32(space[:0], uint32(tx.Version))
	if hashType&SigHashAnyOneCanPay != 0 {
		b = append(b, 1)
		b = tx.In[i].PrevOut.Append(b)
		b = wire.AppendVarBytes(b, code)
		b = binary.LittleEndian.AppendUint32(b, tx.In[i].Sequence)
	} else {
		b = wire.AppendCompactSize(b, uint64(len(tx.In)))
		for j := range tx.In {
			sequence := tx.In[j].Sequence
			b = tx.In[j].PrevOut.Append(b)
			if j == i {
				b = wire.AppendVarBytes(b, code)
			} else {
				b = append(b, 0)
				if outs == SigHashNone || outs == SigHashSingle {
					sequence = 0
				}
			}
			b = binary.LittleEndian.AppendUint32(b, sequence)
		}
	}
	switch outs {
	case SigHashNone:
		b = append(b, 0)
	case SigHashSingle:
		b = wire.AppendCompactSize(b, uint64(i)+1)
		blank := wire.TxOut{Value: -1}
		for range i {
			b = blank.Append(b)
		}
		b = tx.Out[i].Append(b)
	default:
		b = wire.AppendCompactSize(b, uint64(len(tx.Out)))
		b = append(b, outputBytes(tx)...)
	}
	b = binary.LittleEndian.AppendUint32(b, tx.LockTime)
	b = binary.LittleEndian.AppendUint32(b, hashType)
	return wire.DoubleHash(b)
}

// withoutSeparators returns the script without its OP_CODESEPARATORs, as far
// as it parses. It copies only if there is one.
func withoutSeparators(script []byte) []byte {
	var kept []byte
	copied := 0 // how much of script is in kept or was left out
	t := tokens{script: script}
	for t.next() {
		if t.op == OpCodeSeparator {
			end := len(script) - len(t.script)
			kept = append(kept, script[copied:end-1]...)
			copied = end
		}
	}
	if copied == 0 {
		return script
	}
	return append(kept, script[copied:]...)
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
