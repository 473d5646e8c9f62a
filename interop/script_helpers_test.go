package interop

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"

	"starling/interop/moddata"
	"starling/script"
	"starling/wire"
)

// scriptData returns the path of a file among the reference vectors that the
// interpreter's module carries.
func scriptData(tb testing.TB, name string) string {
	tb.Helper()
	path, err := moddata.Path(moddata.TxScript, "data", name)
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// readVectors reads one of the JSON files, whose rows of one element are
// comments.
func readVectors(tb testing.TB, name string) (rows [][]json.RawMessage) {
	tb.Helper()
	b, err := os.ReadFile(scriptData(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	var all [][]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		tb.Fatal(err)
	}
	for _, r := range all {
		if len(r) > 1 {
			rows = append(rows, r)
		}
	}
	return rows
}

// vectorField decodes one element of a row.
func vectorField[T any](tb testing.TB, raw json.RawMessage) (v T) {
	tb.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		tb.Fatalf("%s: %v", raw, err)
	}
	return v
}

func vectorHex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatalf("%q: %v", s, err)
	}
	return b
}

// shortForm reads a script in the notation of the vectors: opcodes by name,
// decimal numbers, 0x and bytes to insert, and quoted text to push.
func shortForm(tb testing.TB, s string) (b []byte) {
	tb.Helper()
	for tok := range strings.FieldsSeq(s) {
		if n, err := strconv.ParseInt(tok, 10, 64); err == nil {
			b = script.AppendInt(b, n)
			continue
		}
		if digits, ok := strings.CutPrefix(tok, "0x"); ok {
			b = append(b, vectorHex(tb, digits)...)
			continue
		}
		if len(tok) >= 2 && tok[0] == '\'' && tok[len(tok)-1] == '\'' {
			b = script.AppendData(b, []byte(tok[1:len(tok)-1]))
			continue
		}
		op, ok := txscript.OpcodeByName["OP_"+strings.TrimPrefix(tok, "OP_")]
		if !ok {
			tb.Fatalf("unknown word %q in script %q", tok, s)
		}
		b = append(b, op)
	}
	return b
}

// vectorFlags reads the names of flags.
func vectorFlags(tb testing.TB, s string) script.Flags {
	tb.Helper()
	f, ok := script.ParseFlags(s)
	if !ok {
		tb.Fatalf("unknown flags %q", s)
	}
	return f
}

// allScriptFlags is every flag that the vectors may name.
const allScriptFlags = script.StandardFlags | script.SigPushOnly

// withNeeded adds the flags that others cannot do without.
func withNeeded(f script.Flags) script.Flags {
	if f&script.CleanStack != 0 {
		f |= script.Witness
	}
	if f&script.Witness != 0 {
		f |= script.P2SH
	}
	return f
}

// withoutNeedy takes out the flags that miss one they cannot do without.
func withoutNeedy(f script.Flags) script.Flags {
	if f&script.P2SH == 0 {
		f &^= script.Witness
	}
	if f&script.Witness == 0 {
		f &^= script.CleanStack
	}
	return f
}

// checkInputs checks all inputs of tx, and that what the verifier remembers
// of it does no harm.
func checkInputs(tx *wire.Tx, spent []wire.TxOut, flags script.Flags) error {
	c := script.NewVerifier(script.Options{}).Tx(tx, spent, flags)
	for i := range tx.In {
		if err := c.Input(i); err != nil {
			return err
		}
	}
	return nil
}

// txVector is a row of tx_valid.json and tx_invalid.json.
type txVector struct {
	name     string
	tx       *wire.Tx
	parseErr error
	spent    []wire.TxOut
	flags    string
}

func readTxVectors(tb testing.TB, file string) (vectors []txVector) {
	tb.Helper()
	for n, row := range readVectors(tb, file) {
		if len(row) != 3 {
			tb.Fatalf("%s, row %d has %d elements", file, n, len(row))
		}
		v := txVector{name: fmt.Sprintf("row %d", n), flags: vectorField[string](tb, row[2])}
		raw := vectorHex(tb, vectorField[string](tb, row[1]))
		v.tx, v.parseErr = wire.ParseTx(raw)
		outs := make(map[wire.OutPoint]wire.TxOut)
		for _, in := range vectorField[[][]json.RawMessage](tb, row[0]) {
			op := wire.OutPoint{Index: uint32(vectorField[int64](tb, in[1]))}
			var err error
			if op.Hash, err = wire.HashFromString(vectorField[string](tb, in[0])); err != nil {
				tb.Fatal(err)
			}
			out := wire.TxOut{Script: shortForm(tb, vectorField[string](tb, in[2]))}
			if len(in) > 3 {
				out.Value = vectorField[int64](tb, in[3])
			}
			outs[op] = out
		}
		if v.parseErr == nil {
			for _, in := range v.tx.In {
				out, ok := outs[in.PrevOut]
				if !ok && v.flags != "BADTX" {
					tb.Fatalf("%s, %s: no output for %v", file, v.name, in.PrevOut)
				}
				v.spent = append(v.spent, out)
			}
		}
		vectors = append(vectors, v)
	}
	return vectors
}
