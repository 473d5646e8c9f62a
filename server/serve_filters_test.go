package server

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/index"
	"starling/index/gcs"
	"starling/peer"
	"starling/wire"
)

// startFilters starts node number i with an index of block filters, which it
// serves. Its index stands still until the returned function is called.
func (w *world) startFilters(i byte) (a *node, x *index.FilterIndex, run func()) {
	w.t.Helper()
	return w.startFiltersWith(i, nil)
}

func (w *world) startFiltersWith(i byte, change func(*Config)) (a *node, x *index.FilterIndex, run func()) {
	w.t.Helper()
	a = w.startBefore(i, vfs.NewMem(), change, func(n *Server) {
		var err error
		x, err = index.OpenFilters(index.Options{Source: index.Over(n.Chain()), FS: vfs.NewMem(), Dir: "filters"})
		if err != nil {
			w.t.Fatal(err)
		}
		n.ServeFilters(x)
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	started := false
	run = func() {
		started = true
		go func() { done <- x.Run(ctx) }()
		if err := x.WaitSynced(w.t.Context()); err != nil {
			w.t.Error(err)
		}
	}
	w.t.Cleanup(func() {
		a.stop() // its sessions read the index
		cancel()
		if started {
			if err := <-done; err != nil {
				w.t.Error(err)
			}
		}
		if err := x.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return a, x, run
}

// TestServeFilters fetches filters, their headers and checkpoints, and compares
// them with what the index has.
func TestServeFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2100)
		a, x, run := w.startFilters(1)
		blocks := w.gen.Chain(w.gen.Genesis(), 2100)
		a.give(blocks...)
		s := w.dial(a, 9)
		// As long as there are none, there is no answer.
		s.send(&wire.MsgGetCFilters{StartHeight: 1, Stop: blocks[0].Hash()}, &wire.MsgGetCFHeaders{Stop: blocks[0].Hash()}, &wire.MsgGetCFCheckpt{Stop: last(blocks).Hash()})
		s.sync()
		run()

		at := func(h int32) (hash, header wire.Hash, filter []byte) {
			t.Helper()
			n := a.Chain().At(h)
			hash, header, ok, err := x.FilterHeader(n)
			filter, ok2, err2 := x.Filter(n)
			if !ok || !ok2 || err != nil || err2 != nil {
				t.Fatal(h, ok, ok2, err, err2)
			}
			return hash, header, filter
		}
		for _, r := range [][2]int32{{0, 0}, {0, 999}, {1101, 2100}, {5, 5}, {2100, 2100}} {
			s.send(&wire.MsgGetCFilters{StartHeight: uint32(r[0]), Stop: a.Chain().At(r[1]).Hash})
			for h := r[0]; h <= r[1]; h++ {
				_, _, want := at(h)
				if m := s.expect(wire.CmdCFilter).(*wire.MsgCFilter); m.BlockHash != a.Chain().At(h).Hash || !bytes.Equal(m.Filter, want) || m.FilterType != wire.FilterBasic {
					t.Fatalf("of %v, at %d: %+v", r, h, m)
				}
			}
			s.sync() // and nothing more
		}
		for _, r := range [][2]int32{{0, 0}, {0, 1999}, {101, 2100}, {1, 1}, {2100, 2100}} {
			s.send(&wire.MsgGetCFHeaders{StartHeight: uint32(r[0]), Stop: a.Chain().At(r[1]).Hash})
			m := s.expect(wire.CmdCFHeaders).(*wire.MsgCFHeaders)
			var before wire.Hash
			if r[0] > 0 {
				_, before, _ = at(r[0] - 1)
			}
			if m.Stop != a.Chain().At(r[1]).Hash || m.PrevFilterHeader != before || len(m.FilterHashes) != int(r[1]-r[0]+1) {
				t.Fatalf("of %v: %d hashes before %v", r, len(m.FilterHashes), m.PrevFilterHeader)
			}
			for i, got := range m.FilterHashes {
				hash, header, filter := at(r[0] + int32(i))
				if wantHash, want := gcs.Header(filter, before); got != hash || hash != wantHash || header != want {
					t.Fatalf("of %v, at %d: %v", r, i, got)
				}
				before = header
			}
		}
		for _, h := range []int32{0, 999, 1000, 1999, 2000, 2100} {
			s.send(&wire.MsgGetCFCheckpt{Stop: a.Chain().At(h).Hash})
			m := s.expect(wire.CmdCFCheckpt).(*wire.MsgCFCheckpt)
			if m.Stop != a.Chain().At(h).Hash || len(m.FilterHeaders) != int(h/1000) {
				t.Fatalf("at %d: %+v", h, m)
			}
			for i, got := range m.FilterHeaders {
				if _, want, _ := at(int32(i+1) * 1000); got != want {
					t.Errorf("checkpoint %d up to %d: %v", i, h, got)
				}
			}
		}
		if !a.LocalServices().Has(wire.NodeCompactFilters) {
			t.Error("it does not tell that it serves filters")
		}
	})
}

// TestServeFiltersRefuses asks for filters as nobody should: each request ends
// the link.
func TestServeFiltersRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2200)
		a, _, run := w.startFilters(1)
		blocks := w.gen.Chain(w.gen.Genesis(), 2100)
		a.give(blocks...)
		run()
		plain := w.start(2)
		hash := func(h int) wire.Hash { return blocks[h-1].Hash() }
		// A block that is known by its header alone.
		next := w.gen.Next(last(blocks), 0)
		side := w.gen.Next(blocks[2000], 0)
		for _, b := range []chaintest.Block{next, side} {
			if _, _, err := a.Chain().Headers().Add(&b.Header, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		for i, m := range []wire.Message{
			&wire.MsgGetCFilters{FilterType: 1, Stop: hash(1)},
			&wire.MsgGetCFilters{Stop: wire.Hash{1}},
			&wire.MsgGetCFilters{StartHeight: 2100, Stop: next.Hash()},
			&wire.MsgGetCFilters{StartHeight: 2001, Stop: side.Hash()},
			&wire.MsgGetCFilters{StartHeight: 3, Stop: hash(2)},
			&wire.MsgGetCFilters{StartHeight: 0, Stop: hash(1000)},
			&wire.MsgGetCFilters{StartHeight: 0xffffffff, Stop: hash(1000)},
			&wire.MsgGetCFHeaders{FilterType: 255, Stop: hash(1)},
			&wire.MsgGetCFHeaders{Stop: wire.Hash{1}},
			&wire.MsgGetCFHeaders{StartHeight: 3, Stop: hash(2)},
			&wire.MsgGetCFHeaders{StartHeight: 100, Stop: hash(2100)},
			&wire.MsgGetCFCheckpt{FilterType: 1, Stop: hash(1)},
			&wire.MsgGetCFCheckpt{Stop: wire.Hash{1}},
		} {
			s := w.dial(a, byte(10+i))
			s.send(m)
			s.gone()
		}
		for i, m := range []wire.Message{&wire.MsgGetCFilters{Stop: w.par.GenesisHash}, &wire.MsgGetCFHeaders{Stop: w.par.GenesisHash}, &wire.MsgGetCFCheckpt{Stop: w.par.GenesisHash}} {
			s := w.dial(plain, byte(50+i))
			s.send(m)
			s.gone()
		}
		if plain.LocalServices().Has(wire.NodeCompactFilters) {
			t.Error("it tells that it serves filters")
		}
		// Nobody was banned for it.
		w.dial(a, 10).sync()
	})
}

// TestServeFiltersSlowly asks for many filters and does not read them: they are
// not made before they are taken.
func TestServeFiltersSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1000)
		a, _, run := w.startFilters(1)
		a.give(w.gen.Chain(w.gen.Genesis(), 999)...)
		run()
		s := w.dial(a, 9)
		tip := a.Chain().Tip().Hash
		const asks = 2000
		for range asks {
			s.send(&wire.MsgGetCFilters{Stop: tip})
		}
		time.Sleep(10 * time.Second)
		for _, p := range a.Peers() {
			if st := p.Peer.Stats(); st.Queued > peer.MaxQueued {
				t.Errorf("%d bytes are queued for %v", st.Queued, p.Peer)
			}
		}
		w.dial(a, 8).sync() // others do not notice
		for range 3000 {
			s.expect(wire.CmdCFilter)
		}
	})
}

// TestServeFiltersOfOldBranch asks for the filters of a block that has left the
// chain a moment ago.
func TestServeFiltersOfOldBranch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 10)
		a, x, run := w.startFilters(1)
		blocks := w.gen.Chain(w.gen.Genesis(), 5)
		a.give(blocks...)
		run()
		a.give(w.gen.Chain(blocks[3], 2)...)
		if err := x.WaitSynced(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := w.dial(a, 9)
		s.send(&wire.MsgGetCFilters{StartHeight: 5, Stop: blocks[4].Hash()})
		if m := s.expect(wire.CmdCFilter).(*wire.MsgCFilter); m.BlockHash != blocks[4].Hash() {
			t.Errorf("of block %v", m.BlockHash)
		}
	})
}
