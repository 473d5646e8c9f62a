package server

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/peer"
	"starling/transport/memnet"
	"starling/wire"
)

// maxForOne is what one peer may make the node keep: what may be queued and
// owed, with the messages that exceed that, and what is known of the link.
const maxForOne = 8 << 20

// TestMemoryOfOnePeer has a peer ask for blocks, read none of them, and ask on.
// Whatever it asks for, and however often, the node keeps a bounded number of
// bytes for it. Each flood is repeated without the limits, to show that it would
// be felt.
func TestMemoryOfOnePeer(t *testing.T) {
	beyond := make([]uint16, 1<<16)
	for i := range beyond {
		beyond[i] = uint16(i)
	}
	hashes := func(n int, h wire.Hash) []wire.Hash {
		all := make([]wire.Hash, n)
		for i := range all {
			all[i] = h
		}
		return all
	}
	tests := []struct {
		name  string
		count int
		flood func(tip chaintest.Block) wire.Message
		lasts bool // the limits do not matter: nothing of it is kept
	}{
		{"getdata of nothing", 200_000, func(chaintest.Block) wire.Message { return &wire.MsgGetData{} }, true},
		{"getdata of one entry", 200_000, func(b chaintest.Block) wire.Message {
			return &wire.MsgGetData{Inv: []wire.InvVect{{Type: wire.InvWitnessBlock, Hash: b.Hash()}}}
		}, false},
		{"getdata of unknown things", 20, func(chaintest.Block) wire.Message {
			return &wire.MsgGetData{Inv: make([]wire.InvVect, wire.MaxInv)}
		}, false},
		{"getblocktxn beyond the block", 300, func(b chaintest.Block) wire.Message {
			return &wire.MsgGetBlockTxn{BlockHash: b.Hash(), Indexes: beyond}
		}, true},
		{"getblocktxn", 200_000, func(b chaintest.Block) wire.Message {
			return &wire.MsgGetBlockTxn{BlockHash: b.Hash(), Indexes: []uint16{0}}
		}, false},
		{"ping", 300_000, func(chaintest.Block) wire.Message { return &wire.MsgPing{Nonce: 1, HasNonce: true} }, false},
		{"getheaders", 1000, func(b chaintest.Block) wire.Message {
			return &wire.MsgGetHeaders{Locator: hashes(wire.MaxLocator, b.Hash())}
		}, true},
		{"getheaders with an answer", 1000, func(chaintest.Block) wire.Message { return &wire.MsgGetHeaders{Locator: hashes(101, wire.Hash{1})} }, false},
		{"getblocks", 3000, func(chaintest.Block) wire.Message { return &wire.MsgGetBlocks{Locator: hashes(101, wire.Hash{1})} }, false},
		{"inv", 40, func(chaintest.Block) wire.Message {
			inv := make([]wire.InvVect, wire.MaxInv)
			for i := range inv {
				inv[i] = wire.InvVect{Type: wire.InvWTx, Hash: wire.Hash{byte(i), byte(i >> 8), byte(i >> 16)}}
			}
			return &wire.MsgInv{Inv: inv}
		}, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			grown := keptFor(t, peer.Limits{}, tc.count, tc.flood)
			t.Logf("%d messages: %d bytes are kept", tc.count, grown)
			if grown > maxForOne {
				t.Errorf("%d bytes are kept for one peer, want at most %d", grown, maxForOne)
			}
			if tc.lasts {
				return
			}
			grown = keptFor(t, peer.Limits{Queued: -1, Owed: -1, QueuedHard: -1}, tc.count, tc.flood)
			t.Logf("without limits: %d bytes", grown)
			if grown <= maxForOne {
				t.Errorf("without limits the flood takes %d bytes, so that the test shows nothing", grown)
			}
		})
	}
}

// keptFor returns how many bytes a node keeps for a peer that asks for the same
// again and again and reads nothing.
func keptFor(t *testing.T, limits peer.Limits, count int, flood func(tip chaintest.Block) wire.Message) (grown int) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 300)
		w.net = memnet.New(memnet.Options{Buffer: 1000, Stall: 1000 * time.Hour})
		blocks := w.gen.Chain(w.gen.Genesis(), 300)
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.Limits = limits })
		a.give(blocks...)
		a.compact.recent.drop(last(blocks).Hash())
		s := w.dial(a, 9)
		// What it is sent now stays in the link, which holds no more than that.
		s.send(&wire.MsgGetData{Inv: invOf(wire.InvWitnessBlock, blocks[:100])})
		synctest.Wait()
		m := flood(last(blocks))
		command, payload := m.Command(), m.AppendPayload(nil)
		before := heap()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for range count {
				if _, err := s.link.Send(command, payload); err != nil {
					return
				}
			}
		}()
		synctest.Wait() // until all has been taken, or nothing more is
		grown = int(heap()) - int(before)
		s.link.Close()
		<-sent
		a.stop()
	})
	return grown
}

// heap returns how many bytes are reachable.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
