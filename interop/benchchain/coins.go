package benchchain

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// kind is how a coin is locked.
type kind uint8

const (
	wpkh  kind = iota // P2WPKH
	pkh               // P2PKH
	tr                // P2TR, spent by key
	wsh               // P2WSH, 2 of 3 multisig
	kinds             // number of kinds
)

// coin is an output that can be spent.
type coin struct {
	op    wire.OutPoint
	value int64
	kind  kind
	key   int
}

// keyCount is how many different keys a chain uses.
const keyCount = 256

// wallet holds the keys of a chain and the scripts that pay them.
type wallet struct {
	keys []walletKey
}

type walletKey struct {
	priv    *btcec.PrivateKey
	pub     []byte            // compressed
	tweaked *btcec.PrivateKey // for a taproot key spend
	redeem  []byte            // 2 of this key and the two after it
	scripts [kinds][]byte
}

func newWallet(seed uint64) (*wallet, error) {
	w := &wallet{keys: make([]walletKey, keyCount)}
	for i := range w.keys {
		material := binary.LittleEndian.AppendUint64([]byte("starling bench chain key"), seed)
		sum := sha256.Sum256(binary.LittleEndian.AppendUint64(material, uint64(i)))
		k := &w.keys[i]
		k.priv, _ = btcec.PrivKeyFromBytes(sum[:])
		k.pub = k.priv.PubKey().SerializeCompressed()
		k.tweaked = txscript.TweakTaprootPrivKey(*k.priv, nil)
	}
	for i := range w.keys {
		k := &w.keys[i]
		var err error
		if k.redeem, err = build(func(b *txscript.ScriptBuilder) {
			b.AddOp(txscript.OP_2)
			for j := range 3 {
				b.AddData(w.keys[(i+j)%keyCount].pub)
			}
			b.AddOp(txscript.OP_3).AddOp(txscript.OP_CHECKMULTISIG)
		}); err != nil {
			return nil, err
		}
		hash := address.Hash160(k.pub)
		redeemHash := sha256.Sum256(k.redeem)
		for kd, fn := range [kinds]func(b *txscript.ScriptBuilder){
			wpkh: func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_0).AddData(hash) },
			pkh: func(b *txscript.ScriptBuilder) {
				b.AddOp(txscript.OP_DUP).AddOp(txscript.OP_HASH160).AddData(hash).
					AddOp(txscript.OP_EQUALVERIFY).AddOp(txscript.OP_CHECKSIG)
			},
			tr: func(b *txscript.ScriptBuilder) {
				b.AddOp(txscript.OP_1).AddData(schnorr.SerializePubKey(k.tweaked.PubKey()))
			},
			wsh: func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_0).AddData(redeemHash[:]) },
		} {
			if k.scripts[kd], err = build(fn); err != nil {
				return nil, err
			}
		}
	}
	return w, nil
}

func build(fn func(b *txscript.ScriptBuilder)) ([]byte, error) {
	b := txscript.NewScriptBuilder()
	fn(b)
	return b.Script()
}

// script returns the script that locks c.
func (w *wallet) script(c coin) []byte { return w.keys[c.key].scripts[c.kind] }

// spend is a transaction with the coins that it spends and makes.
type spend struct {
	tx      *wire.MsgTx
	in, out []coin
	pairs   []int // for each input: which two of three keys sign
}

// keyPairs are the ways to sign 2 of 3, and how many keys a node tries for
// each: it goes through signatures and keys from the last to the first.
var keyPairs = [3]struct{ a, b, tries int }{{0, 1, 3}, {0, 2, 3}, {1, 2, 2}}

// newSpend returns an unsigned transaction.
func (w *wallet) newSpend(rng *rand.Rand, in, out []coin) *spend {
	s := &spend{tx: wire.NewMsgTx(2), in: in, out: out}
	for _, c := range in {
		s.tx.AddTxIn(wire.NewTxIn(&c.op, nil, nil))
		s.pairs = append(s.pairs, rng.IntN(len(keyPairs)))
	}
	for _, c := range out {
		s.tx.AddTxOut(wire.NewTxOut(c.value, w.script(c)))
	}
	return s
}

// checks returns how many signature checks a node makes for s.
func (s *spend) checks() (n int) {
	for i, c := range s.in {
		if c.kind == wsh {
			n += keyPairs[s.pairs[i]].tries
		} else {
			n++
		}
	}
	return n
}

// sign signs all inputs and fills in the outpoints of the new coins. It may
// run for different transactions at the same time.
func (w *wallet) sign(s *spend) error {
	prevs := txscript.NewMultiPrevOutFetcher(nil)
	for i, c := range s.in {
		prevs.AddPrevOut(s.tx.TxIn[i].PreviousOutPoint, wire.NewTxOut(c.value, w.script(c)))
	}
	hashes := txscript.NewTxSigHashes(s.tx, prevs)
	for i, c := range s.in {
		if err := w.signInput(s, i, c, hashes, prevs); err != nil {
			return err
		}
	}
	id := s.tx.TxHash()
	for i := range s.out {
		s.out[i].op = wire.OutPoint{Hash: id, Index: uint32(i)}
	}
	return nil
}

func (w *wallet) signInput(s *spend, i int, c coin, hashes *txscript.TxSigHashes, prevs txscript.PrevOutputFetcher) error {
	k, in := &w.keys[c.key], s.tx.TxIn[i]
	// The public key goes in by hand: txscript's helpers would compute it anew
	// for each input, which takes as long as signing.
	switch c.kind {
	case wpkh:
		sig, err := txscript.RawTxInWitnessSignature(s.tx, hashes, i, c.value, w.script(c), txscript.SigHashAll, k.priv)
		if err != nil {
			return err
		}
		in.Witness = wire.TxWitness{sig, k.pub}
	case pkh:
		sig, err := txscript.RawTxInSignature(s.tx, i, w.script(c), txscript.SigHashAll, k.priv)
		if err != nil {
			return err
		}
		in.SignatureScript, err = build(func(b *txscript.ScriptBuilder) { b.AddData(sig).AddData(k.pub) })
		return err
	case tr:
		hash, err := txscript.CalcTaprootSignatureHash(hashes, txscript.SigHashDefault, s.tx, i, prevs)
		if err != nil {
			return err
		}
		sig, err := schnorr.Sign(k.tweaked, hash, schnorr.FastSign())
		if err != nil {
			return err
		}
		in.Witness = wire.TxWitness{sig.Serialize()}
	case wsh:
		pair := keyPairs[s.pairs[i]]
		in.Witness = wire.TxWitness{nil}
		for _, j := range []int{pair.a, pair.b} {
			signer := &w.keys[(c.key+j)%keyCount]
			sig, err := txscript.RawTxInWitnessSignature(s.tx, hashes, i, c.value, k.redeem, txscript.SigHashAll, signer.priv)
			if err != nil {
				return err
			}
			in.Witness = append(in.Witness, sig)
		}
		in.Witness = append(in.Witness, k.redeem)
	}
	return nil
}
