package coins

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"starling/store"
	"starling/wire"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The first records are those of Bitcoin Core's coins_tests, the others at the
// limits of each field.
func TestCoinRecords(t *testing.T) {
	p2pkh := func(hash string) string { return "76a914" + hash + "88ac" }
	for _, c := range []struct {
		name, record string
		want         Coin
		script       string // hexadecimal
		bad          bool
	}{
		{"key hash", "97f23c835800816115944e077fe7c803cfa57f29b36bf87c1d35",
			Coin{Value: 60_000_000_000, Height: 203_998}, p2pkh("816115944e077fe7c803cfa57f29b36bf87c1d35"), false},
		{"key hash of a coinbase", "8ddf77bbd123008c988f1a4a4de2161e0f50aac7f17e7f9555caa4",
			Coin{Value: 110_397, Height: 120_891, Coinbase: true}, p2pkh("8c988f1a4a4de2161e0f50aac7f17e7f9555caa4"), false},
		{"least", "000006", Coin{}, "", false},
		{"script longer than the record", "000007", Coin{}, "", true},
		{"script of gigabytes", "00008a95c0bb00", Coin{}, "", true},
		{"script hash", "000001" + "816115944e077fe7c803cfa57f29b36bf87c1d35", Coin{}, "a914816115944e077fe7c803cfa57f29b36bf87c1d3587", false},
		{"even key", "000002" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", Coin{},
			"210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac", false},
		{"odd key", "000003" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", Coin{},
			"210379be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac", false},
		{"form of uncompressed keys", "000004" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", Coin{}, "", true},
		{"a byte too many", "00000600", Coin{}, "", true},
		{"hash cut short", "000001816115944e", Coin{}, "", true},
	} {
		got, err := DecodeCoin(unhex(t, c.record))
		if c.bad {
			if !errors.Is(err, ErrEncoding) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		c.want.Script = unhex(t, c.script)
		if err != nil || got.Value != c.want.Value || got.Height != c.want.Height || got.Coinbase != c.want.Coinbase || !bytes.Equal(got.Script, c.want.Script) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		if back := hex.EncodeToString(c.want.Append(nil)); back != c.record {
			t.Errorf("%s: becomes %s", c.name, back)
		}
	}
}

// What no coin can hold is damage: more than all money, a height of more than
// 31 bits, a script of more than 10,000 bytes.
func TestCoinRecordLimits(t *testing.T) {
	const money = 21_000_000 * 100_000_000
	record := func(code, amount uint64, script []byte) []byte {
		return appendScript(appendVarInt(appendVarInt(nil, code), compressAmount(amount)), script)
	}
	for _, c := range []struct {
		name   string
		record []byte
		ok     bool
	}{
		{"all money", record(0, money, nil), true},
		{"a satoshi more", record(0, money+1, nil), false},
		{"highest block", record(1<<32-1, 0, nil), true},
		{"a block higher", record(1<<32, 0, nil), false},
		{"longest script", record(0, 0, bytes.Repeat([]byte{0x61}, 10_000)), true},
		{"a byte longer", record(0, 0, bytes.Repeat([]byte{0x61}, 10_001)), false},
	} {
		if _, err := DecodeCoin(c.record); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A script that differs from a short form in one place is kept whole.
func TestNearlyShortForms(t *testing.T) {
	hash, key := bytes.Repeat([]byte{9}, 20), bytes.Repeat([]byte{9}, 32)
	for _, form := range []struct {
		script []byte
		fixed  []int // places whose byte makes the form
	}{
		{slices.Concat([]byte{0x76, 0xa9, 20}, hash, []byte{0x88, 0xac}), []int{0, 1, 2, 23, 24}},
		{slices.Concat([]byte{0xa9, 20}, hash, []byte{0x87}), []int{0, 1, 22}},
		{slices.Concat([]byte{33, 2}, key, []byte{0xac}), []int{0, 1, 34}},
		{slices.Concat([]byte{33, 3}, key, []byte{0xac}), []int{0, 1, 34}},
	} {
		whole := len(form.script) + 1
		if got := len(appendScript(nil, form.script)); got >= whole {
			t.Errorf("%x takes %d bytes", form.script, got)
		}
		others := [][]byte{append(slices.Clone(form.script), 0xac), form.script[:len(form.script)-1]}
		for _, i := range form.fixed {
			s := slices.Clone(form.script)
			s[i] ^= 0x40
			others = append(others, s)
		}
		for _, s := range others {
			rec := appendScript(nil, s)
			d := decoder{b: rec}
			if got := d.script(); d.failed || !bytes.Equal(got, s) || len(rec) != len(s)+1 {
				t.Errorf("%x becomes %x", s, rec)
			}
		}
	}
}

// Only keys of outputs are taken for one.
func TestOutPointKeys(t *testing.T) {
	op := wire.OutPoint{Hash: wire.Hash{1, 2, 3}, Index: 0x01020304}
	key := appendKey(nil, &op)
	if got, ok := outPointOf(key); !ok || got != op {
		t.Errorf("%v, %v", got, ok)
	}
	other := slices.Clone(key)
	other[0]++
	for name, k := range map[string][]byte{"too short": key[:36], "too long": append(slices.Clone(key), 0), "of something else": other, "empty": nil} {
		if _, ok := outPointOf(k); ok {
			t.Errorf("%s: taken for one", name)
		}
	}
}

// block makes a block of a coinbase with the given outputs, and more.
func testBlock(prev wire.Hash, n uint32, out []wire.TxOut, more ...*wire.Tx) *wire.Block {
	cb := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}}}, out, n)
	return wire.NewBlock(wire.Header{PrevBlock: prev, Nonce: n}, append([]*wire.Tx{cb}, more...))
}

func connect(t *testing.T, c *Cache, b *wire.Block, height int32) *Undo {
	t.Helper()
	ch, err := c.Resolve(b, height, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Apply(ch, nil)
	return ch.Undo()
}

// The memory that coins take is counted, that of long scripts apart, and given
// back.
func TestCacheCountsMemory(t *testing.T) {
	c, db := openCache(t, vfs.NewMem())
	defer db.Close()
	short, long := bytes.Repeat([]byte{0x61}, inlineScript), bytes.Repeat([]byte{0x61}, inlineScript+1)
	first := testBlock(wire.Hash{}, 1, []wire.TxOut{{Value: 1, Script: short}, {Value: 2, Script: long}})
	undo := connect(t, c, first, 1)
	want := int64(2*entryCost + len(long) + entryCost)
	if len(c.entries) != 2 || c.Bytes() != want {
		t.Errorf("%d coins take %d bytes, want %d", len(c.entries), c.Bytes(), want)
	}
	if err := c.Disconnect(first, undo, 1, false, nil); err != nil {
		t.Fatal(err)
	}
	if len(c.entries) != 0 || c.Bytes() != 0 {
		t.Errorf("%d coins are left, %d bytes", len(c.entries), c.Bytes())
	}
	connect(t, c, first, 1)
	if n, err := c.Flush(false, nil); n != 2 || err != nil || len(c.entries) != 2 || c.Bytes() != want {
		t.Errorf("written %d (%v), kept are %d of %d bytes", n, err, len(c.entries), c.Bytes())
	}
	if n, err := c.Flush(true, nil); n != 0 || err != nil || len(c.entries) != 0 || c.Bytes() != 0 {
		t.Errorf("written %d (%v), kept are %d of %d bytes", n, err, len(c.entries), c.Bytes())
	}
}

// A spent coin is written as gone, once, and takes no memory after that.
func TestFlushOfSpentCoins(t *testing.T) {
	c, db := openCache(t, vfs.NewMem())
	defer db.Close()
	first := testBlock(wire.Hash{}, 1, []wire.TxOut{{Value: 1, Script: []byte{0x51}}, {Value: 2, Script: []byte{0x51}}})
	connect(t, c, first, 1)
	if _, err := c.Flush(false, nil); err != nil {
		t.Fatal(err)
	}
	spend := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: first.Txs[0].TxID()}}}, []wire.TxOut{{Script: []byte{0x6a}}}, 0)
	second := testBlock(first.Hash(), 2, []wire.TxOut{{Script: []byte{0x6a}}}, spend)
	undo := connect(t, c, second, 2)
	began := 0
	if n, err := c.Flush(false, func() { began++ }); n != 1 || err != nil || began != 1 {
		t.Errorf("written %d (%v), began %d times", n, err, began)
	}
	if len(c.entries) != 1 {
		t.Errorf("%d entries are kept", len(c.entries))
	}
	if n, err := c.Flush(false, func() { began++ }); n != 0 || err != nil || began != 1 {
		t.Errorf("without a change: written %d (%v), began %d times", n, err, began)
	}
	if err := c.Disconnect(second, undo, 2, false, nil); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Flush(true, nil); n != 1 || err != nil {
		t.Errorf("taken back: written %d (%v)", n, err)
	}
	if got, ok, at, err := c.Get(wire.OutPoint{Hash: first.Txs[0].TxID()}); err != nil || !ok || got.Height != 1 || at != first.Hash() {
		t.Errorf("%+v, %v at %v, %v", got, ok, at, err)
	}
}

// Marks that no flush writes are damage; those of a flush that was interrupted
// say from where to where it went.
func TestMarks(t *testing.T) {
	a, b := wire.Hash{1}, wire.Hash{2}
	for _, c := range []struct {
		name        string
		best, heads []byte
		want        wire.Hash
		interrupted *Heads
		bad         bool
	}{
		{"none", nil, nil, wire.Hash{}, nil, false},
		{"a block", a[:], nil, a, nil, false},
		{"an interrupted flush", nil, slices.Concat(a[:], b[:]), a, &Heads{a, b}, false},
		{"both", b[:], slices.Concat(a[:], b[:]), a, &Heads{a, b}, false},
		{"block cut short", a[:31], nil, wire.Hash{}, nil, true},
		{"heads cut short", nil, slices.Concat(a[:], b[:31]), wire.Hash{}, nil, true},
		{"heads of one block", nil, a[:], wire.Hash{}, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, err := store.OpenDB(store.DBOptions{FS: vfs.NewMem(), Dir: "coins"})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			batch := db.NewBatch()
			if c.best != nil {
				batch.Set([]byte{keyBest}, c.best)
			}
			if c.heads != nil {
				batch.Set([]byte{keyHeads}, c.heads)
			}
			if err := db.Write(batch, false); err != nil {
				t.Fatal(err)
			}
			set, err := Open(db)
			var corrupt *store.CorruptError
			if c.bad {
				if !errors.As(err, &corrupt) {
					t.Fatalf("opened: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if set.Best() != c.want || !cmp.Equal(set.Interrupted(), c.interrupted) {
				t.Errorf("stands for %v, interrupted %+v", set.Best(), set.Interrupted())
			}
		})
	}
}

// A coin that is gone, one too many and another one are told by the total, and
// records that do not decode by themselves.
func TestCheckFindsDamage(t *testing.T) {
	op := func(b *wire.Block, i uint32) *wire.OutPoint {
		return &wire.OutPoint{Hash: b.Txs[0].TxID(), Index: i}
	}
	first := testBlock(wire.Hash{}, 1, []wire.TxOut{{Value: 1, Script: []byte{0x51}}, {Value: 2, Script: []byte{0x51}}})
	for _, c := range []struct {
		name, what string
		change     func(b *store.Batch)
	}{
		{"nothing", "", func(*store.Batch) {}},
		{"a coin less", "it holds 1 coins, 2 expected", func(b *store.Batch) { b.Delete(appendKey(nil, op(first, 1))) }},
		{"another coin", "its 2 coins are not those that were written", func(b *store.Batch) {
			b.Set(appendKey(nil, op(first, 1)), (&Coin{Value: 3, Height: 1, Coinbase: true, Script: []byte{0x51}}).Append(nil))
		}},
		{"half a coin", "the coin " + first.Txs[0].TxID().String() + " does not decode", func(b *store.Batch) {
			b.Set(appendKey(nil, op(first, 1)), []byte{0})
		}},
		{"half a key", "a key of the UTXO set does not decode", func(b *store.Batch) { b.Set([]byte{keyCoin, 1}, []byte{0}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, db := openCache(t, vfs.NewMem())
			defer db.Close()
			connect(t, set, first, 1)
			if _, err := set.Flush(true, nil); err != nil {
				t.Fatal(err)
			}
			b := db.NewBatch()
			c.change(b)
			if err := db.Write(b, false); err != nil {
				t.Fatal(err)
			}
			set, err := Open(db)
			if err != nil {
				t.Fatal(err)
			}
			var corrupt *store.CorruptError
			err = set.Check()
			if c.what == "" && err != nil || c.what != "" && (!errors.As(err, &corrupt) || corrupt.What != c.what) {
				t.Errorf("%v, want %q", err, c.what)
			}
		})
	}
}

// A set from before there were totals gets one when it has been read, also if
// it has changed meanwhile.
func TestLearnTotal(t *testing.T) {
	fs := vfs.NewMem()
	c, db := openCache(t, fs)
	defer db.Close()
	first := testBlock(wire.Hash{}, 1, []wire.TxOut{{Value: 1, Script: []byte{0x51}}, {Value: 2, Script: []byte{0x51}}})
	connect(t, c, first, 1)
	if _, err := c.Flush(true, nil); err != nil {
		t.Fatal(err)
	}
	b := db.NewBatch()
	b.Delete([]byte{keyTotal})
	if err := db.Write(b, false); err != nil {
		t.Fatal(err)
	}
	c, err := Open(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Errorf("a set without a total: %v", err)
	}
	second := testBlock(first.Hash(), 2, []wire.TxOut{{Value: 5, Script: []byte{0x51}}})
	connect(t, c, second, 2)
	if _, err := c.Flush(true, nil); err != nil {
		t.Fatal(err)
	}
	s := c.Snapshot()
	got, err := s.Check(t.Context())
	if !errors.Is(err, ErrNoTotal) || got.Coins != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	connect(t, c, testBlock(second.Hash(), 3, []wire.TxOut{{Value: 6, Script: []byte{0x51}}}), 3)
	c.Learn(s, got)
	c.Learn(s, Total{100, 100}) // it is known now
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Flush(true, nil); err != nil {
		t.Fatal(err)
	}
	if c, err = Open(db); err != nil {
		t.Fatal(err)
	}
	s = c.Snapshot()
	defer s.Close()
	if got, err := s.Check(t.Context()); err != nil || got.Coins != 4 {
		t.Errorf("after it was learnt: %+v, %v", got, err)
	}
}

// A total that was learnt is written although no coin has changed, and one of
// another block is none.
func TestTotalIsWritten(t *testing.T) {
	c, db := openCache(t, vfs.NewMem())
	defer db.Close()
	first := testBlock(wire.Hash{}, 1, []wire.TxOut{{Value: 1, Script: []byte{0x51}}})
	connect(t, c, first, 1)
	if _, err := c.Flush(true, nil); err != nil {
		t.Fatal(err)
	}
	reopen := func(change func(b *store.Batch)) {
		t.Helper()
		b := db.NewBatch()
		change(b)
		err := db.Write(b, false)
		if err == nil {
			c, err = Open(db)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, want error) Total {
		t.Helper()
		s := c.Snapshot()
		defer s.Close()
		got, err := s.Check(t.Context())
		if !errors.Is(err, want) || got.Coins != 1 {
			t.Errorf("%s: %+v, %v, want %v", what, got, err, want)
		}
		c.Learn(s, got)
		return got
	}
	other := wire.Hash{7}
	reopen(func(b *store.Batch) { b.Set([]byte{keyBest}, other[:]) })
	check("total of another block", ErrNoTotal)
	if _, err := c.Flush(true, nil); err != nil {
		t.Fatal(err)
	}
	reopen(func(*store.Batch) {})
	check("learnt and written", nil)
	reopen(func(b *store.Batch) { b.Set([]byte{keyTotal}, other[:]) })
	check("total that is no total", ErrNoTotal)
}

// The outputs of a genesis block that may be spent are coins like others, and
// counted once.
func TestGenesisCoins(t *testing.T) {
	c, db := openCache(t, vfs.NewMem())
	defer db.Close()
	genesis := testBlock(wire.Hash{}, 1, []wire.TxOut{{Value: 7, Script: []byte{0x51}}, {Value: 8, Script: []byte{0x6a}}})
	c.AddGenesis(genesis)
	coin, ok, at, err := c.Get(wire.OutPoint{Hash: genesis.Txs[0].TxID()})
	if err != nil || !ok || at != genesis.Hash() || !cmp.Equal(coin, Coin{Value: 7, Coinbase: true, Script: []byte{0x51}}) {
		t.Errorf("%+v, %v at %v, %v", coin, ok, at, err)
	}
	if _, ok, _, _ := c.Get(wire.OutPoint{Hash: genesis.Txs[0].TxID(), Index: 1}); ok {
		t.Error("data is a coin")
	}
	if _, err := c.Flush(true, nil); err != nil {
		t.Fatal(err)
	}
	s := c.Snapshot()
	defer s.Close()
	if got, err := s.Check(t.Context()); err != nil || got.Coins != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// An interrupted flush is finished by taking blocks back and applying them
// again, whatever of their changes was written.
func TestReplayAfterInterruptedFlush(t *testing.T) {
	first := testBlock(wire.Hash{}, 1, []wire.TxOut{{Value: 1, Script: []byte{0x51}}, {Value: 2, Script: []byte{0x51}}, {Value: 3, Script: []byte{0x51}}})
	spend := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: first.Txs[0].TxID()}}, {PrevOut: wire.OutPoint{Hash: first.Txs[0].TxID(), Index: 2}}},
		[]wire.TxOut{{Value: 1, Script: []byte{0x52}}}, 0)
	again := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: spend.TxID()}}}, []wire.TxOut{{Value: 1, Script: []byte{0x53}}}, 0)
	second := testBlock(first.Hash(), 2, []wire.TxOut{{Value: 5, Script: []byte{0x51}}}, spend, again)
	undo := &Undo{Spent: [][]Coin{{{Value: 1, Height: 1, Coinbase: true, Script: []byte{0x51}}, {Value: 3, Height: 1, Coinbase: true, Script: []byte{0x51}}}, {{Value: 1, Height: 2, Script: []byte{0x52}}}}}
	for _, forth := range []bool{true, false} {
		c, db := openCache(t, vfs.NewMem())
		connect(t, c, first, 1)
		if _, err := c.Flush(false, nil); err != nil {
			t.Fatal(err)
		}
		// Part of the second block is there: one of the coins that it spends is
		// gone, and one of those that it makes has come.
		b := db.NewBatch()
		b.Delete(appendKey(nil, &wire.OutPoint{Hash: first.Txs[0].TxID()}))
		b.Set(appendKey(nil, &wire.OutPoint{Hash: again.TxID()}), (&Coin{Value: 1, Height: 2, Script: []byte{0x53}}).Append(nil))
		b.Delete([]byte{keyBest})
		from, to := first.Hash(), second.Hash()
		b.Set([]byte{keyHeads}, append(from[:], to[:]...))
		if err := db.Write(b, false); err != nil {
			t.Fatal(err)
		}
		c, err := Open(db)
		if err != nil {
			t.Fatal(err)
		}
		if c.Check() == nil {
			t.Error("a set in the middle of a flush passes for whole")
		}
		want := map[wire.OutPoint]int32{{Hash: first.Txs[0].TxID(), Index: 1}: 1}
		if forth {
			c.Replay(second, 2)
			want[wire.OutPoint{Hash: second.Txs[0].TxID()}] = 2
			want[wire.OutPoint{Hash: again.TxID()}] = 2
		} else {
			var unclean *UncleanError
			if err := c.Unreplay(second, &Undo{Spent: undo.Spent[:1]}); !errors.As(err, &unclean) || unclean.Error() != "coins: block and undo record do not fit" {
				t.Errorf("with half an undo record: %v", err)
			}
			if err := c.Unreplay(second, undo); err != nil {
				t.Fatal(err)
			}
			want[wire.OutPoint{Hash: first.Txs[0].TxID()}] = 1
			want[wire.OutPoint{Hash: first.Txs[0].TxID(), Index: 2}] = 1
		}
		if _, err := c.Flush(true, nil); err != nil {
			t.Fatal(err)
		}
		s := c.Snapshot()
		got := map[wire.OutPoint]int32{}
		err = s.All(func(op wire.OutPoint, coin Coin) error {
			got[op] = coin.Height
			if op.Hash == first.Txs[0].TxID() != (coin.Coinbase && coin.Height == 1) || op.Hash == second.Txs[0].TxID() != (coin.Coinbase && coin.Height == 2) {
				t.Errorf("%v: %+v", op, coin)
			}
			return nil
		})
		if err = errors.Join(err, s.Close(), db.Close()); err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(got, want) {
			t.Errorf("forth %v: %s", forth, cmp.Diff(want, got))
		}
	}
}

// The largest number is read, and one that is larger is not taken for a small
// one.
func TestVarIntLimit(t *testing.T) {
	d := decoder{b: unhex(t, "80fefefefefefefefe7f")}
	if got := d.varInt(); d.failed || got != 1<<64-1 {
		t.Errorf("%#x, failed %v", got, d.failed)
	}
	d = decoder{b: unhex(t, "80fefefefefefefeff00")}
	if got := d.varInt(); !d.failed {
		t.Errorf("2^64 is read as %#x", got)
	}
}

// What a block spends within itself: the outputs of its coinbase and of its
// other transactions are told apart, and those that do not exist refused.
func TestSpendWithinBlock(t *testing.T) {
	c, db := openCache(t, vfs.NewMem())
	defer db.Close()
	cb := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}}}, []wire.TxOut{{Value: 1, Script: []byte{0x51}}, {Script: []byte{0x6a}}}, 0)
	spends := func(tx *wire.Tx, index uint32) *wire.Tx {
		return wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: tx.TxID(), Index: index}}}, []wire.TxOut{{Value: 1, Script: []byte{0x52}}}, 0)
	}
	a := spends(cb, 0)
	b := spends(a, 0)
	ch, err := c.Resolve(wire.NewBlock(wire.Header{}, []*wire.Tx{cb, a, b}), 5, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Coin{{Value: 1, Height: 5, Coinbase: true, Script: []byte{0x51}}, {Value: 1, Height: 5, Script: []byte{0x52}}}
	if !cmp.Equal(ch.Coins, want) || !cmp.Equal(ch.Spent(2), want[1:]) {
		t.Errorf("spends %+v", ch.Coins)
	}
	if outs := ch.SpentOuts(2); len(outs) != 1 || !bytes.Equal(outs[0].Script, []byte{0x52}) {
		t.Errorf("spends outputs %+v", outs)
	}
	var missing *MissingError
	for name, index := range map[string]uint32{"data": 1, "the output after the last": 2, "no output at all": 1 << 31} {
		if _, err := c.Resolve(wire.NewBlock(wire.Header{}, []*wire.Tx{cb, spends(cb, index)}), 5, true, nil); !errors.As(err, &missing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Coins that were read ahead are there when the block's turn comes, unless what
// has been written meanwhile may have spent them.
func TestPrefetchBeforeFlush(t *testing.T) {
	c, db := openCache(t, vfs.NewMem())
	defer db.Close()
	first := testBlock(wire.Hash{}, 1, []wire.TxOut{{Value: 1, Script: []byte{0x51}}})
	connect(t, c, first, 1)
	if _, err := c.Flush(true, nil); err != nil {
		t.Fatal(err)
	}
	op := wire.OutPoint{Hash: first.Txs[0].TxID()}
	spend := func(n uint32) *wire.Block {
		tx := wire.NewTx(1, []wire.TxIn{{PrevOut: op}}, []wire.TxOut{{Value: 1, Script: []byte{0x52}}}, n)
		return testBlock(first.Hash(), n, []wire.TxOut{{Script: []byte{0x6a}}}, tx)
	}
	pre := c.Prefetch(spend(2))
	if len(pre.coins) != 1 || pre.coins[op].Value != 1 {
		t.Errorf("read ahead: %+v", pre.coins)
	}
	connect(t, c, spend(3), 2)
	if _, err := c.Flush(true, nil); err != nil {
		t.Fatal(err)
	}
	var missing *MissingError
	if _, err := c.Resolve(spend(2), 2, true, pre); !errors.As(err, &missing) {
		t.Errorf("a coin that was spent meanwhile: %v", err)
	}
}

// A coinbase that repeats an earlier one takes its place in the set and in the
// total, and is gone for good once it is spent.
func TestRepeatedCoinbaseCounts(t *testing.T) {
	c, db := openCache(t, vfs.NewMem())
	defer db.Close()
	out := []wire.TxOut{{Value: 1, Script: []byte{0x51}}}
	first := testBlock(wire.Hash{}, 1, out)
	connect(t, c, first, 1)
	if _, err := c.Flush(true, nil); err != nil {
		t.Fatal(err)
	}
	repeat := wire.NewBlock(wire.Header{PrevBlock: first.Hash()}, []*wire.Tx{&first.Txs[0]})
	ch, err := c.Resolve(repeat, 2, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Apply(ch, nil)
	if c.total.Coins != 1 {
		t.Errorf("%d coins are counted", c.total.Coins)
	}
	op := wire.OutPoint{Hash: first.Txs[0].TxID()}
	if coin, ok, _, err := c.Get(op); err != nil || !ok || coin.Height != 2 {
		t.Errorf("%+v, %v, %v", coin, ok, err)
	}
	tx := wire.NewTx(1, []wire.TxIn{{PrevOut: op}}, []wire.TxOut{{Script: []byte{0x6a}}}, 0)
	connect(t, c, testBlock(repeat.Hash(), 3, []wire.TxOut{{Script: []byte{0x6a}}}, tx), 3)
	if _, err := c.Flush(true, nil); err != nil {
		t.Fatal(err)
	}
	if coin, ok, _, err := c.Get(op); err != nil || ok {
		t.Errorf("after it was spent: %+v, %v", coin, err)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

// Where a coinbase was overwritten only its own coins may be missing when the
// block is taken back.
func TestTolerateMissingCoinbase(t *testing.T) {
	first := testBlock(wire.Hash{}, 1, []wire.TxOut{{Value: 1, Script: []byte{0x51}}})
	tx := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: first.Txs[0].TxID()}}}, []wire.TxOut{{Value: 1, Script: []byte{0x52}}}, 0)
	second := testBlock(first.Hash(), 2, []wire.TxOut{{Value: 2, Script: []byte{0x51}}}, tx)
	for _, c := range []struct {
		name     string
		gone     *wire.Tx
		tolerate bool
		ok       bool
	}{
		{"nothing is missing", nil, false, true},
		{"coinbase", &second.Txs[0], false, false},
		{"coinbase, which was overwritten", &second.Txs[0], true, true},
		{"another transaction", tx, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, db := openCache(t, vfs.NewMem())
			defer db.Close()
			connect(t, set, first, 1)
			undo := connect(t, set, second, 2)
			if c.gone != nil {
				set.remove(wire.OutPoint{Hash: c.gone.TxID()})
			}
			var unclean *UncleanError
			err := set.Disconnect(second, undo, 2, c.tolerate, nil)
			if c.ok && err != nil || !c.ok && !errors.As(err, &unclean) {
				t.Fatal(err)
			}
			want := first.Hash()
			if !c.ok {
				want = second.Hash()
			}
			if set.Best() != want {
				t.Errorf("the set stands for %v", set.Best())
			}
		})
	}
}

// More than fits into one batch is written whole.
func TestFlushOfManyBatches(t *testing.T) {
	out := make([]wire.TxOut, 2_200)
	for i := range out {
		out[i] = wire.TxOut{Value: int64(i), Script: bytes.Repeat([]byte{0x61}, 9_000)}
	}
	c, db := openCache(t, vfs.NewMem())
	defer db.Close()
	connect(t, c, testBlock(wire.Hash{}, 1, out), 1)
	if n, err := c.Flush(true, nil); n != len(out) || err != nil {
		t.Errorf("%d written, %v", n, err)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}
