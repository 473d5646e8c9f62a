package mempool

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"starling/clock"
	"starling/store"
	"starling/wire"
)

// reopen makes another pool on the world's chain, which reads what the world's
// pool has saved. It does not follow the chain.
func (w *world) reopen(edit func(*Config)) (*Pool, LoadStats) {
	w.t.Helper()
	cfg := w.pool.cfg
	cfg.Observer = nil
	if edit != nil {
		edit(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	stats, err := p.Load(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := p.Check(true); err != nil {
		w.t.Fatal(err)
	}
	return p, stats
}

func TestSaveAndLoad(t *testing.T) {
	w := newWorld(t, 60, nil)
	if err := w.pool.Save(); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("saved over what was not read: %v", err)
	}
	if s, err := w.pool.Load(t.Context()); err != nil || s.Read != 0 || !w.pool.Loaded() {
		t.Fatal(s, err)
	}
	var all []*wire.Tx
	add := func(tx *wire.Tx) *wire.Tx {
		w.add(tx)
		all = append(all, tx)
		return tx
	}
	for range 40 {
		add(w.pay(1000))
	}
	c := add(w.pay(500))
	for range 10 {
		c = add(spec{from: []coin{out(c, 0)}, fee: 300}.tx())
	}
	w.clk.Advance(time.Hour)
	parent := w.pay(0) // comes only with its child
	child := spec{from: []coin{out(parent, 0)}, fee: 900}.tx()
	w.submit("", parent, child)
	all = append(all, parent, child)
	w.pool.Prioritise(child.TxID(), 77)
	w.pool.Prioritise(wire.Hash{5}, -3)
	mine := w.pay(1000)
	if _, err := w.pool.Add(t.Context(), mine, AddOptions{Local: true}); err != nil {
		t.Fatal(err)
	}
	all = append(all, mine)
	if err := w.pool.Save(); err != nil {
		t.Fatal(err)
	}

	p, stats := w.reopen(nil)
	if stats.Read != len(all) || stats.Accepted != len(all) {
		t.Errorf("%+v of %d", stats, len(all))
	}
	for _, tx := range all {
		a, b := w.pool.Get(tx.TxID()), p.Get(tx.TxID())
		if b == nil {
			t.Fatal("lost")
		}
		if b.Time.Unix() != a.Time.Unix() || b.Fee != a.Fee || b.ModifiedFee != a.ModifiedFee || b.VSize != a.VSize {
			t.Errorf("%+v, then %+v", a, b)
		}
	}
	if d := p.Prioritised(); len(d) != 2 || d[0].Delta+d[1].Delta != 74 {
		t.Errorf("%+v", d)
	}
	if u := p.Unbroadcast(); len(u) != 1 || u[0] != mine.TxID() {
		t.Errorf("%v", u)
	}
	// The file is read on all cores, so those that pay the same may change
	// places.
	rates := func(p *Pool) (all []FeeRate) {
		for _, e := range p.Entries() {
			all = append(all, e.FeeRate())
		}
		return all
	}
	if !slices.Equal(rates(p), rates(w.pool)) {
		t.Error("another order")
	}

	// What is confirmed, conflicts or is too old by then does not come.
	conflict := spec{from: []coin{{all[1].In[0].PrevOut, fundValue}}, fee: 10}.tx()
	w.mine(all[0], conflict)
	w.clk.Advance(DefaultExpiry - 30*time.Minute)
	_, stats = w.reopen(nil)
	if stats.Expired != 51 || stats.Accepted != 3 { // the family and mine came an hour later
		t.Errorf("%+v", stats)
	}
	p, stats = w.reopen(func(c *Config) { c.Expiry = 10_000 * time.Hour })
	if stats.Failed+stats.Known != 2 || stats.Accepted != len(all)-2 || p.Len() != len(all)-2 {
		t.Errorf("%+v", stats)
	}
}

func TestLoadDamaged(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(fs vfs.FS, good []byte) error
	}{
		{"empty file", func(fs vfs.FS, _ []byte) error { return put(fs, nil) }},
		{"not ours", func(fs vfs.FS, _ []byte) error { return put(fs, []byte(strings.Repeat("garbage", 10))) }},
		{"a bit flipped", func(fs vfs.FS, b []byte) error { b[len(b)/2] ^= 1; return put(fs, b) }},
		{"cut short", func(fs vfs.FS, b []byte) error { return put(fs, b[:len(b)-5]) }},
		{"another version", func(fs vfs.FS, _ []byte) error {
			return store.WriteFileAtomic(fs, "mempool.dat", fileVersion+1, nil)
		}},
		{"right checksum, wrong inside", func(fs vfs.FS, _ []byte) error {
			return store.WriteFileAtomic(fs, "mempool.dat", fileVersion, []byte{0xff, 1, 2})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 2, nil)
			if _, err := w.pool.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.add(w.pay(1000))
			if err := w.pool.Save(); err != nil {
				t.Fatal(err)
			}
			f, err := w.fs.Open("mempool.dat")
			if err != nil {
				t.Fatal(err)
			}
			st, _ := f.Stat()
			good := make([]byte, st.Size())
			if _, err := f.ReadAt(good, 0); err != nil {
				t.Fatal(err)
			}
			f.Close()
			if err := c.write(w.fs, good); err != nil {
				t.Fatal(err)
			}
			var lines bytes.Buffer
			p, _ := w.reopen(func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&lines, nil)) })
			if p.Len() != 0 || !p.Loaded() {
				t.Error("not empty")
			}
			if n := strings.Count(lines.String(), "\n"); n != 1 || !strings.Contains(lines.String(), "set aside") {
				t.Errorf("%q", lines.String())
			}
			if _, err := w.fs.Stat("mempool.dat.bad"); err != nil {
				t.Error(err)
			}
			if err := p.Save(); err != nil {
				t.Error(err)
			}
		})
	}
}

func put(fs vfs.FS, b []byte) error {
	f, err := fs.Create("mempool.dat", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// TestRunSaves has Run save a pool soon after a change, and when it ends.
func TestRunSaves(t *testing.T) {
	clk := clock.NewMock(time.Unix(1e9, 0)) // with no timers but Run's
	w := newWorld(t, 10, func(c *Config) { c.Clock = clk })
	if _, err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.pool.Run(ctx) }()
	saved := func() int {
		_, stats := w.reopen(nil)
		return stats.Read
	}
	// fire moves the clock to the timer that Run has set, for no later than the
	// given time, until Run has saved. For one change it may set it twice.
	fire := func(within time.Duration) {
		t.Helper()
		for w.pool.saver.dirty.Load() || w.pool.saver.hurried.Load() {
			if due, ok := clk.Next(); ok && due.Sub(clk.Now()) <= within {
				clk.Advance(due.Sub(clk.Now()))
			}
			yield()
		}
		w.pool.saver.mu.Lock()
		//lint:ignore SA2001 whoever saves holds it until the file is written
		w.pool.saver.mu.Unlock()
	}
	w.add(w.pay(1000))
	fire(saveDelay + time.Second)
	if n := saved(); n != 1 {
		t.Errorf("%d saved", n)
	}
	file := w.bytesOf("mempool.dat")
	if _, err := w.pool.Add(t.Context(), w.pay(1000), AddOptions{Local: true}); err != nil {
		t.Fatal(err)
	}
	fire(hurryDelay + time.Millisecond)
	if n := saved(); n != 2 || !bytes.Equal(w.bytesOf("mempool.dat"), file) {
		t.Errorf("%d saved, or all of them anew", n)
	}
	w.add(w.pay(1000))
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := saved(); n != 3 {
		t.Errorf("%d saved at the end", n)
	}
	if _, err := w.fs.Stat(testJournal); !errors.Is(err, fs.ErrNotExist) || w.pool.saver.log != nil {
		t.Errorf("the journal goes on: %v", err)
	}
}

// TestCrashKeepsOldOrNew loses all that was not synced while the pool is
// written.
func TestCrashKeepsOldOrNew(t *testing.T) {
	fs := vfs.NewCrashableMem()
	w := newWorld(t, 10, func(c *Config) { c.FS = fs })
	if _, err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.add(w.pay(1000))
	if err := w.pool.Save(); err != nil {
		t.Fatal(err)
	}
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	if _, stats := w.reopen(func(c *Config) { c.FS = clone }); stats.Accepted != 1 {
		t.Errorf("%+v", stats)
	}
}

func TestLoadCancelled(t *testing.T) {
	w := newWorld(t, 5, nil)
	if _, err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.add(w.pay(1000))
	if err := w.pool.Save(); err != nil {
		t.Fatal(err)
	}
	cfg := w.pool.cfg
	cfg.Observer = nil
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Load(ctx); !errors.Is(err, context.Canceled) || p.Loaded() {
		t.Errorf("%v", err)
	}
	if err := p.Save(); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("a half-read pool was written: %v", err)
	}
}

func TestNoFile(t *testing.T) {
	w := newWorld(t, 1, func(c *Config) { c.File = "" })
	if _, err := w.pool.Load(t.Context()); err != nil || !w.pool.Loaded() {
		t.Error(err)
	}
	if w.pool.Save() == nil {
		t.Error("saved nowhere")
	}
}

func TestNeedsChain(t *testing.T) {
	if _, err := New(Config{Clock: clock.System()}); err == nil {
		t.Error("no chain, no error")
	}
}

func FuzzDecodeSaved(f *testing.F) {
	s := &saved{
		entries: []savedEntry{
			{raw: []byte("one"), time: time.Unix(1e9, 0), delta: -5, first: true},
			{raw: nil, time: time.Unix(0, 0)},
		},
		deltas: []Delta{{TxID: wire.Hash{1}, Delta: 7}}, unbroadcast: []wire.Hash{{2}},
	}
	f.Add(s.encode(nil))
	f.Add((&saved{}).encode(nil))
	f.Add([]byte{0xfe, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeSaved(b)
		if err != nil {
			return
		}
		if again := s.encode(nil); !bytes.Equal(mask(s, again), mask(s, b)) {
			t.Errorf("%x becomes %x", b, again)
		}
		n := 0
		for _, c := range s.chunks() {
			if len(c) == 0 || len(c) > MaxClusterCount {
				t.Errorf("chunk of %d", len(c))
			}
			n += len(c)
		}
		if n != len(s.entries) {
			t.Errorf("%d entries in chunks, of %d", n, len(s.entries))
		}
	})
}

// mask leaves out what has several encodings: the flags of chunks.
func mask(s *saved, b []byte) []byte {
	b = slices.Clone(b)
	at := wire.CompactSizeLen(uint64(len(s.entries)))
	for i := range s.entries {
		b[at] = 0
		at += 17 + wire.CompactSizeLen(uint64(len(s.entries[i].raw))) + len(s.entries[i].raw)
	}
	return b
}

func TestSavedRoundTrip(t *testing.T) {
	s := &saved{
		entries: []savedEntry{{raw: []byte("one"), time: time.Unix(1e9, 0), delta: -5, first: true}, {raw: []byte("2"), time: time.Unix(5, 0)}},
		deltas:  []Delta{{TxID: wire.Hash{1}, Delta: 7}}, unbroadcast: []wire.Hash{{2}},
	}
	b := s.encode(nil)
	got, err := decodeSaved(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s, got, cmp.AllowUnexported(saved{}, savedEntry{})); d != "" {
		t.Error(d)
	}
	if s.size() < len(b) {
		t.Errorf("%d bytes, %d announced", len(b), s.size())
	}
	for i := range b {
		if _, err := decodeSaved(b[:i]); err == nil {
			t.Errorf("cut at %d and read", i)
		}
	}
}
