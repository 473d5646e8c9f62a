package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"starling/chain/consensus"
	"starling/script"
	"starling/wire"
)

// neighbours lists the codes that the interpreter may give for one of Core's,
// where it stops a step earlier or does not tell two failures apart.
var neighbours = map[string][]script.Code{
	"SCRIPTNUM":                  {script.ErrMinimalData},
	"SIG_DER":                    {script.ErrSigHashType},
	"INVALID_ALTSTACK_OPERATION": {script.ErrInvalidStackOperation},
	"UNBALANCED_CONDITIONAL":     {script.ErrInvalidStackOperation},
}

// TestScriptVectors runs script_tests.json, with the order of failures that
// Core gives, and holds each outcome against fewer or more flags as well.
func TestScriptVectors(t *testing.T) {
	rows := readVectors(t, "script_tests.json")
	for n, row := range rows {
		name := fmt.Sprintf("row %d %s", n, row)
		var items [][]byte
		var value int64
		var tapOutput []byte
		if row[0][0] == '[' {
			items, value, tapOutput = vectorWitness(t, vectorField[[]json.RawMessage](t, row[0]))
			row = row[1:]
		}
		if len(row) < 4 {
			t.Fatalf("%s: too few elements", name)
		}
		sig := shortForm(t, vectorField[string](t, row[0]))
		outText := vectorField[string](t, row[1])
		var out []byte
		if strings.Contains(outText, "#TAPROOTOUTPUT#") {
			out = tapOutput
		} else {
			out = shortForm(t, outText)
		}
		flags := withNeeded(vectorFlags(t, vectorField[string](t, row[2])))
		want := vectorField[string](t, row[3])

		credit := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}, Script: []byte{0, 0}, Sequence: wire.SequenceFinal}},
			[]wire.TxOut{{Value: value, Script: out}}, 0)
		tx := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: credit.TxID()}, Script: sig, Sequence: wire.SequenceFinal, Witness: wire.NewWitness(items...)}},
			[]wire.TxOut{{Value: value}}, 0)

		err := checkInputs(tx, credit.Out, flags)
		if want == "OK" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else {
			var e *script.Error
			switch {
			case err == nil:
				t.Errorf("%s: passed", name)
			case !errors.As(err, &e):
				t.Errorf("%s: %v is no *script.Error", name, err)
			case string(e.Code) != want && !slices.Contains(neighbours[want], e.Code):
				t.Errorf("%s: got %s", name, e.Code)
			}
		}
		// What passes does so with any flag less, what fails with any more.
		for bit := script.Flags(1); bit <= allScriptFlags; bit <<= 1 {
			less, more := withoutNeedy(flags&^bit), withNeeded(flags|bit)
			if want == "OK" {
				if err := checkInputs(tx, credit.Out, less); err != nil {
					t.Errorf("%s, flags %s: %v", name, less, err)
				}
			} else if checkInputs(tx, credit.Out, more) == nil {
				t.Errorf("%s, flags %s: passed", name, more)
			}
		}
	}
	if len(rows) < 1200 {
		t.Errorf("only %d rows", len(rows))
	}
}

// vectorWitness reads the witness of a row: items in hexadecimal, then the
// amount in bitcoins. A script in short form and the place of a control block
// stand for a taproot output with that one leaf, which is returned too.
func vectorWitness(t *testing.T, row []json.RawMessage) (items [][]byte, value int64, out []byte) {
	t.Helper()
	// The internal key that nobody can have the private key of (BIP341).
	internal, err := schnorr.ParsePubKey(vectorHex(t, "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"))
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range row[:len(row)-1] {
		s := vectorField[string](t, raw)
		if code, ok := strings.CutPrefix(s, "#SCRIPT#"); ok {
			items = append(items, shortForm(t, code))
			continue
		}
		if s != "#CONTROLBLOCK#" {
			items = append(items, vectorHex(t, s))
			continue
		}
		tree := txscript.AssembleTaprootScriptTree(txscript.NewBaseTapLeaf(items[len(items)-1]))
		root := tree.RootNode.TapHash()
		out = script.PayToWitness(1, schnorr.SerializePubKey(txscript.ComputeTaprootOutputKey(internal, root[:])))
		block := tree.LeafMerkleProofs[0].ToControlBlock(internal)
		b, err := block.ToBytes()
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, b)
	}
	return items, int64(math.Round(vectorField[float64](t, row[len(row)-1]) * 1e8)), out
}

// emptyKeyTx gives a signature for an empty key to CHECKSIG NOT. With NULLFAIL,
// a relay rule, Core refuses it; the interpreter looks at the key first and
// calls the check failed without looking at the signature.
const emptyKeyTx = "1edc7f214659d52c731e2016d258701911bd62a0422f72f6c87a1bc8dd3f8667"

// TestValidTxVectors runs tx_valid.json. A row names the flags that must be
// off: each transaction passes with all others, with any of these taken away,
// and fails as soon as one of those named is on.
func TestValidTxVectors(t *testing.T) {
	vectors := readTxVectors(t, "tx_valid.json")
	for _, v := range vectors {
		if v.parseErr != nil {
			t.Errorf("%s: %v", v.name, v.parseErr)
			continue
		}
		if err := consensus.CheckTx(v.tx); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		off := vectorFlags(t, v.flags)
		flags := allScriptFlags &^ off
		if withoutNeedy(flags) != flags {
			t.Errorf("%s: flags %s cannot be", v.name, flags)
		}
		if err := checkInputs(v.tx, v.spent, flags); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		for bit := script.Flags(1); bit <= allScriptFlags; bit <<= 1 {
			if flags&bit != 0 {
				less := flags &^ bit
				if bit&(script.CheckLockTimeVerify|script.CheckSequenceVerify) != 0 {
					// Without their rules the interpreter counts the two
					// opcodes among the discouraged ones, Core does not. Both
					// flags are always on where discouraging is.
					less &^= script.DiscourageUpgradableNops
				}
				if err := checkInputs(v.tx, v.spent, withoutNeedy(less)); err != nil {
					t.Errorf("%s, without %s: %v", v.name, bit, err)
				}
			} else if checkInputs(v.tx, v.spent, withNeeded(flags|bit)) == nil {
				if bit == script.NullFail && v.tx.TxID().String() == emptyKeyTx {
					continue
				}
				t.Errorf("%s, with %s: passed", v.name, bit)
			}
		}
	}
	if len(vectors) < 119 {
		t.Errorf("only %d rows", len(vectors))
	}
}

// TestInvalidTxVectors runs tx_invalid.json: each transaction is bad in
// itself, or fails with the flags named and with any more, and passes as soon
// as one of them is off.
func TestInvalidTxVectors(t *testing.T) {
	vectors := readTxVectors(t, "tx_invalid.json")
	for _, v := range vectors {
		if v.flags == "BADTX" {
			if v.parseErr == nil && consensus.CheckTx(v.tx) == nil {
				t.Errorf("%s: passed", v.name)
			}
			continue
		}
		if v.parseErr != nil {
			t.Errorf("%s: %v", v.name, v.parseErr)
			continue
		}
		if err := consensus.CheckTx(v.tx); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		flags := vectorFlags(t, v.flags)
		if checkInputs(v.tx, v.spent, flags) == nil {
			t.Errorf("%s: passed", v.name)
		}
		for bit := script.Flags(1); bit <= allScriptFlags; bit <<= 1 {
			if flags&bit == 0 {
				if checkInputs(v.tx, v.spent, withNeeded(flags|bit)) == nil {
					t.Errorf("%s, with %s: passed", v.name, bit)
				}
			} else if err := checkInputs(v.tx, v.spent, withoutNeedy(flags&^bit)); err != nil {
				t.Errorf("%s, without %s: %v", v.name, bit, err)
			}
		}
	}
	if len(vectors) < 90 {
		t.Errorf("only %d rows", len(vectors))
	}
}

// TestSigHashVectors runs sighash.json.
func TestSigHashVectors(t *testing.T) {
	rows := readVectors(t, "sighash.json")
	for n, row := range rows {
		if len(row) != 5 {
			t.Fatalf("row %d has %d elements", n, len(row))
		}
		tx, err := wire.ParseTx(vectorHex(t, vectorField[string](t, row[0])))
		if err != nil {
			t.Errorf("row %d: %v", n, err)
			continue
		}
		code := vectorHex(t, vectorField[string](t, row[1]))
		input, hashType := vectorField[int](t, row[2]), uint32(vectorField[int32](t, row[3]))
		if got, want := script.SignatureHash(tx, input, code, hashType).String(), vectorField[string](t, row[4]); got != want {
			t.Errorf("row %d: got %s, want %s", n, got, want)
		}
	}
	if len(rows) != 500 {
		t.Errorf("%d rows, want 500", len(rows))
	}
}

// taprootVector is one file of Core's generated taproot cases.
type taprootVector struct {
	Tx       string
	Prevouts []string
	Index    int
	Flags    string
	Comment  string
	Final    bool
	Success  *struct {
		ScriptSig string
		Witness   []string
	}
	Failure *struct {
		ScriptSig string
		Witness   []string
	}
}

// TestTaprootVectors runs all of data/taproot-ref: a transaction with the
// input that is meant filled in so that it passes, and so that it fails.
func TestTaprootVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(scriptData(t, "taproot-ref"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2760 {
		t.Errorf("%d files, want 2760", len(files))
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v taprootVector
		if err := json.Unmarshal(bytes.TrimSuffix(bytes.TrimSpace(b), []byte(",")), &v); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name := filepath.Base(file) + ": " + v.Comment
		tx, err := wire.ParseTx(vectorHex(t, v.Tx))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var spent []wire.TxOut
		for _, s := range v.Prevouts {
			c := wire.NewCursor(vectorHex(t, s), "output")
			out := wire.TxOut{Value: int64(c.Uint64())}
			out.Script = c.VarBytes(wire.MaxBlockSize)
			if err := c.End(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			spent = append(spent, out)
		}
		flags := vectorFlags(t, v.Flags)
		check := func(sig string, witness []string, flags script.Flags) error {
			in := slices.Clone(tx.In)
			var items [][]byte
			for _, w := range witness {
				items = append(items, vectorHex(t, w))
			}
			in[v.Index].Script, in[v.Index].Witness = vectorHex(t, sig), wire.NewWitness(items...)
			full := wire.NewTx(tx.Version, in, tx.Out, tx.LockTime)
			return script.NewVerifier(script.Options{}).Tx(full, spent, flags).Input(v.Index)
		}
		if v.Success == nil && v.Failure == nil {
			t.Errorf("%s: nothing to check", name)
		}
		if v.Success != nil {
			if err := check(v.Success.ScriptSig, v.Success.Witness, flags); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if v.Failure != nil && check(v.Failure.ScriptSig, v.Failure.Witness, flags) == nil {
			t.Errorf("%s: passed, and should fail", name)
		}
	}
}
