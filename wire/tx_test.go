package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGenesisTx(t *testing.T) {
	tx := mustTx(t, genesisTxHex)
	want := MustHash("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b")
	if tx.TxID() != want || tx.WTxID() != want {
		t.Errorf("ids %s, %s", tx.TxID(), tx.WTxID())
	}
	if !tx.IsCoinbase() || tx.HasWitness() || tx.Version != 1 || tx.LockTime != 0 || tx.In[0].Sequence != SequenceFinal {
		t.Errorf("read as %+v", tx)
	}
	if tx.Size() != 204 || tx.BaseSize() != 204 || tx.Weight() != 816 || tx.VSize() != 204 {
		t.Errorf("sizes %d, %d, %d, %d", tx.Size(), tx.BaseSize(), tx.Weight(), tx.VSize())
	}
	if tx.Out[0].Value != 50_0000_0000 || len(tx.Out[0].Script) != 67 {
		t.Errorf("output %+v", tx.Out[0])
	}
}

func TestWitnessTx(t *testing.T) {
	tx := mustTx(t, bip143TxHex)
	// Without witness it is the transaction that BIP143 signs, with the first
	// input's signature script put in.
	if got, want := tx.TxID(), MustHash("e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609"); got != want {
		t.Errorf("txid %s, want %s", got, want)
	}
	if tx.TxID() == tx.WTxID() || tx.WTxID() != DoubleHash(tx.Bytes()) {
		t.Errorf("wtxid %s", tx.WTxID())
	}
	if !tx.HasWitness() || tx.IsCoinbase() || tx.LockTime != 17 || len(tx.In) != 2 || len(tx.Out) != 2 {
		t.Errorf("read as %+v", tx)
	}
	if tx.In[0].Witness.Len() != 0 || tx.In[0].Witness.Stack() != nil {
		t.Errorf("first witness has %d items", tx.In[0].Witness.Len())
	}
	w := tx.In[1].Witness
	if w.Len() != 2 || len(w.Item(0)) != 71 || len(w.Item(1)) != 33 || w.Item(1)[0] != 2 {
		t.Errorf("second witness is %x", w.Stack())
	}
	base := tx.AppendBase(nil)
	if len(base) != tx.BaseSize() || DoubleHash(base) != tx.TxID() {
		t.Error("the form without witness does not hash to the id")
	}
	if tx.Weight() != 3*len(base)+tx.Size() || tx.VSize() != (tx.Weight()+3)/4 {
		t.Errorf("weight %d, virtual size %d", tx.Weight(), tx.VSize())
	}
	stripped, err := ParseTx(base)
	if err != nil || stripped.TxID() != tx.TxID() || stripped.HasWitness() {
		t.Errorf("the form without witness parses as %+v, %v", stripped, err)
	}
	if got := (&MsgTx{Tx: tx, Base: true}).AppendPayload(nil); !bytes.Equal(got, base) {
		t.Error("MsgTx ignores Base")
	}
}

func TestNewTx(t *testing.T) {
	want := mustTx(t, bip143TxHex)
	got := NewTx(want.Version, want.In, want.Out, want.LockTime)
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("got %x", got.Bytes())
	}
	in := slices.Clone(want.In)
	in[1].Witness = Witness{}
	if got := NewTx(want.Version, in, want.Out, want.LockTime); got.HasWitness() || got.TxID() != want.TxID() || got.WTxID() != want.TxID() {
		t.Error("a transaction without witness items is encoded with a witness")
	}
	// Lengths on both sides of each size of length prefix.
	items := [][]byte{{}, {1}, make([]byte, 0xfc), make([]byte, 0xfd), make([]byte, 0xffff), make([]byte, 0x10000)}
	in[1].Witness = NewWitness(items...)
	got = NewTx(1, in, want.Out, 0)
	if !slices.EqualFunc(items, got.In[1].Witness.Stack(), bytes.Equal) {
		t.Error("witness items changed")
	}
}

func TestParseTxRefuses(t *testing.T) {
	tx := strings.Join(strings.Fields(bip143TxHex), "")
	in := strings.Repeat("00", 36) + "00" + "ffffffff"
	tests := []struct{ name, tx string }{
		{"empty", ""},
		{"a byte too many", tx + "00"},
		{"flag 2", "01000000 00 02 01" + in + "00 00 00000000"},
		{"flag 3", "01000000 00 03 01" + in + "00 01 00 00000000"},
		{"witness without items", "01000000 00 01 01" + in + "00 00 00000000"},
		{"marker without inputs", "01000000 00 01 00 00 00000000"},
		{"input count that is not canonical", "01000000 fd0100" + in + "00 00000000"},
		{"inputs that are not there", "01000000 fd0001" + in + "00 00000000"},
		{"outputs that are not there", "01000000 01" + in + "05 00000000"},
		{"script that is not there", "01000000 01" + strings.Repeat("00", 36) + "fe00000001 ffffffff 00 00000000"},
		{"witness item that is not there", "01000000 00 01 01" + in + "00 01 fe00000002 00000000"},
		{"no lock time", "01000000 01" + in + "00 000000"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseTx(unhex(t, tc.tx))
			var de *DecodeError
			if !errors.As(err, &de) {
				t.Errorf("got %+v, %v; want a *DecodeError", got, err)
			}
		})
	}
	if _, err := ParseTx(make([]byte, MaxCompactSize+1)); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("33 MB: %v", err)
	}
	// No inputs and no outputs at all can be told from a marker.
	if got, err := ParseTx(unhex(t, "01000000 00 00 00000000")); err != nil || len(got.In) != 0 || len(got.Out) != 0 || got.HasWitness() {
		t.Errorf("empty transaction: %+v, %v", got, err)
	}
}

func testBlock(t testing.TB) *Block {
	t.Helper()
	return NewBlock(Header{Version: 4, Timestamp: 7, Bits: 0x207fffff}, []*Tx{
		mustTx(t, genesisTxHex), mustTx(t, bip143TxHex), mustTx(t, coinbaseHex), mustTx(t, bip143TxHex),
	})
}

func TestBlock(t *testing.T) {
	b := testBlock(t)
	if b.Hash() != b.Header.Hash() || b.Header.Time().Unix() != 7 {
		t.Error("header")
	}
	// A block just parsed has no ids yet and must give the same.
	fresh, err := ParseBlock(bytes.Clone(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseBlock(bytes.Clone(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	again.HashTxs()
	again.HashTxs()
	base := b.Header.Append(nil)
	base = append(base, 4)
	for i, want := range []string{genesisTxHex, bip143TxHex, coinbaseHex, bip143TxHex} {
		tx := mustTx(t, want)
		for _, got := range []*Tx{&b.Txs[i], &fresh.Txs[i], &again.Txs[i]} {
			if got.TxID() != tx.TxID() || got.WTxID() != tx.WTxID() {
				t.Errorf("transaction %d: ids %s, %s", i, got.TxID(), got.WTxID())
			}
			if !bytes.Equal(got.Bytes(), tx.Bytes()) || got.HasWitness() != tx.HasWitness() {
				t.Errorf("transaction %d: %x", i, got.Bytes())
			}
			for j := range got.In {
				if diff := cmp.Diff(tx.In[j].Witness.Stack(), got.In[j].Witness.Stack()); diff != "" {
					t.Errorf("transaction %d, witness %d (-want +got):\n%s", i, j, diff)
				}
			}
		}
		if off := b.TxOffset(i); !bytes.HasPrefix(b.Bytes()[off:], tx.Bytes()) {
			t.Errorf("transaction %d is not at %d", i, off)
		}
		base = tx.AppendBase(base)
	}
	if got := b.AppendBase(nil); !bytes.Equal(got, base) || b.BaseSize() != len(base) {
		t.Errorf("without witnesses: %x, size %d", got, b.BaseSize())
	}
	if b.Size() != len(b.Bytes()) || b.Weight() != 3*len(base)+b.Size() {
		t.Errorf("size %d, weight %d", b.Size(), b.Weight())
	}
	for cut := range b.Bytes() {
		if _, err := ParseBlock(b.Bytes()[:cut]); err == nil {
			t.Errorf("a block cut at byte %d was parsed", cut)
		}
	}
}

func TestHashes(t *testing.T) {
	const s = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
	h, err := HashFromString(s)
	if err != nil || h.String() != s || h[0] != 0x6f {
		t.Errorf("got %s, %v", h, err)
	}
	for _, bad := range []string{"", s[1:], s + "0", "x" + s[1:]} {
		var de *DecodeError
		if _, err := HashFromString(bad); !errors.As(err, &de) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	o := OutPoint{Index: NullIndex}
	if !o.IsNull() || (OutPoint{}).IsNull() || (OutPoint{Hash: h, Index: NullIndex}).IsNull() {
		t.Error("null outpoint")
	}
	if got := o.Append(nil); len(got) != OutPointSize || got[35] != 0xff {
		t.Errorf("outpoint encodes to %x", got)
	}
}

func TestCompactSize(t *testing.T) {
	for _, tc := range []struct {
		v   uint64
		enc string
	}{
		{0, "00"},
		{0xfc, "fc"},
		{0xfd, "fdfd00"},
		{0xffff, "fdffff"},
		{0x10000, "fe00000100"},
		{0xffffffff, "feffffffff"},
		{0x100000000, "ff0000000001000000"},
		{1<<64 - 1, "ffffffffffffffffff"},
	} {
		enc := unhex(t, tc.enc)
		if got := AppendCompactSize(nil, tc.v); !bytes.Equal(got, enc) || CompactSizeLen(tc.v) != len(enc) {
			t.Errorf("%d encodes to %x", tc.v, got)
		}
		c := NewCursor(enc, "test")
		if got := c.CompactUint64(); got != tc.v || c.End() != nil {
			t.Errorf("%s reads as %d, %v", tc.enc, got, c.Err())
		}
		c = NewCursor(enc, "test")
		if got := c.CompactSize(); (c.Err() == nil) != (tc.v <= MaxCompactSize) || c.Err() == nil && got != tc.v {
			t.Errorf("%s reads as the size %d, %v", tc.enc, got, c.Err())
		}
	}
	for _, bad := range []string{"", "fd", "fd00", "fdfc00", "fe000000", "feffff0000", "ffffffffff00000000", "ff00000000000000"} {
		c := NewCursor(unhex(t, bad), "test")
		if got := c.CompactUint64(); c.Err() == nil || got != 0 {
			t.Errorf("%q reads as %d", bad, got)
		}
	}
}

// TestCursorSticks: after the first failure everything reads as zero and the
// first reason stays.
func TestCursorSticks(t *testing.T) {
	c := NewCursor([]byte{1, 2, 3}, "thing")
	if c.Uint16() != 0x0201 || c.Left() != 1 || c.Offset() != 2 {
		t.Error("first read")
	}
	if c.Uint32() != 0 || c.Err() == nil {
		t.Error("read past the end")
	}
	first := c.Err()
	if c.Uint8() != 0 || c.Bytes(0) != nil || c.Hash() != (Hash{}) || c.VarBytes(9) != nil || c.Header() != (Header{}) {
		t.Error("a failed cursor still reads")
	}
	if n := c.Left(); n != 0 {
		t.Errorf("a failed cursor has %d bytes left: a loop over them would never end", n)
	}
	c.Failf("second")
	if c.End() != first {
		t.Errorf("the reason changed from %v to %v", first, c.Err())
	}
}

// TestBaseTx is about transactions that have no inputs yet.
func TestBaseTx(t *testing.T) {
	made := NewTx(2, nil, []TxOut{{Value: 7, Script: []byte{0x51}}}, 9)
	if got, want := hex.EncodeToString(made.Bytes()), "02000000000107000000000000000151"+"09000000"; got != want {
		t.Fatalf("encoded as %s, want %s", got, want)
	}
	tx, err := ParseBaseTx(made.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(tx.In) != 0 || len(tx.Out) != 1 || tx.Out[0].Value != 7 || tx.LockTime != 9 || tx.Version != 2 ||
		tx.TxID() != DoubleHash(made.Bytes()) || tx.Size() != 20 || tx.Weight() != 4*20 || tx.HasWitness() {
		t.Errorf("read as %+v", tx)
	}
	for n := range made.Bytes() {
		if _, err := ParseBaseTx(made.Bytes()[:n]); err == nil {
			t.Errorf("%d bytes are enough", n)
		}
	}
	if _, err := ParseBaseTx(append(bytes.Clone(made.Bytes()), 0)); err == nil {
		t.Error("a byte too many")
	}
}
