package script

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	btcwire "github.com/btcsuite/btcd/wire/v2"

	"starling/wire"
)

// A spend is a transaction whose inputs all verify.
type spend struct {
	kind  string
	tx    *wire.Tx
	spent []wire.TxOut
}

// spendKinds are the kinds that newSpend makes.
var spendKinds = []string{"p2wpkh", "p2pkh", "p2tr", "p2wsh-2of3", "p2sh-p2wpkh", "p2pk", "p2sh-2of3", "p2sh-1of1", "p2sh-2of2", "p2sh-3of15", "multisig-1of2", "tapscript"}

// testKey derives a key from a number.
func testKey(n int) *btcec.PrivateKey {
	h := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	key, _ := btcec.PrivKeyFromBytes(h[:])
	return key
}

// newSpend returns a transaction with n inputs of the kind, signed with the
// hash type by the interpreter's own library, so that our signature hashes
// are held against another's.
func newSpend(tb testing.TB, kind string, n int, hashType txscript.SigHashType) spend {
	tb.Helper()
	return signedSpend(tb, kind, n, hashType, false)
}

// signedSpend is newSpend; with stolen set, everything is signed as it should
// be, but the outputs belong to someone else.
func signedSpend(tb testing.TB, kind string, n int, hashType txscript.SigHashType, stolen bool) spend {
	tb.Helper()
	s := spend{kind: kind}
	var ins []wire.TxIn
	redeem := make([][]byte, n)
	keys := make([][]*btcec.PrivateKey, n)
	for i := range n {
		keys[i] = []*btcec.PrivateKey{testKey(3 * i), testKey(3*i + 1), testKey(3*i + 2)}
		var pubs [][]byte
		for _, k := range keys[i] {
			pubs = append(pubs, k.PubKey().SerializeCompressed())
		}
		h := hash160(pubs[0])
		if stolen {
			h[7] ^= 1
		}
		var out []byte
		switch kind {
		case "p2pk":
			out = PayToPubKey(pubs[0])
		case "p2pkh":
			out = PayToPubKeyHash(h)
		case "p2wpkh":
			out = PayToWitness(0, h[:])
		case "p2sh-p2wpkh":
			redeem[i] = PayToWitness(0, h[:])
			out = PayToScriptHash(hash160(redeem[i]))
		case "p2tr":
			out = PayToWitness(1, schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(keys[i][0].PubKey())))
		case "tapscript":
			redeem[i] = append(AppendData(nil, schnorr.SerializePubKey(keys[i][1].PubKey())), OpCheckSig)
			leaf := txscript.NewBaseTapLeaf(redeem[i])
			root := txscript.AssembleTaprootScriptTree(leaf).RootNode.TapHash()
			out = PayToWitness(1, schnorr.SerializePubKey(txscript.ComputeTaprootOutputKey(keys[i][0].PubKey(), root[:])))
		case "p2wsh-2of3":
			redeem[i] = PayToMultiSig(2, pubs...)
			sum := sha256.Sum256(redeem[i])
			out = PayToWitness(0, sum[:])
		case "p2sh-2of3":
			redeem[i] = PayToMultiSig(2, pubs...)
			out = PayToScriptHash(hash160(redeem[i]))
		case "p2sh-1of1":
			redeem[i] = PayToMultiSig(1, pubs[1])
			out = PayToScriptHash(hash160(redeem[i]))
		case "p2sh-2of2":
			redeem[i] = PayToMultiSig(2, pubs[1:]...)
			out = PayToScriptHash(hash160(redeem[i]))
		case "p2sh-3of15":
			for k := range 12 {
				pubs = append(pubs, testKey(100+12*i+k).PubKey().SerializeCompressed())
			}
			redeem[i] = PayToMultiSig(3, pubs...)
			out = PayToScriptHash(hash160(redeem[i]))
		case "multisig-1of2":
			out = PayToMultiSig(1, pubs[:2]...)
		default:
			tb.Fatalf("unknown kind %q", kind)
		}
		if stolen && kind != "p2pkh" && kind != "p2wpkh" {
			out[9] ^= 1
		}
		s.spent = append(s.spent, wire.TxOut{Value: int64(100_000 + i), Script: out})
		ins = append(ins, wire.TxIn{
			PrevOut:  wire.OutPoint{Hash: sha256.Sum256(fmt.Appendf(nil, "outpoint %d", i)), Index: uint32(i)},
			Sequence: 0xfffffffd,
		})
	}
	outs := []wire.TxOut{
		{Value: 60_000, Script: PayToWitness(0, make([]byte, 20))},
		{Value: 30_000, Script: PayToPubKeyHash([20]byte{1})},
		{Value: 1_000, Script: NullDataScript([]byte("note"))},
	}
	blank := wire.NewTx(2, ins, outs, 17)

	// Sign.
	var conv converted
	conv.fill(blank)
	fetch := txscript.NewMultiPrevOutFetcher(nil)
	for i := range ins {
		fetch.AddPrevOut(conv.ins[i].PreviousOutPoint, &btcwire.TxOut{Value: s.spent[i].Value, PkScript: s.spent[i].Script})
	}
	mid := txscript.NewTxSigHashes(&conv.msg, fetch)
	check := func(b []byte, err error) []byte {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
	for i := range ins {
		msg, amount, out := &conv.msg, s.spent[i].Value, s.spent[i].Script
		pub := keys[i][0].PubKey().SerializeCompressed()
		ecdsaSig := func(k *btcec.PrivateKey, hash []byte) []byte {
			return append(ecdsa.Sign(k, hash).Serialize(), byte(hashType))
		}
		legacy := func(script []byte) []byte {
			return check(txscript.CalcSignatureHash(script, hashType, msg, i))
		}
		segwit := func(script []byte) []byte {
			return check(txscript.CalcWitnessSigHash(script, mid, hashType, msg, i, amount))
		}
		h := hash160(pub)
		if stolen {
			h[7] ^= 1
		}
		switch kind {
		case "p2pk":
			ins[i].Script = AppendData(nil, ecdsaSig(keys[i][0], legacy(out)))
		case "p2pkh":
			ins[i].Script = AppendData(AppendData(nil, ecdsaSig(keys[i][0], legacy(out))), pub)
		case "p2wpkh", "p2sh-p2wpkh":
			ins[i].Witness = wire.NewWitness(ecdsaSig(keys[i][0], segwit(PayToPubKeyHash(h))), pub)
			if redeem[i] != nil {
				ins[i].Script = AppendData(nil, redeem[i])
			}
		case "p2tr":
			ins[i].Witness = wire.NewWitness(check(txscript.RawTxInTaprootSignature(
				msg, mid, i, amount, out, nil, taprootType(hashType), keys[i][0])))
		case "tapscript":
			leaf := txscript.NewBaseTapLeaf(redeem[i])
			sig := check(txscript.RawTxInTapscriptSignature(msg, mid, i, amount, out, leaf, taprootType(hashType), keys[i][1]))
			block := txscript.AssembleTaprootScriptTree(leaf).LeafMerkleProofs[0].ToControlBlock(keys[i][0].PubKey())
			ins[i].Witness = wire.NewWitness(sig, redeem[i], check(block.ToBytes()))
		case "p2wsh-2of3":
			sum := segwit(redeem[i])
			ins[i].Witness = wire.NewWitness(nil, ecdsaSig(keys[i][0], sum), ecdsaSig(keys[i][2], sum), redeem[i])
		case "p2sh-2of3":
			sum := legacy(redeem[i])
			sc := AppendData([]byte{Op0}, ecdsaSig(keys[i][1], sum))
			ins[i].Script = AppendData(AppendData(sc, ecdsaSig(keys[i][2], sum)), redeem[i])
		case "p2sh-1of1", "p2sh-2of2", "p2sh-3of15":
			sum := legacy(redeem[i])
			sc := []byte{Op0}
			for k, key := range keys[i] {
				if kind == "p2sh-1of1" && k != 1 || kind == "p2sh-2of2" && k == 0 {
					continue
				}
				sc = AppendData(sc, ecdsaSig(key, sum))
			}
			ins[i].Script = AppendData(sc, redeem[i])
		case "multisig-1of2":
			ins[i].Script = AppendData([]byte{Op0}, ecdsaSig(keys[i][1], legacy(out)))
		}
	}
	s.tx = wire.NewTx(2, ins, outs, 17)
	return s
}

// taprootType turns the ordinary hash type into taproot's short form.
func taprootType(t txscript.SigHashType) txscript.SigHashType {
	if t == txscript.SigHashAll {
		return txscript.SigHashDefault
	}
	return t
}

func TestSpendsVerify(t *testing.T) {
	v := NewVerifier(Options{})
	for _, kind := range spendKinds {
		for _, hashType := range []txscript.SigHashType{1, 2, 3, 0x81, 0x82, 0x83} {
			s := newSpend(t, kind, 2, hashType)
			c := v.Tx(s.tx, s.spent, StandardFlags)
			for i := range s.tx.In {
				if err := c.Input(i); err != nil {
					t.Errorf("%s, hash type %#x: %v", kind, hashType, err)
				}
			}
			// The signatures cover the outpoint, so other inputs' do not fit.
			ins := append([]wire.TxIn(nil), s.tx.In...)
			for i := range ins {
				ins[i].PrevOut.Index += 5
			}
			other := wire.NewTx(s.tx.Version, ins, s.tx.Out, s.tx.LockTime)
			c = v.Tx(other, s.spent, StandardFlags)
			for i := range other.In {
				if c.Input(i) == nil {
					t.Errorf("%s, hash type %#x: a signature for another input passed", kind, hashType)
				}
			}
		}
	}
}

// TestNobodyElsesCoins spends outputs of others with valid signatures by keys
// of one's own.
func TestNobodyElsesCoins(t *testing.T) {
	for _, kind := range []string{"p2wpkh", "p2pkh", "p2wsh-2of3", "p2sh-p2wpkh", "p2sh-2of3"} {
		s := signedSpend(t, kind, 2, txscript.SigHashAll, true)
		c := NewVerifier(Options{}).Tx(s.tx, s.spent, MandatoryFlags)
		for i := range s.tx.In {
			if c.Input(i) == nil {
				t.Errorf("%s: a stranger's signature passed", kind)
			}
			if c.interpret(i) == nil {
				t.Errorf("%s: a stranger's signature passed the interpreter", kind)
			}
		}
	}
}

func BenchmarkInput(b *testing.B) {
	v := NewVerifier(Options{})
	for _, kind := range spendKinds {
		s := newSpend(b, kind, 2, txscript.SigHashAll)
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := v.Tx(s.tx, s.spent, MandatoryFlags)
				for i := range s.tx.In {
					if err := c.Input(i); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(2*b.N), "µs/input")
		})
	}
	hash := sha256.Sum256([]byte("message"))
	b.Run("bare-ecdsa", func(b *testing.B) {
		key, sig := testKey(1).PubKey(), ecdsa.Sign(testKey(1), hash[:])
		for b.Loop() {
			sig.Verify(hash[:], key)
		}
	})
	b.Run("bare-ecdsa-parse", func(b *testing.B) {
		b.ReportAllocs()
		key, sig := testKey(1).PubKey().SerializeCompressed(), ecdsa.Sign(testKey(1), hash[:]).Serialize()
		for b.Loop() {
			k, _ := btcec.ParsePubKey(key)
			s, _ := ecdsa.ParseDERSignature(sig)
			s.Verify(hash[:], k)
		}
	})
	b.Run("bare-schnorr", func(b *testing.B) {
		key := testKey(1).PubKey()
		sig, _ := schnorr.Sign(testKey(1), hash[:])
		for b.Loop() {
			sig.Verify(hash[:], key)
		}
	})
}
