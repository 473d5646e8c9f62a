package server

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"starling/chain/chaintest"
	"starling/wire"
)

// The first copy of each block is free, further ones are counted by their bytes.
func TestRepeats(t *testing.T) {
	var r repeats
	const size = 1_000_000
	for h := range int32(50_000) {
		if share := r.sent(h, size, repeatFlood); share != 0 {
			t.Fatalf("block %d cost %v", h, share)
		}
	}
	if n := len(r.pages); n != 50_000/repeatPage+1 {
		t.Errorf("%d pages", n)
	}
	total, times := 0.0, 0
	for h := range int32(200) {
		share := r.sent(h*200, size, repeatFlood)
		if total += share; share > 0 {
			times++
		}
	}
	if total < 0.9999 || total > 1.0001 || times != 100 {
		t.Errorf("200 MB once more count for %v, in %d times", total, times)
	}
}

// TestGetDataFlood fetches the same blocks again and again until that is too much;
// who fetches each once is not counted.
func TestGetDataFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 300)
		blocks := w.gen.Chain(w.gen.Genesis(), 300)
		a := w.start(1)
		a.give(blocks...)
		greedy, honest := w.dial(a, 8), w.dial(a, 9)
		honest.send(&wire.MsgGetData{Inv: invOf(wire.InvWitnessBlock, blocks)})
		for range blocks {
			honest.expect(wire.CmdBlock)
		}
		var inv []wire.InvVect
		size := 0
		for len(inv) < 40_000 {
			inv = append(inv, invOf(wire.InvWitnessBlock, blocks[200:])...)
		}
		for _, b := range blocks[200:] {
			size += b.Size()
		}
		want := float64(size) * float64(len(inv)/100-1) / repeatFlood * 99
		greedy.send(&wire.MsgGetData{Inv: inv})
		for range inv {
			greedy.expect(wire.CmdBlock)
		}
		sessions := a.sessions.all()
		if got := a.Conns().Score(sessions[0].host); got < want-1 || got > want || want < 2 {
			t.Errorf("who fetches the same again has a score of %v, want %v", got, want)
		}
		if got := a.Conns().Score(sessions[1].host); got != 0 {
			t.Errorf("who fetches each once has a score of %v", got)
		}
	})
}

// TestCompactBlocksRepeated fetches the same compact block again and again, from
// memory and from disk: that counts by its bytes, and beside it the first copy of
// the whole block is free.
func TestCompactBlocksRepeated(t *testing.T) {
	for name, memory := range map[string]bool{"from memory": true, "from disk": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 10)
				blocks := w.gen.Chain(w.gen.Genesis(), 10)
				a := w.start(1)
				a.give(blocks...)
				tip := last(blocks)
				if !memory {
					a.compact.recent.drop(tip.Hash())
				}
				s := w.dial(a, 9)
				host := a.sessions.all()[0].host
				ask := func(n int, of wire.InvType, want string) (size int) {
					s.send(&wire.MsgGetData{Inv: slices.Repeat([]wire.InvVect{{Type: of, Hash: tip.Hash()}}, n)})
					for range n {
						size += len(s.expect(want).AppendPayload(nil))
					}
					return size
				}
				ask(1, wire.InvCmpctBlock, wire.CmdCmpctBlock)
				ask(1, wire.InvWitnessBlock, wire.CmdBlock)
				synctest.Wait()
				if n := a.sessions.all()[0].repeats.bytes; n != 0 {
					t.Errorf("of the first copies %d bytes count", n)
				}
				size := ask(30_000, wire.InvCmpctBlock, wire.CmdCmpctBlock)
				want := float64(size) / repeatFlood * 99
				if got := a.Conns().Score(host); got > want || got < want/2 || want < 2 {
					t.Errorf("%d bytes once more count for %v, want nearly %v", size, got, want)
				}
			})
		})
	}
}

// TestOthersRepeated fetches again and again what is not a whole block: transactions
// of the tip, a transaction, and what a filter leaves of the tip, from memory and
// from disk. The first copy is free, the others count by their bytes.
func TestOthersRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		memory bool
		ask    func(tip chaintest.Block, tx *wire.Tx) wire.Message
		want   string
	}{
		"transactions of a block, from memory": {true, askTxs, wire.CmdBlockTxn},
		"transactions of a block, from disk":   {false, askTxs, wire.CmdBlockTxn},
		"transaction":                          {true, askTx, wire.CmdTx},
		"filtered block, from memory":          {true, askFiltered, wire.CmdMerkleBlock},
		"filtered block, from disk":            {false, askFiltered, wire.CmdMerkleBlock},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const times = 50
				m := newMarket(t, 8)
				a := m.nodeWith(1, vfs.NewMem(), func(c *Config) { withBloom(c); c.RepeatFlood = 50_000 })
				tx := m.pay(1000)
				tip := m.gen.Next(last(m.blocks), 0, tx)
				a.give(tip)
				if !c.memory {
					a.compact.recent.drop(tip.Hash())
				}
				s, _ := m.dialLight(a, 9)
				s.send(&wire.MsgFilterLoad{Filter: make([]byte, 1000), HashFuncs: 20})
				s.sync()
				one := a.sessions.all()[0]
				size := 0
				for i := range times + 1 {
					s.send(c.ask(tip, tx))
					n := len(s.expect(c.want).AppendPayload(nil))
					s.sync()
					if i > 0 {
						size += n
					} else if one.repeats.bytes != 0 {
						t.Errorf("of the first copy %d bytes count", one.repeats.bytes)
					}
				}
				want := float64(size) / 50_000 * 99
				if got := a.Conns().Score(one.host); got < want/2 || want < 2 {
					t.Errorf("%d bytes once more count for %v, want %v", size, got, want)
				}
			})
		})
	}
}

func askTxs(tip chaintest.Block, _ *wire.Tx) wire.Message {
	return &wire.MsgGetBlockTxn{BlockHash: tip.Hash(), Indexes: []uint16{0, 1}}
}

func askTx(_ chaintest.Block, tx *wire.Tx) wire.Message {
	return &wire.MsgGetData{Inv: []wire.InvVect{{Type: wire.InvTx, Hash: tx.TxID()}}}
}

func askFiltered(tip chaintest.Block, _ *wire.Tx) wire.Message {
	return &wire.MsgGetData{Inv: []wire.InvVect{{Type: wire.InvFilteredBlock, Hash: tip.Hash()}}}
}
