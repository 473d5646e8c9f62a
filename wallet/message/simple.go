package message

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"starling/address"
	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/sign"
	"starling/wire"
)

// ErrCannotSign says that the keys are missing to sign for an output, or that
// it is not spent by a witness.
var ErrCannotSign = errors.New("there is no key to sign for this address")

// challenge returns the two transactions of BIP322: one that pays the output
// script and commits to the text, which can never be in a block, and one that
// spends it.
func challenge(outScript []byte, text string) (spent wire.TxOut, toSign *wire.Tx) {
	tag := sha256.Sum256([]byte("BIP0322-signed-message"))
	hash := sha256.Sum256(append(append(tag[:], tag[:]...), text...))
	spent = wire.TxOut{Script: outScript}
	toSpend := wire.NewTx(0, []wire.TxIn{{
		PrevOut: wire.OutPoint{Index: wire.NullIndex},
		Script:  script.AppendData([]byte{script.Op0}, hash[:]),
	}}, []wire.TxOut{spent}, 0)
	return spent, wire.NewTx(0, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: toSpend.TxID()}}},
		[]wire.TxOut{{Script: []byte{script.OpReturn}}}, 0)
}

// SignSimple signs a text for an output that a witness spends (BIP322, simple
// form). The signature is in base64. The error is [ErrCannotSign].
func SignSimple(o descriptor.Output, keys sign.Keys, text string, opts sign.Options) (string, error) {
	spent, tx := challenge(o.Script, text)
	s := sign.New(tx, []wire.TxOut{spent}, opts)
	var have sign.Signatures
	if _, err := s.Sign(0, &o, keys, sign.DefaultHashType(o.Script), &have); err != nil {
		return "", errors.Join(ErrCannotSign, err)
	}
	_, witness, complete := s.Finish(&o, &have)
	if !complete || len(witness) == 0 {
		return "", ErrCannotSign
	}
	return base64.StdEncoding.EncodeToString(wire.NewWitness(witness...).Append(nil)), nil
}

// simpleFlags are the rules of BIP322 that scripts are checked with.
const simpleFlags = script.StandardFlags

// maxSimple bounds a signature in bytes: larger witnesses are not relayed
// either.
const maxSimple = 100_000

// parseSimple reads a witness; ok is false if the bytes are none.
func parseSimple(raw []byte) (items [][]byte, ok bool) {
	c := wire.NewCursor(raw, "witness")
	n := c.Count(len(raw), 1)
	for range n {
		items = append(items, c.VarBytes(len(raw)))
	}
	return items, c.End() == nil && n > 0
}

// verifySimple reports whether a witness is a signature of a text for an
// address.
func verifySimple(a address.Address, items [][]byte, text string) bool {
	for _, it := range items {
		// All signatures cover everything; those of taproot say so by their length.
		if script.IsStrictSignature(it) && it[len(it)-1] != script.SigHashAll {
			return false
		}
	}
	if a.Kind() == address.Taproot && len(items) == 1 && len(items[0]) == 65 && items[0][64] != script.SigHashAll {
		return false
	}
	spent, tx := challenge(a.Script(), text)
	in := tx.In[0]
	in.Witness = wire.NewWitness(items...)
	if a.Kind() == address.ScriptHash {
		in.Script = script.AppendData(nil, programOf(items[len(items)-1]))
	}
	signed := wire.NewTx(tx.Version, []wire.TxIn{in}, tx.Out, tx.LockTime)
	return script.NewVerifier(script.Options{}).Check(signed, []wire.TxOut{spent}, simpleFlags) == nil
}

// programOf returns the witness program that the last item of a witness stands
// for: a public key's, else a script's.
func programOf(last []byte) []byte {
	if len(last) == 33 && (last[0] == 2 || last[0] == 3) {
		hash := address.Hash160(last)
		return script.PayToWitness(0, hash[:])
	}
	hash := sha256.Sum256(last)
	return script.PayToWitness(0, hash[:])
}
