package wallet

import (
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"starling/script"
	"starling/script/descriptor"
	"starling/wire"
)

// signAll signs all inputs and checks the result. The error is ErrLocked or
// ErrWatchOnly, or names the input that the wallet has no key for.
func (w *Wallet) signAll(tx *wire.Tx, spent []wire.TxOut) (*wire.Tx, error) {
	if err := w.needKeys(); err != nil {
		return nil, err
	}
	ins := append([]wire.TxIn(nil), tx.In...)
	h := script.NewSigHasher(tx, spent)
	for i := range ins {
		p, ok := w.scripts[string(spent[i].Script)]
		if !ok {
			continue
		}
		d, err := w.private(p.chain)
		if err != nil {
			return nil, err
		}
		outs, err := d.Expand(uint32(p.index))
		if err != nil {
			return nil, err
		}
		for _, o := range outs {
			if string(o.Script) == string(spent[i].Script) {
				signOne(h, tx, i, &ins[i], spent[i], o, d, uint32(p.index))
			}
		}
	}
	signed := wire.NewTx(tx.Version, ins, tx.Out, tx.LockTime)
	if err := script.NewVerifier(script.Options{}).Check(signed, spent, script.StandardFlags); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return signed, nil
}

func signOne(h *script.SigHasher, tx *wire.Tx, i int, in *wire.TxIn, spent wire.TxOut, o descriptor.Output, d *descriptor.Descriptor, index uint32) {
	if len(o.Keys) == 0 {
		return
	}
	priv, ok := d.PrivateKey(index, o.Keys[0])
	if !ok {
		return
	}
	der := func(hash wire.Hash) []byte {
		return append(ecdsa.Sign(priv, hash[:]).Serialize(), script.SigHashAll)
	}
	code := func(h160 []byte) []byte { return script.PayToPubKeyHash([20]byte(h160)) }
	class, parts := script.Classify(o.Leaf())
	switch class {
	case script.PubKeyHash:
		sig := der(script.SignatureHash(tx, i, o.Script, script.SigHashAll))
		in.Script = script.AppendPush(script.AppendPush(nil, sig), o.Keys[0].Pub)
	case script.WitnessV0KeyHash:
		if o.Redeem != nil {
			in.Script = script.AppendPush(nil, o.Redeem)
		}
		in.Witness = wire.NewWitness(der(h.Witness(i, code(parts[0]), script.SigHashAll)), o.Keys[0].Pub)
	case script.WitnessV1Taproot:
		hash, _ := h.TaprootKey(i, script.SigHashDefault)
		var root []byte
		if o.Taproot != nil {
			root = o.Taproot.Root
		}
		sig, err := schnorr.Sign(tweak(priv, root), hash[:])
		if err == nil {
			in.Witness = wire.NewWitness(sig.Serialize())
		}
	}
}

func tweak(priv *btcec.PrivateKey, root []byte) *btcec.PrivateKey {
	return txscript.TweakTaprootPrivKey(*priv, root)
}
