package bloom

import (
	"bytes"
	"encoding/hex"
	"testing"

	"starling/chain/consensus"
	"starling/script"
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

// The numbers are those of Bitcoin Core's tests.
func TestMurmur3(t *testing.T) {
	for _, v := range []struct {
		seed uint32
		data string
		want uint32
	}{
		{0, "", 0}, {0xfba4c795, "", 0x6a396f08}, {0xffffffff, "", 0x81f16f39},
		{0, "00", 0x514e28b7}, {0xfba4c795, "00", 0xea3f0b17}, {0, "ff", 0xfd6cf10d},
		{0, "0011", 0x16c6b7ab}, {0, "001122", 0x8eb51c3d}, {0, "00112233", 0xb4471bf8},
		{0, "0011223344", 0xe2301fa8}, {0, "001122334455", 0xfc2e4a15}, {0, "00112233445566", 0xb074502c},
		{0, "0011223344556677", 0x8034d2a0}, {0, "001122334455667788", 0xb4698def},
	} {
		if got := murmur3(v.seed, unhex(t, v.data)); got != v.want {
			t.Errorf("%x of %s: %x, want %x", v.seed, v.data, got, v.want)
		}
	}
}

// load makes a filter of some bytes and hash functions.
func load(size int, funcs uint32, flags wire.FilterFlags) *Filter {
	return New(&wire.MsgFilterLoad{Filter: make([]byte, size), HashFuncs: funcs, Flags: flags})
}

// The filters are those of Bitcoin Core's tests, for 3 items and an error of 1 %.
func TestInsert(t *testing.T) {
	for tweak, want := range map[uint32]string{0: "614e9b", 2147483649: "ce4299"} {
		f := New(&wire.MsgFilterLoad{Filter: make([]byte, 3), HashFuncs: 5, Tweak: tweak, Flags: wire.FilterUpdateAll})
		in := unhex(t, "99108ad8ed9bb6274d3980bab5a85c048f0950c8")
		if f.Contains(in) {
			t.Error("an empty filter contains something")
		}
		f.Add(in)
		if !f.Contains(in) || f.Contains(unhex(t, "19108ad8ed9bb6274d3980bab5a85c048f0950c8")) {
			t.Error("one bit makes no difference, or one item is lost")
		}
		f.Add(unhex(t, "b5a2c786d9ef4658287ced5914b37a1b4aa32eee"))
		f.Add(unhex(t, "b9300670b4c5366e95b2699e8b18bc75e5f729c5"))
		if hex.EncodeToString(f.bits) != want {
			t.Errorf("with tweak %d: %x, want %s", tweak, f.bits, want)
		}
	}
}

// A transaction of the main network, and one that spends it, as Bitcoin Core's
// tests have them.
const (
	paysTx = "01000000010b26e9b7735eb6aabdf358bab62f9816a21ba9ebdb719d5299e88607d722c190000000008b4830450220070aca44506c5cef3a16ed519d7c3c39f8aab192c4e1c90d065f37b8a4af6141022100a8e160b856c2d43d27d8fba71e5aef6405b8643ac4cb7cb3c462aced7f14711a0141046d11fee51b0e60666d5049a9101a72741df480b96ee26488a4d3466b95c9a40ac5eeef87e10a5cd336c19a84565f80fa6c547957b7700ff4dfbdefe76036c339ffffffff021bff3d11000000001976a91404943fdd508053c75000106d3bc6e2754dbcff1988ac2f15de00000000001976a914a266436d2965547608b9e15d9032a7b9d64fa43188ac00000000"
)

func TestMatch(t *testing.T) {
	tx, err := wire.ParseTx(unhex(t, paysTx))
	if err != nil {
		t.Fatal(err)
	}
	spending := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: tx.TxID()}}}, []wire.TxOut{{Value: 1, Script: []byte{0x51}}}, 0)
	other := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: tx.TxID(), Index: 1}}}, []wire.TxOut{{Value: 1, Script: []byte{0x51}}}, 0)
	txid := tx.TxID()
	prev := tx.In[0].PrevOut
	for _, tc := range []struct {
		name string
		item []byte
		want bool
	}{
		{"its id", txid[:], true},
		{"a signature", unhex(t, "30450220070aca44506c5cef3a16ed519d7c3c39f8aab192c4e1c90d065f37b8a4af6141022100a8e160b856c2d43d27d8fba71e5aef6405b8643ac4cb7cb3c462aced7f14711a01"), true},
		{"a key", unhex(t, "046d11fee51b0e60666d5049a9101a72741df480b96ee26488a4d3466b95c9a40ac5eeef87e10a5cd336c19a84565f80fa6c547957b7700ff4dfbdefe76036c339"), true},
		{"the first output's hash", unhex(t, "04943fdd508053c75000106d3bc6e2754dbcff19"), true},
		{"the second output's hash", unhex(t, "a266436d2965547608b9e15d9032a7b9d64fa431"), true},
		{"what it spends", appendOutPoint(prev.Hash, prev.Index), true},
		{"another id", make([]byte, 32), false},
		{"another hash", unhex(t, "0000006d2965547608b9e15d9032a7b9d64fa431"), false},
		{"another output of what it spends", appendOutPoint(prev.Hash, 1), false},
	} {
		f := load(35, 19, wire.FilterUpdateNone)
		f.Add(tc.item)
		if f.Match(tx) != tc.want {
			t.Errorf("%s: found %v", tc.name, !tc.want)
		}
	}
	// An output that matches is put in if the flags say so.
	first := unhex(t, "04943fdd508053c75000106d3bc6e2754dbcff19")
	for flags, want := range map[wire.FilterFlags]bool{
		wire.FilterUpdateNone: false, wire.FilterUpdateAll: true, wire.FilterUpdatePubKeyOnly: false,
		4 | wire.FilterUpdateAll: true, // other bits mean nothing
		3:                        false,
	} {
		f := load(35, 19, flags)
		f.Add(first)
		if !f.Match(tx) || f.Match(spending) != want || f.Match(other) {
			t.Errorf("flags %d: what spends it is found %v", flags, !want)
		}
	}
}

// Only outputs to keys and bare multisig are put in where the flags say so.
func TestUpdatePubKeyOnly(t *testing.T) {
	key := append([]byte{2}, bytes.Repeat([]byte{7}, 32)...)
	for _, tc := range []struct {
		name   string
		script []byte
		want   bool
	}{
		{"key", script.PayToPubKey(key), true},
		{"multisig", script.PayToMultiSig(1, key, append([]byte{3}, key[1:]...)), true},
		{"something else", script.AppendPush(nil, key), false},
	} {
		tx := wire.NewTx(1, []wire.TxIn{{}}, []wire.TxOut{{Value: 1, Script: tc.script}}, 0)
		f := load(100, 10, wire.FilterUpdatePubKeyOnly)
		f.Add(key)
		if !f.Match(tx) || f.Contains(appendOutPoint(tx.TxID(), 0)) != tc.want {
			t.Errorf("%s: put in %v", tc.name, !tc.want)
		}
	}
}

// Filters that no sensible client makes.
func TestOddFilters(t *testing.T) {
	tx := wire.NewTx(1, []wire.TxIn{{}}, []wire.TxOut{{Value: 1}}, 0)
	for name, f := range map[string]*Filter{"no bits": load(0, 5, wire.FilterUpdateAll), "no bits, no functions": load(0, 0, 0), "no functions": load(3, 0, wire.FilterUpdateAll)} {
		f.Add([]byte{1})
		if !f.Contains([]byte{2}) || !f.Match(tx) {
			t.Errorf("%s: does not match all", name)
		}
	}
	if load(1, 1, 0).Match(tx) {
		t.Error("an empty filter matches something")
	}
}

// A block of the main network whose only transaction matches, as Bitcoin Core's
// tests have it.
func TestMatchBlock(t *testing.T) {
	b, err := wire.ParseBlock(unhex(t, "0100000079cda856b143d9db2c1caff01d1aecc8630d30625d10e8b4b8b0000000000000b50cc069d6a3e33e3ff84a5c41d9d3febe7c770fdcc96b2c3ff60abe184f196367291b4d4c86041b8fa45d630101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff08044c86041b020a02ffffffff0100f2052a01000000434104ecd3229b0571c3be876feaac0442a9f13c5a572742927af1dc623353ecf8c202225f64868137a18cdd85cbbb4c74fbccfd4f49639cf1bdc94a5672bb15ad5d4cac00000000"))
	if err != nil {
		t.Fatal(err)
	}
	f := load(35, 19, wire.FilterUpdateAll)
	id := b.Txs[0].TxID()
	f.Add(id[:])
	m, matched := f.MatchBlock(b)
	want := "0100000079cda856b143d9db2c1caff01d1aecc8630d30625d10e8b4b8b0000000000000b50cc069d6a3e33e3ff84a5c41d9d3febe7c770fdcc96b2c3ff60abe184f196367291b4d4c86041b8fa45d630100000001b50cc069d6a3e33e3ff84a5c41d9d3febe7c770fdcc96b2c3ff60abe184f19630101"
	if got := hex.EncodeToString(m.AppendPayload(nil)); got != want || len(matched) != 1 || matched[0] != 0 {
		t.Errorf("got %s, %v", got, matched)
	}
}

// In one block, what spends a relevant output is relevant, in any tree; and the
// proof proves just what is.
func TestMatchBlockFollows(t *testing.T) {
	for n := 1; n < 40; n++ {
		var txs []*wire.Tx
		for i := range n {
			txs = append(txs, wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{9}, Index: uint32(i)}}}, []wire.TxOut{{Value: int64(i), Script: script.AppendPush(nil, []byte{byte(i), 1, 2})}}, 0))
		}
		at := n / 3
		txs = append(txs, wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: txs[at].TxID()}}}, []wire.TxOut{{Value: 1, Script: []byte{0x51}}}, 0))
		b := wire.NewBlock(wire.Header{}, txs)
		f := load(1000, 20, wire.FilterUpdateAll)
		f.Add([]byte{byte(at), 1, 2})
		m, matched := f.MatchBlock(b)
		if len(matched) != 2 || matched[0] != at || matched[1] != n {
			t.Fatalf("of %d transactions %v are relevant, want %d and %d", n+1, matched, at, n)
		}
		_, proven, err := (&consensus.PartialMerkleTree{Total: m.Total, Hashes: m.Hashes, Flags: m.Flags}).Extract()
		if err != nil || len(proven) != 2 || proven[0].Index != at || proven[1].Index != n {
			t.Fatalf("of %d transactions are proven %v, %v", n+1, proven, err)
		}
	}
}

// FuzzMatch matches any transaction with any filter: nothing that a peer sends
// may do harm, and what matches once matches again.
func FuzzMatch(f *testing.F) {
	f.Add(unhex(f, paysTx), []byte{0xff, 0xff}, uint32(3), uint32(1), uint8(1))
	f.Add(unhex(f, paysTx), []byte{}, uint32(50), uint32(0xffffffff), uint8(2))
	f.Fuzz(func(t *testing.T, raw, bits []byte, funcs, tweak uint32, flags uint8) {
		tx, err := wire.ParseTx(raw)
		if err != nil || len(bits) > wire.MaxFilterSize {
			return
		}
		fl := New(&wire.MsgFilterLoad{Filter: bits, HashFuncs: funcs % (wire.MaxFilterHashFuncs + 1), Tweak: tweak, Flags: wire.FilterFlags(flags)})
		if fl.Match(tx) && !fl.Match(tx) {
			t.Error("it matches only once")
		}
	})
}

// A transaction of 100,000 bytes against the worst filter: all of its functions
// run for each push, and the last one misses.
func BenchmarkMatchWorst(b *testing.B) {
	var out []wire.TxOut
	for i := range 2900 {
		out = append(out, wire.TxOut{Value: 1, Script: script.PayToPubKeyHash([20]byte{byte(i), byte(i >> 8)})})
	}
	tx := wire.NewTx(1, []wire.TxIn{{}}, out, 0)
	bits := bytes.Repeat([]byte{0xff}, wire.MaxFilterSize)
	for i := range bits {
		if i%4 == 0 {
			bits[i] = 0xfe // about one bit in 32
		}
	}
	f := New(&wire.MsgFilterLoad{Filter: bits, HashFuncs: wire.MaxFilterHashFuncs})
	b.SetBytes(int64(tx.Size()))
	for b.Loop() {
		f.Match(tx)
	}
}
