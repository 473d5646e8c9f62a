package compact_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"starling/chain/chaintest"
	"starling/chain/consensus"
	"starling/params"
	"starling/relay/compact"
	"starling/relay/compact/compacttest"
	"starling/wire"
)

// tx makes a transaction that differs from all of another number; its size
// grows with size.
func tx(number uint64, size int) *wire.Tx {
	var op wire.OutPoint
	binary.LittleEndian.PutUint64(op.Hash[:], number)
	in := wire.TxIn{PrevOut: op, Script: make([]byte, size), Sequence: 7}
	if number%2 == 1 {
		in.Witness = wire.NewWitness(make([]byte, 64), []byte{byte(number)})
	}
	return wire.NewTx(2, []wire.TxIn{in}, []wire.TxOut{{Value: 1, Script: []byte{0x51}}}, 0)
}

// block makes a block with a coinbase, n transactions and the merkle root and
// witness commitment that go with them. Nothing else about it is valid.
func block(n int) *wire.Block {
	txs := make([]*wire.Tx, n+1)
	for i := range n {
		txs[i+1] = tx(uint64(i)+1, i%50)
	}
	coinbase := func(commitment wire.Hash) *wire.Tx {
		in := wire.TxIn{PrevOut: wire.OutPoint{Index: wire.NullIndex}, Script: []byte{1, 1}, Sequence: 1}
		in.Witness = wire.NewWitness(make([]byte, 32))
		return wire.NewTx(2, []wire.TxIn{in}, []wire.TxOut{
			{Value: 50, Script: []byte{0x51}}, {Script: consensus.WitnessCommitmentScript(commitment)},
		}, 0)
	}
	txs[0] = coinbase(wire.Hash{})
	h := wire.Header{Version: 4, Timestamp: 7, Bits: 0x207fffff}
	root := consensus.WitnessMerkleRoot(wire.NewBlock(h, txs))
	txs[0] = coinbase(consensus.WitnessCommitment(root, make([]byte, 32)))
	h.MerkleRoot, _ = consensus.BlockMerkleRoot(wire.NewBlock(h, txs))
	return wire.NewBlock(h, txs)
}

// Every block of a chain, with all, some and none of its transactions at hand.
func TestRebuildChain(t *testing.T) {
	gen := chaintest.New(params.Regtest())
	chain := gen.Chain(gen.Genesis(), 110)
	tip := chain[len(chain)-1]
	for i := range 10 {
		op, value := chain[i].Coinbase()
		split := chaintest.Spend(op, value, 1000, 1+7*i)
		txs := []*wire.Tx{split}
		for out := range split.Out {
			txs = append(txs, chaintest.Spend(wire.OutPoint{Hash: split.TxID(), Index: uint32(out)}, split.Out[out].Value, 10, 1))
		}
		tip = gen.Next(tip, 1000, txs...)
		chain = append(chain, tip)
	}
	chain = append(chain, chaintest.Block{Block: block(2500)})
	rng := rand.New(rand.NewPCG(1, 2))
	for _, b := range chain {
		b.HashTxs()
		for name, have := range map[string]func(int) bool{
			"all":   func(int) bool { return true },
			"some":  func(int) bool { return rng.IntN(3) > 0 },
			"none":  func(int) bool { return false },
			"first": func(i int) bool { return i == 1 },
		} {
			known := compacttest.Some(b.Block, have)
			// Others are in the pool too.
			pool := append(slices.Clone(known), tx(1<<40, 5), tx(1<<40+1, 9))
			rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
			r, err := compacttest.Rebuild(b.Block, rng.Uint64(), compacttest.Pool(pool), nil, true)
			if err != nil {
				t.Fatalf("block %d with %s at hand: %v", b.Height, name, err)
			}
			if want := (compact.Counts{Prefilled: 1, Pool: len(known), Asked: len(b.Txs) - 1 - len(known)}); r.Counts != want {
				t.Errorf("block %d with %s at hand: %+v, want %+v", b.Height, name, r.Counts, want)
			}
		}
	}
}

// TestExtra has what the pool lacks beside it.
func TestExtra(t *testing.T) {
	b := block(20)
	var extra compact.Extra
	for i := 11; i <= 20; i++ {
		extra.Add(&b.Txs[i])
		extra.Add(&b.Txs[i]) // twice is no collision
	}
	extra.Add(&b.Txs[3]) // in the pool as well
	pool := compacttest.Some(b, func(i int) bool { return i <= 9 })
	r, err := compacttest.Rebuild(b, 1, compacttest.Pool(pool), &extra, true)
	if err != nil {
		t.Fatal(err)
	}
	if want := (compact.Counts{Prefilled: 1, Pool: 9, Extra: 10, Asked: 1}); r.Counts != want {
		t.Errorf("got %+v, want %+v", r.Counts, want)
	}
}

func TestExtraIsBounded(t *testing.T) {
	var extra compact.Extra
	extra.Add(nil)
	extra.Add(tx(1, compact.MaxExtraSize))
	if n := len(extra.All()); n != 0 {
		t.Errorf("%d transactions that are too large are kept", n)
	}
	for i := range uint64(compact.DefaultExtra + 5) {
		extra.Add(tx(i, 0))
	}
	all := extra.All()
	if len(all) != compact.DefaultExtra {
		t.Fatalf("%d are kept", len(all))
	}
	for i := range uint64(compact.DefaultExtra + 5) {
		id := tx(i, 0).TxID()
		kept := slices.ContainsFunc(all, func(o *wire.Tx) bool { return o.TxID() == id })
		if kept != (i >= 5) {
			t.Errorf("transaction %d: kept is %v", i, kept)
		}
	}
}

// forged gives a transaction the short id of another: a walk may pair any id
// with any transaction.
func forged(pairs ...any) compact.Txs {
	return func(yield func(*wire.Hash, *wire.Tx) bool) {
		for i := 0; i < len(pairs); i += 2 {
			id := pairs[i].(*wire.Tx).WTxID()
			if !yield(&id, pairs[i+1].(*wire.Tx)) {
				return
			}
		}
	}
}

func TestCollisions(t *testing.T) {
	b := block(4)
	other := tx(99, 3)
	m, err := compact.Build(b, 5)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("two of the pool have one short id", func(t *testing.T) {
		p, err := compact.Open(m, forged(&b.Txs[1], &b.Txs[1], &b.Txs[2], &b.Txs[2], &b.Txs[1], other, &b.Txs[1], other), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Missing(); !slices.Equal(got, []uint16{1, 3, 4}) {
			t.Errorf("missing %v", got)
		}
		if got := p.Counts(); got.Pool != 1 {
			t.Errorf("%+v", got)
		}
		again, err := p.Fill([]*wire.Tx{&b.Txs[1], &b.Txs[3], &b.Txs[4]}, true)
		if err != nil || again.Hash() != b.Hash() {
			t.Errorf("%v", err)
		}
	})
	t.Run("another one has the short id", func(t *testing.T) {
		p, err := compact.Open(m, forged(&b.Txs[1], other, &b.Txs[2], &b.Txs[2], &b.Txs[3], &b.Txs[3], &b.Txs[4], &b.Txs[4]), nil)
		if err != nil || len(p.Missing()) != 0 {
			t.Fatal(err, p.Missing())
		}
		if _, err := p.Fill(nil, true); !errors.Is(err, compact.ErrFailed) {
			t.Errorf("got %v", err)
		}
		if _, err := p.Fill(nil, true); !errors.Is(err, compact.ErrInvalid) {
			t.Errorf("a second time: got %v", err)
		}
	})
	t.Run("two of the block have one short id", func(t *testing.T) {
		twice := *m
		twice.ShortIDs = slices.Clone(m.ShortIDs)
		twice.ShortIDs[3] = twice.ShortIDs[0]
		if _, err := compact.Open(&twice, nil, nil); !errors.Is(err, compact.ErrFailed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestInvalid(t *testing.T) {
	b := block(3)
	cb, other := &b.Txs[0], &b.Txs[1]
	empty := wire.NewTx(1, nil, nil, 0)
	many := make([]uint64, 65535)
	pre := func(at uint16, tx *wire.Tx) wire.PrefilledTx { return wire.PrefilledTx{Index: at, Tx: tx} }
	for name, m := range map[string]*wire.MsgCmpctBlock{
		"nothing":               {},
		"too many":              {ShortIDs: many, Prefilled: []wire.PrefilledTx{pre(0, cb)}},
		"beyond the end":        {ShortIDs: []uint64{1}, Prefilled: []wire.PrefilledTx{pre(2, cb)}},
		"second beyond the end": {ShortIDs: []uint64{1}, Prefilled: []wire.PrefilledTx{pre(0, cb), pre(3, other)}},
		"not rising":            {ShortIDs: []uint64{1, 2}, Prefilled: []wire.PrefilledTx{pre(1, cb), pre(1, other)}},
		"no transaction":        {Prefilled: []wire.PrefilledTx{{}}},
		"an empty transaction":  {Prefilled: []wire.PrefilledTx{pre(0, empty)}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := compact.Open(m, nil, nil); !errors.Is(err, compact.ErrInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
	m, _ := compact.Build(b, 1)
	all := []*wire.Tx{&b.Txs[1], &b.Txs[2], &b.Txs[3]}
	for name, tc := range map[string]struct {
		txs    []*wire.Tx
		segwit bool
		want   error
	}{
		"all":              {all, true, nil},
		"too few":          {all[:2], true, compact.ErrInvalid},
		"too many":         {append(slices.Clone(all), other), true, compact.ErrInvalid},
		"wrong order":      {[]*wire.Tx{all[1], all[0], all[2]}, true, compact.ErrFailed},
		"another":          {[]*wire.Tx{all[0], all[1], tx(77, 0)}, true, compact.ErrFailed},
		"too large":        {[]*wire.Tx{all[0], tx(77, 2_100_000), tx(78, 2_100_000)}, true, compact.ErrFailed},
		"witness stripped": {[]*wire.Tx{bare(all[0]), all[1], all[2]}, true, compact.ErrFailed},
	} {
		t.Run("filled with "+name, func(t *testing.T) {
			p, err := compact.Open(m, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Fill(tc.txs, tc.segwit); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	if _, err := compact.Answer(b, &wire.MsgGetBlockTxn{Indexes: []uint16{0, 4}}); !errors.Is(err, compact.ErrInvalid) {
		t.Errorf("asked beyond the end: %v", err)
	}
}

// bare returns the transaction without its witness.
func bare(t *wire.Tx) *wire.Tx {
	raw, err := wire.ParseTx(t.AppendBase(nil))
	if err != nil {
		panic(err)
	}
	return raw
}

// TestRandom prefills any transactions, not only the coinbase, and has any of
// the others at hand, in the pool or beside it.
func TestRandom(t *testing.T) {
	b := block(30)
	rapid.Check(t, func(t *rapid.T) {
		m := &wire.MsgCmpctBlock{Header: b.Header, Nonce: rapid.Uint64().Draw(t, "nonce of the message")}
		key := compact.NewKey(&m.Header, m.Nonce)
		var pool []*wire.Tx
		var extra compact.Extra
		var missing []uint16
		var answer []*wire.Tx
		var want compact.Counts
		for i := range b.Txs {
			tx := &b.Txs[i]
			where := rapid.IntRange(0, 3).Draw(t, "where")
			if where == 0 {
				m.Prefilled = append(m.Prefilled, wire.PrefilledTx{Index: uint16(i), Tx: tx})
				want.Prefilled++
				continue
			}
			id := tx.WTxID()
			m.ShortIDs = append(m.ShortIDs, key.ShortID(&id))
			switch where {
			case 1:
				pool = append(pool, tx)
				want.Pool++
			case 2:
				extra.Add(tx)
				want.Extra++
			case 3:
				missing, answer = append(missing, uint16(i)), append(answer, tx)
				want.Asked++
			}
		}
		pool = rapid.Permutation(append(pool, tx(1<<40, 1))).Draw(t, "pool")
		got, err := wire.Decode(m.Command(), m.AppendPayload(nil))
		if err != nil {
			t.Fatal(err)
		}
		p, err := compact.Open(got.(*wire.MsgCmpctBlock), compacttest.Pool(pool), &extra)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.Missing(), missing) {
			t.Fatalf("missing %v, want %v", p.Missing(), missing)
		}
		again, err := p.Fill(answer, true)
		if err != nil {
			t.Fatal(err)
		}
		if string(again.Bytes()) != string(b.Bytes()) || p.Counts() != want {
			t.Fatalf("%+v, want %+v", p.Counts(), want)
		}
	})
}

// shortIDOfGenesis was computed by an implementation that shares nothing with
// this one.
const shortIDOfGenesis = "d97c3183bddd"

// TestShortID is fixed, so that a change on both sides at once is noticed: the
// key is made of the header and nonce as BIP152 says, and 48 bits are taken.
func TestShortID(t *testing.T) {
	h := params.Main().Genesis.Header
	key := compact.NewKey(&h, 0x0123456789abcdef)
	id := wire.MustHash("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b")
	if got := fmt.Sprintf("%012x", key.ShortID(&id)); got != shortIDOfGenesis {
		t.Errorf("got %s", got)
	}
}

// FuzzOpen opens whatever decodes as a compact block, and fills it with
// whatever decodes as an answer.
func FuzzOpen(f *testing.F) {
	b := block(3)
	m, _ := compact.Build(b, 1)
	answer, _ := compact.Answer(b, &wire.MsgGetBlockTxn{Indexes: []uint16{1, 2, 3}})
	f.Add(m.AppendPayload(nil), answer.AppendPayload(nil))
	f.Add(m.AppendPayload(nil), (&wire.MsgBlockTxn{}).AppendPayload(nil))
	m.Prefilled = append(m.Prefilled, wire.PrefilledTx{Index: 2, Tx: &b.Txs[2]})
	f.Add(m.AppendPayload(nil), answer.AppendPayload(nil))
	pool := compacttest.Pool([]*wire.Tx{&b.Txs[2]})
	f.Fuzz(func(t *testing.T, raw, more []byte) {
		m, err := wire.Decode(wire.CmdCmpctBlock, raw)
		if err != nil {
			return
		}
		txs, err := wire.Decode(wire.CmdBlockTxn, more)
		if err != nil {
			txs = &wire.MsgBlockTxn{}
		}
		p, err := compact.Open(m.(*wire.MsgCmpctBlock), pool, nil)
		if err != nil {
			return
		}
		missing := p.Missing()
		got, err := p.Fill(txs.(*wire.MsgBlockTxn).Txs, true)
		switch {
		case err == nil:
			if consensus.IsMutated(got, true) {
				t.Error("a mutated block")
			}
		case errors.Is(err, compact.ErrInvalid) == (len(missing) == len(txs.(*wire.MsgBlockTxn).Txs)):
			t.Errorf("%d missing, %d came: %v", len(missing), len(txs.(*wire.MsgBlockTxn).Txs), err)
		}
	})
}

// benchPool is a block and a pool of 100,000 transactions that holds it.
func benchPool() (*wire.Block, []*wire.Tx) {
	b := block(3000)
	pool := compacttest.Some(b, func(int) bool { return true })
	for i := range uint64(97_000) {
		pool = append(pool, tx(1<<32+i, int(i%40)))
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	return b, pool
}

func BenchmarkOpen(b *testing.B) {
	blk, pool := benchPool()
	m, _ := compact.Build(blk, 1)
	miss := *m // the last short id is nowhere, so the whole pool is walked
	miss.ShortIDs = slices.Clone(m.ShortIDs)
	miss.ShortIDs[0] ^= 1
	type entry struct {
		id wire.Hash
		tx *wire.Tx
	}
	var index compact.Index
	entries := make([]*entry, len(pool))
	for i, tx := range pool {
		index.Add(tx.WTxID(), tx)
		entries[i] = &entry{tx.WTxID(), tx}
	}
	rand.New(rand.NewPCG(2, 2)).Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	for name, txs := range map[string]compact.Txs{
		"index": index.All(),
		"pointers": func(yield func(*wire.Hash, *wire.Tx) bool) {
			for _, e := range entries {
				if !yield(&e.id, e.tx) {
					return
				}
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := compact.Open(&miss, txs, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	blk := block(3000)
	b.ReportAllocs()
	for b.Loop() {
		compact.Build(blk, 1)
	}
}

func BenchmarkFill(b *testing.B) {
	blk := block(3000)
	m, _ := compact.Build(blk, 1)
	pool := compacttest.Pool(compacttest.Some(blk, func(int) bool { return true }))
	b.ReportAllocs()
	b.SetBytes(int64(blk.Size()))
	for b.Loop() {
		b.StopTimer()
		p, err := compact.Open(m, pool, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := p.Fill(nil, true); err != nil {
			b.Fatal(err)
		}
	}
}
