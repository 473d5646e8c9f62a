package server

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/wire"
)

// TestFastRelay has the chain take five seconds over each block after its first
// checks. By then the block has been passed on, and all of it served.
func TestFastRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 112)
		c := newCoins(w)
		a := w.start(1)
		a.give(c.chain...)
		a.stop()
		a = w.startWith(1, a.fs, func(cfg *Config) { cfg.Metrics.Chain = slow{} })
		s, plain := w.dial(a, 8), w.dial(a, 9)
		for _, p := range []*script{s, plain} {
			p.send(&wire.MsgGetHeaders{Locator: []wire.Hash{c.chain[100].Hash()}})
			p.expect(wire.CmdHeaders)
			p.sync()
		}
		s.send(&wire.MsgSendCmpct{Announce: true, Version: 2})
		s.sync()
		txs := c.txs(3)
		b := c.block(txs...)
		start := time.Now()
		given := make(chan struct{})
		go func() { defer close(given); a.give(b) }()
		m := s.expect(wire.CmdCmpctBlock).(*wire.MsgCmpctBlock)
		if took := time.Since(start); took > 20*time.Millisecond || m.Header.Hash() != b.Hash() || m.TxCount() != 4 {
			t.Errorf("after %v: %d transactions", took, m.TxCount())
		}
		h := b.Hash()
		s.send(&wire.MsgGetBlockTxn{BlockHash: h, Indexes: []uint16{1, 3}})
		if got := s.expect(wire.CmdBlockTxn).(*wire.MsgBlockTxn); len(got.Txs) != 2 || got.Txs[1].TxID() != txs[2].TxID() {
			t.Errorf("got %d transactions", len(got.Txs))
		}
		s.send(&wire.MsgGetData{Inv: []wire.InvVect{{Type: wire.InvCmpctBlock, Hash: h}, {Type: wire.InvWitnessBlock, Hash: h}, {Type: wire.InvBlock, Hash: h}}})
		s.expect(wire.CmdCmpctBlock)
		for range 2 {
			if got := s.expect(wire.CmdBlock).(*wire.MsgBlock); got.Hash() != h {
				t.Error("another block")
			}
		}
		if took := time.Since(start); took > time.Second || a.Chain().Tip().Hash == h {
			t.Errorf("it took %v, the tip is at %d", took, a.Chain().Tip().Height)
		}
		plain.expect(wire.CmdInv)
		if took := time.Since(start); took < 5*time.Second {
			t.Errorf("those who do not want compact blocks heard of it after %v", took)
		}
		<-given
		s.sync() // it is not announced twice
		if tx := a.compact.recent.tx(txs[1].WTxID()); tx == nil || tx.TxID() != txs[1].TxID() {
			t.Error("a transaction of the block is gone")
		}
	})
}

// TestServeCompact asks for compact blocks and single transactions at all
// depths.
func TestServeCompact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 112)
		c := newCoins(w)
		a := w.start(1)
		a.give(c.chain...)
		for range 12 {
			a.give(c.block(c.txs(2)...))
		}
		a.compact.recent.drop(c.tip().Hash()) // from disk
		s := w.dial(a, 9)
		for depth, want := range map[int][2]string{
			0: {wire.CmdCmpctBlock, wire.CmdBlockTxn}, 5: {wire.CmdCmpctBlock, wire.CmdBlockTxn},
			6: {wire.CmdBlock, wire.CmdBlockTxn}, 10: {wire.CmdBlock, wire.CmdBlockTxn}, 11: {wire.CmdBlock, wire.CmdBlock},
		} {
			b := c.chain[len(c.chain)-1-depth]
			s.send(&wire.MsgGetData{Inv: []wire.InvVect{{Type: wire.InvCmpctBlock, Hash: b.Hash()}}})
			if m, ok := s.expect(want[0]).(*wire.MsgCmpctBlock); ok && (m.Header.Hash() != b.Hash() || m.TxCount() != 3) {
				t.Errorf("depth %d: %d transactions", depth, m.TxCount())
			}
			s.send(&wire.MsgGetBlockTxn{BlockHash: b.Hash(), Indexes: []uint16{0, 2}})
			if m, ok := s.expect(want[1]).(*wire.MsgBlockTxn); ok && (len(m.Txs) != 2 || m.Txs[1].TxID() != b.Txs[2].TxID()) {
				t.Errorf("depth %d: %d transactions", depth, len(m.Txs))
			}
		}
		if n := len(a.compact.built.all); n != 2 {
			t.Errorf("%d compact blocks are kept, of two that were asked for", n)
		}
		s.send(&wire.MsgGetBlockTxn{BlockHash: wire.Hash{1}, Indexes: []uint16{0}})
		idle := w.dial(a, 8)
		idle.send(&wire.MsgGetBlockTxn{BlockHash: c.tip().Hash()}) // of no transaction
		idle.gone()
		s.send(&wire.MsgGetBlockTxn{BlockHash: c.tip().Hash(), Indexes: []uint16{3}})
		s.gone()
		synctest.Wait()
		if len(a.Conns().Bans()) != 1 {
			t.Error("who asks beyond the end of a block is not banned")
		}
	})
}

// damage turns all bits of the block files below a directory.
func damage(t *testing.T, fs vfs.FS, dir string) (files int) {
	names, err := fs.List(dir)
	if err != nil {
		return 0 // a file
	}
	for _, name := range names {
		at := fs.PathJoin(dir, name)
		files += damage(t, fs, at)
		if !strings.HasPrefix(name, "blk") {
			continue
		}
		st, err := fs.Stat(at)
		if err != nil {
			t.Fatal(err)
		}
		f, err := fs.OpenReadWrite(at, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, st.Size())
		if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
			t.Fatal(err)
		}
		for i := range b {
			b[i] = ^b[i]
		}
		if _, err := f.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		f.Close()
		files++
	}
	return files
}

// Who asks for a block that this node cannot read any more loses its link, and
// the node goes on, in whatever form the block was asked for.
func TestServeDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 112)
		c := newCoins(w)
		a := w.start(1)
		a.give(c.chain...)
		for range 3 {
			a.give(c.block(c.txs(2)...))
		}
		a.compact.recent.drop(c.tip().Hash())
		if damage(t, a.fs, a.cfg.Dir) == 0 {
			t.Fatal("there is no file of blocks")
		}
		for i, typ := range []wire.InvType{wire.InvCmpctBlock, wire.InvBlock, wire.InvWitnessBlock} {
			s := w.dial(a, byte(9+i))
			s.send(&wire.MsgGetData{Inv: []wire.InvVect{{Type: typ, Hash: c.tip().Hash()}}})
			s.gone()
		}
		w.dial(a, 20).sync()
	})
}
