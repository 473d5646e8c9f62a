package mempool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"pgregory.net/rapid"

	"starling/clock"
	"starling/store"
	"starling/store/journal"
	"starling/wire"
)

const testJournal = "mempool.dat" + journalSuffix

// named makes a transaction that spends others, told by a letter.
func named(name byte, from ...*wire.Tx) *wire.Tx {
	in := []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{name}}}}
	for _, tx := range from {
		in = append(in, wire.TxIn{PrevOut: wire.OutPoint{Hash: tx.TxID()}})
	}
	return wire.NewTx(2, in, []wire.TxOut{{Value: 1}}, uint32(name))
}

// written is a saved pool in one line: the names of those made by named, chunk
// by chunk, with what is added to their fees, and what else is there.
func written(s *saved) string {
	var b strings.Builder
	name := map[wire.Hash]string{}
	for _, c := range s.chunks() {
		b.WriteByte('[')
		for i, e := range c {
			if i > 0 {
				b.WriteByte(' ')
			}
			tx, err := wire.ParseTx(e.raw)
			if err != nil {
				b.WriteByte('?')
				continue
			}
			name[tx.TxID()] = string(rune(tx.LockTime))
			fmt.Fprintf(&b, "%c", tx.LockTime)
			if e.delta != 0 {
				fmt.Fprintf(&b, "%+d", e.delta)
			}
			if n := e.time.Unix(); n != 0 {
				fmt.Fprintf(&b, "@%d", n)
			}
		}
		b.WriteByte(']')
	}
	for _, d := range s.deltas {
		fmt.Fprintf(&b, " %x%+d", d.TxID[:1], d.Delta)
	}
	for _, id := range s.unbroadcast {
		fmt.Fprintf(&b, " %s unbroadcast", name[id])
	}
	return b.String()
}

// TestReplay brings a saved pool up to date with a journal.
func TestReplay(t *testing.T) {
	a, x, y := named('a'), named('x'), named('y')
	b := named('b', a)
	c := named('c', b)
	in := func(tx *wire.Tx) state { return state{present: true, raw: tx.Bytes(), time: time.Unix(0, 0)} }
	fileOf := func(chunks ...[]*wire.Tx) *saved {
		s := &saved{}
		for _, chunk := range chunks {
			for i, tx := range chunk {
				s.entries = append(s.entries, savedEntry{raw: tx.Bytes(), time: time.Unix(0, 0), first: i == 0})
			}
		}
		return s
	}
	type txs = []*wire.Tx
	whole := fileOf(txs{x}, txs{a, b}, txs{c}, txs{y})
	whole.deltas = []Delta{{TxID: wire.Hash{7}, Delta: 5}, {TxID: wire.Hash{8}, Delta: 6}}
	whole.unbroadcast = []wire.Hash{x.TxID(), a.TxID()}
	const rest = " 07+5 08+6 x unbroadcast a unbroadcast"
	var chain txs
	for i := range MaxClusterCount + 1 {
		tx := named(byte('0' + i))
		if i > 0 {
			tx = named(byte('0'+i), chain[i-1])
		}
		chain = append(chain, tx)
	}
	last := len(chain) - 1
	lone := fmt.Sprintf("[%c]", '0'+last)
	for i := range last {
		lone = strings.TrimSuffix(lone, fmt.Sprintf("[%c]", '0'+last)) + fmt.Sprintf("[%c]", '0'+i) + fmt.Sprintf("[%c]", '0'+last)
	}
	later := in(b)
	later.time, later.delta, later.unbroadcast = time.Unix(9, 0), -3, true
	for _, tc := range []struct {
		name   string
		file   *saved
		states map[wire.Hash]state
		want   string
	}{
		{"nothing", whole, nil, "[x][a b][c][y]" + rest},
		{"one that hangs on nothing", whole, map[wire.Hash]state{wire.Hash{1}: in(named('n'))}, "[x][a b][c][y][n]" + rest},
		{"a child: its family is one chunk", whole, map[wire.Hash]state{wire.Hash{1}: in(named('n', c))}, "[x][a b c n][y]" + rest},
		{"a child of two families", whole, map[wire.Hash]state{wire.Hash{1}: in(named('n', y, a))}, "[x][a b c y n]" + rest},
		{"a parent that came back", fileOf(txs{x}, txs{b, c}, txs{y}), map[wire.Hash]state{a.TxID(): in(a)}, "[x][a b c][y]"},
		{"parent and child", fileOf(txs{x}), map[wire.Hash]state{a.TxID(): in(a), b.TxID(): in(b), c.TxID(): in(c)}, "[x][a b c]"},
		{"the first of a chunk goes", whole, map[wire.Hash]state{a.TxID(): {}}, "[x][b][c][y] 07+5 08+6 x unbroadcast"},
		{"the last of a chunk goes", whole, map[wire.Hash]state{b.TxID(): {}}, "[x][a][c][y]" + rest},
		{"one is prioritised, another passed on", whole, map[wire.Hash]state{b.TxID(): later, x.TxID(): in(x)}, "[x][a b-3@9][c][y] 07+5 08+6 a unbroadcast b unbroadcast"},
		{"one goes and is to be worth more", whole, map[wire.Hash]state{a.TxID(): {delta: 4}}, "[x][b][c][y] 07+5 08+6 " + fmt.Sprintf("%02x", a.TxID()[0]) + "+4 x unbroadcast"},
		{"another delta, and one that ends", whole, map[wire.Hash]state{wire.Hash{7}: {delta: 1}, wire.Hash{8}: {}}, "[x][a b][c][y] 07+1 x unbroadcast a unbroadcast"},
		{"what can not be read", fileOf(txs{x}), map[wire.Hash]state{wire.Hash{1}: {present: true, raw: []byte("?")}}, "[x][?]"},
		{"more than a cluster", fileOf(chain[:last]), map[wire.Hash]state{chain[last].TxID(): in(chain[last])}, lone},
	} {
		if got := written(tc.file.with(&replay{states: tc.states})); got != tc.want {
			t.Errorf("%s:\n%s, want\n%s", tc.name, got, tc.want)
		}
	}
}

// TestTake reads commits. What can not be read leaves nothing of itself.
func TestTake(t *testing.T) {
	sum := bytes.Repeat([]byte{1}, len(fileSum{}))
	id := bytes.Repeat([]byte{2}, wire.HashSize)
	gone := journal.Change{Key: id, Deleted: true}
	base := journal.Change{Key: []byte(keyBase), Value: sum}
	for _, tc := range []struct {
		name    string
		commits [][]journal.Change
		bad     bool // the last commit
	}{
		{"base alone", [][]journal.Change{{base}}, false},
		{"base and more", [][]journal.Change{{base, gone}, {gone}, {{Key: []byte(keyNext), Value: sum}}}, false},
		{"no base", [][]journal.Change{{gone}}, true},
		{"a file that is next first", [][]journal.Change{{{Key: []byte(keyNext), Value: sum}}}, true},
		{"base twice", [][]journal.Change{{base, base}}, true},
		{"base again", [][]journal.Change{{base}, {base}}, true},
		{"base gone", [][]journal.Change{{{Key: []byte(keyBase), Deleted: true}}}, true},
		{"base too short", [][]journal.Change{{{Key: []byte(keyBase), Value: sum[1:]}}}, true},
		{"next too long", [][]journal.Change{{base}, {gone, {Key: []byte(keyNext), Value: append(sum, 1)}}}, true},
		{"another key", [][]journal.Change{{base}, {gone, {Key: []byte("what"), Value: sum}}}, true},
		{"no kind", [][]journal.Change{{base}, {gone, {Key: id}}}, true},
		{"unknown kind", [][]journal.Change{{base}, {gone, {Key: id, Value: []byte{2, 1, 2, 3, 4, 5, 6, 7, 8}}}}, true},
		{"too long", [][]journal.Change{{base}, {gone, {Key: id, Value: make([]byte, 10)}}}, true},
		{"transaction cut off", [][]journal.Change{{base}, {gone, {Key: id, Value: append(append([]byte{1}, make([]byte, 16)...), 9)}}}, true},
	} {
		var r replay
		for i, changes := range tc.commits {
			begun, states, next := r.begun, len(r.states), len(r.next)
			err := r.take(changes)
			if bad := tc.bad && i == len(tc.commits)-1; (err != nil) != bad {
				t.Errorf("%s, commit %d: %v", tc.name, i, err)
			} else if bad && (r.begun != begun || len(r.states) != states || len(r.next) != next || !unreadable(err)) {
				t.Errorf("%s: a part of it was taken, or %v", tc.name, err)
			}
		}
	}
}

// TestStateRoundTrip writes states into a journal and reads them.
func TestStateRoundTrip(t *testing.T) {
	for i, s := range []state{
		{}, {delta: -5}, {present: true, time: time.Unix(1e9, 0), raw: []byte("raw")},
		{present: true, unbroadcast: true, time: time.Unix(5, 0), delta: 7, raw: []byte("r")},
	} {
		n := noted{id: wire.Hash{byte(i)}, state: s}
		var b journal.Batch
		b.Set(keyBase, make([]byte, len(fileSum{})))
		n.record(&b)
		fsys := vfs.NewMem()
		if l, err := journalFormat().CreateLog(fsys, "j", &b); err != nil {
			t.Fatal(err)
		} else if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		var r replay
		if _, err := journalFormat().OpenLog(fsys, "j", r.take); err != nil {
			t.Fatal(err)
		}
		if got := r.states[n.id]; fmt.Sprint(got) != fmt.Sprint(s) {
			t.Errorf("%v, want %v", got, s)
		}
	}
}

// standing is all that is to be kept of a pool, in lines.
func standing(t rapid.TB, s *saved) string {
	t.Helper()
	if s == nil {
		return ""
	}
	var lines []string
	for _, e := range s.entries {
		tx, err := wire.ParseTx(e.raw)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%v since %d %+d", tx.TxID(), e.time.Unix(), e.delta))
	}
	for _, d := range s.deltas {
		lines = append(lines, fmt.Sprintf("%v %+d", d.TxID, d.Delta))
	}
	for _, id := range s.unbroadcast {
		lines = append(lines, fmt.Sprintf("%v unbroadcast", id))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// onDisk reads what the files of a pool hold, and what is logged of it.
func (w *world) onDisk(fsys vfs.FS) (s *saved, logged string) {
	w.t.Helper()
	cfg := w.pool.cfg
	var lines bytes.Buffer
	cfg.Observer, cfg.FS, cfg.Log = nil, fsys, slog.New(slog.NewTextHandler(&lines, nil))
	p, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	if s, err = p.readFile(); err != nil {
		w.t.Fatal(err)
	}
	return s, lines.String()
}

// journalled is a world whose pool has been saved with some transactions, and
// whose journal has more in two commits.
func journalled(t *testing.T) *world {
	w := newWorld(t, 20, nil)
	if _, err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.add(w.pay(1000))
	}
	if err := w.pool.Save(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.add(w.pay(1000))
		if err := w.pool.saveChanges(); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) bytesOf(name string) []byte {
	w.t.Helper()
	return bytesOf(w.t, w.fs, name)
}

func bytesOf(t rapid.TB, fsys vfs.FS, name string) []byte {
	t.Helper()
	f, err := fsys.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) put(name string, b []byte) {
	w.t.Helper()
	if err := store.WriteWhole(w.fs, name, bytes.Clone(b)); err != nil {
		w.t.Fatal(err)
	}
}

// TestJournalAndFile has the two files meet in every way. A journal counts for
// the file that it names alone, what is told of is set aside, and the next time
// the pool is saved all is in order again.
func TestJournalAndFile(t *testing.T) {
	const (
		foreign = "journal of another mempool"
		cut     = "cut short"
		damaged = "can not be read to its end"
	)
	for _, tc := range []struct {
		name  string
		do    func(w *world, file, log []byte)
		read  int
		told  []string
		aside string
	}{
		{"as they were written", func(w *world, file, log []byte) {}, 5, nil, ""},
		{"no journal", func(w *world, file, log []byte) { w.fs.Remove(testJournal) }, 3, nil, ""},
		{"a newer file", func(w *world, file, log []byte) {
			w.add(w.pay(1000))
			w.pool.saver.log.Close()
			w.pool.saver.log = nil
			w.fs.Remove(testJournal)
			if err := w.pool.Save(); err != nil {
				w.t.Fatal(err)
			}
			w.put(testJournal, log)
		}, 6, []string{foreign}, testJournal},
		{"an older file", func(w *world, file, log []byte) {
			if err := w.pool.Save(); err != nil {
				w.t.Fatal(err)
			}
			w.add(w.pay(1000))
			if err := w.pool.saveChanges(); err != nil {
				w.t.Fatal(err)
			}
			w.put("mempool.dat", file)
		}, 3, []string{foreign}, testJournal},
		{"written whole, and the journal came back", func(w *world, file, log []byte) {
			remove, err := w.pool.endJournal(sumOf(w.pool))
			if err != nil {
				w.t.Fatal(err)
			}
			ended := w.bytesOf(testJournal)
			if err := errors.Join(remove(), w.pool.Save()); err != nil {
				w.t.Fatal(err)
			}
			w.put(testJournal, ended)
		}, 5, nil, ""},
		{"no file", func(w *world, file, log []byte) { w.fs.Remove("mempool.dat") }, 0, []string{foreign}, testJournal},
		{"a damaged file", func(w *world, file, log []byte) {
			file[len(file)/2] ^= 1
			w.put("mempool.dat", file)
		}, 0, []string{"saved mempool can not be read", foreign}, testJournal},
		{"a torn journal", func(w *world, file, log []byte) { w.put(testJournal, append(log, "SWR\x01 and more"...)) }, 5, []string{cut}, ""},
		{"a journal whose second commit is damaged", func(w *world, file, log []byte) {
			log[len(log)-5] ^= 1
			w.put(testJournal, log)
		}, 4, []string{damaged}, testJournal},
		{"a journal whose first commit is damaged", func(w *world, file, log []byte) {
			log[120] ^= 1
			w.put(testJournal, log)
		}, 3, []string{damaged}, testJournal},
		{"a journal that lacks its end", func(w *world, file, log []byte) { w.put(testJournal, log[:len(log)-5]) }, 4, []string{damaged}, testJournal},
		{"an empty journal", func(w *world, file, log []byte) { w.put(testJournal, nil) }, 3, []string{damaged}, testJournal},
		{"a journal of something else", func(w *world, file, log []byte) {
			w.put(testJournal, append([]byte("STARLING WALLET\n"), log[16:]...))
		}, 3, []string{damaged}, testJournal},
		{"a commit that says nothing that is known", func(w *world, file, log []byte) {
			var b journal.Batch
			b.Set("later", nil)
			if err := w.pool.saver.log.Append(&b); err != nil {
				w.t.Fatal(err)
			}
		}, 5, []string{damaged}, testJournal},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := journalled(t)
			tc.do(w, w.bytesOf("mempool.dat"), w.bytesOf(testJournal))
			for again := range 2 {
				s, logged := w.onDisk(w.fs)
				if s == nil {
					s = &saved{}
				}
				if len(s.entries) != tc.read {
					t.Errorf("%d read, want %d", len(s.entries), tc.read)
				}
				if n := strings.Count(logged, "\n"); again == 0 && n != len(tc.told) {
					t.Errorf("logged: %s", logged)
				}
				for _, line := range tc.told {
					if again == 0 && !strings.Contains(logged, line) {
						t.Errorf("not told that %s: %s", line, logged)
					}
				}
			}
			_, gone := w.fs.Stat(testJournal)
			p, stats := w.reopen(nil)
			if stats.Accepted != tc.read || gone == nil && !p.saver.any() {
				t.Errorf("%+v, to be saved: %v", stats, p.saver.any())
			}
			if err := p.Save(); err != nil {
				t.Fatal(err)
			}
			if _, err := w.fs.Stat(testJournal); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the journal is still there: %v", err)
			}
			if _, err := w.fs.Stat(aside(testJournal)); (err == nil) != (tc.aside != "") {
				t.Errorf("set aside: %v", err)
			}
			if s, logged := w.onDisk(w.fs); len(s.entries) != tc.read || logged != "" {
				t.Errorf("%d in the end, logged: %s", len(s.entries), logged)
			}
		})
	}
}

// upToDate saves what has changed, and compares what is on disk with the pool.
func (w *world) upToDate() {
	w.t.Helper()
	if err := w.pool.saveChanges(); err != nil {
		w.t.Fatal(err)
	}
	s, logged := w.onDisk(w.fs)
	if got, want := standing(w.t, s), standing(w.t, w.pool.snapshot()); got != want || logged != "" {
		w.t.Errorf("on disk is\n%s\nin the pool\n%s\n%s", got, want, logged)
	}
}

// TestBlocksAreNoted has blocks come and go that change what is to be saved of
// transactions which are not in the pool, or leave it on the way.
func TestBlocksAreNoted(t *testing.T) {
	w := journalled(t)
	base := w.tip
	tx := w.pay(1000)
	w.pool.Prioritise(tx.TxID(), 5)
	w.upToDate()
	w.mine(tx)
	w.upToDate()
	w.add(spec{from: []coin{out(tx, 0)}, fee: 1000}.tx())
	w.upToDate()
	w.fork(base, 2, spec{from: []coin{{tx.In[0].PrevOut, fundValue}}, fee: 2}.tx())
	w.upToDate()
	if w.pool.Len() != 5 {
		t.Errorf("%d in the pool", w.pool.Len())
	}
}

// sumOf names the file that a pool would write now.
func sumOf(p *Pool) fileSum { return sha256.Sum256(p.snapshot().encode(nil)) }

// crashes takes copies of a file system as a power cut would leave it, before
// each thing that is written.
type crashes struct {
	mem    *vfs.MemFS
	rng    *rand.Rand
	states []string // that were to be saved so far
	kept   int      // which of them is on disk for sure
	copies []cut
}

// cut is what a power cut leaves, and what may be in it.
type cut struct {
	fs  *vfs.MemFS
	may []string
}

func (c *crashes) fs() vfs.FS {
	return errorfs.Wrap(c.mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose {
			c.take()
		}
		return nil
	}))
}

func (c *crashes) take() {
	// Nothing survives, as after a power cut; everything, as after a kill; or
	// something in between.
	percent := []int{0, 100, c.rng.IntN(101)}[c.rng.IntN(3)]
	c.copies = append(c.copies, cut{
		fs:  c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: c.rng}),
		may: slices.Clone(c.states[c.kept:]),
	})
}

// save has a pool saved, with copies on the way and after it.
func (c *crashes) save(t testing.TB, p *Pool, save func() error) {
	t.Helper()
	c.states = append(c.states, standing(t, p.snapshot()))
	if err := save(); err != nil {
		t.Fatal(err)
	}
	c.kept = len(c.states) - 1
	c.take()
}

// TestCrashAnywhere takes the power away before each write of a pool that is
// saved again and again, and once more while it is saved after that. What comes
// back is the pool as it was saved last, or as it was to be saved then, and no
// file is ever taken for another's.
func TestCrashAnywhere(t *testing.T) {
	steps := 60
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 3))
		c := &crashes{mem: vfs.NewCrashableMem(), rng: rng, states: []string{""}}
		w := newWorld(t, 80, func(cfg *Config) { cfg.FS = c.fs() })
		if _, err := w.pool.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range steps {
			w.change(rng)
			switch rng.IntN(8) {
			case 0:
				c.save(t, w.pool, w.pool.Save)
			case 1, 2, 3, 4:
				c.save(t, w.pool, w.pool.saveChanges)
			}
		}
		c.save(t, w.pool, func() error { w.pool.saveLast(); return nil })
		names := map[string]int{}
		for i, cut := range c.copies {
			s, logged := w.onDisk(cut.fs)
			if got := standing(t, s); !slices.Contains(cut.may, got) {
				t.Fatalf("seed %d, copy %d holds\n%s\nand should one of\n%s", seed, i, got, strings.Join(cut.may, "\n\n"))
			}
			if strings.Contains(logged, "aside") {
				t.Fatalf("seed %d, copy %d: %s", seed, i, logged)
			}
			for _, name := range []string{"mempool.dat", testJournal} {
				if _, err := cut.fs.Stat(name); err == nil {
					names[name]++
				}
			}
			if i%5 == 0 {
				w.crashAgain(cut.fs, rng)
			}
		}
		if names["mempool.dat"] == 0 || names[testJournal] == 0 || names[testJournal] == len(c.copies) {
			t.Errorf("of %d copies %v", len(c.copies), names)
		}
	}
}

// crashAgain starts on what a crash has left, and takes the power away while the
// pool is written for the first time.
func (w *world) crashAgain(left *vfs.MemFS, rng *rand.Rand) {
	t := w.t.(testing.TB)
	t.Helper()
	was, logged := w.onDisk(left)
	c := &crashes{mem: left.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng}), rng: rng, states: []string{standing(t, was)}}
	p, _ := w.reopen(func(cfg *Config) { cfg.FS = c.fs() })
	c.copies = nil
	c.save(t, p, p.saveChanges)
	for i, cut := range c.copies {
		s, again := w.onDisk(cut.fs)
		if got := standing(t, s); !slices.Contains(cut.may, got) {
			t.Fatalf("copy %d after a start holds\n%s\nand should one of\n%s", i, got, strings.Join(cut.may, "\n\n"))
		}
		// Nothing can be written behind an end that is torn.
		if logged == "" && again != "" {
			t.Fatalf("copy %d after a start: %s", i, again)
		}
	}
}

// change does something to the pool, or lets a block do it.
func (w *world) change(rng *rand.Rand) {
	entries := w.pool.Entries()
	any := func() *Entry { return entries[rng.IntN(len(entries))] }
	add := func(tx *wire.Tx, o AddOptions) {
		_, err := w.pool.Add(context.Background(), tx, o)
		var rej *Rejection
		if err != nil && !errors.As(err, &rej) {
			w.t.Fatal(err)
		}
	}
	switch n := rng.IntN(12); {
	case n < 5 || len(entries) == 0:
		if len(w.funds) > 0 {
			w.clk.Advance(time.Second)
			add(w.pay(1000), AddOptions{Local: n == 0})
		}
	case n < 7: // a child
		if e := any(); len(e.Tx.Out) > 0 {
			add(spec{from: []coin{out(e.Tx, 0)}, fee: 500}.tx(), AddOptions{})
		}
	case n < 8: // in the place of another
		e := any()
		if fee := e.Fee + 2000; e.Orphanless {
			add(spec{from: []coin{{e.Tx.In[0].PrevOut, fundValue}}, fee: fee}.tx(), AddOptions{})
		}
	case n < 9:
		w.pool.Prioritise(any().TxID, int64(rng.IntN(100)-50))
	case n < 10:
		w.pool.Prioritise(wire.Hash{byte(rng.IntN(3))}, int64(rng.IntN(9)-4))
	case n < 11:
		for _, id := range w.pool.Unbroadcast() {
			w.pool.Broadcast(id)
		}
	default:
		if e := any(); e.Orphanless {
			w.mine(e.Tx)
		}
	}
}

// TestFamiliesComeBack has what can not pay for itself come back from a journal
// together with what pays for it, also if one of them is in the file.
func TestFamiliesComeBack(t *testing.T) {
	w := newWorld(t, 5, nil)
	if _, err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	parent := w.pay(0)
	child := spec{from: []coin{out(parent, 0)}, fee: 900}.tx()
	w.submit("", parent, child)
	if err := w.pool.Save(); err != nil {
		t.Fatal(err)
	}
	// Another child pays for the parent now, and a second family has come.
	child = spec{from: []coin{out(parent, 0)}, fee: 5000}.tx()
	w.add(child)
	parent2 := w.pay(0)
	child2 := spec{from: []coin{out(parent2, 0)}, fee: 900}.tx()
	w.submit("", parent2, child2)
	if err := w.pool.saveChanges(); err != nil {
		t.Fatal(err)
	}
	p, stats := w.reopen(nil)
	for i, tx := range []*wire.Tx{parent, child, parent2, child2} {
		if p.Get(tx.TxID()) == nil {
			t.Errorf("transaction %d is lost: %+v", i, stats)
		}
	}
	if stats.Read != 4 || stats.Accepted != 4 {
		t.Errorf("%+v", stats)
	}
}

// counted counts the bytes that are written.
type counted struct {
	vfs.FS
	bytes int64
}

type countedFile struct {
	vfs.File
	fs *counted
}

func (f countedFile) Write(b []byte) (int, error) {
	f.fs.bytes += int64(len(b))
	return f.File.Write(b)
}

func (f countedFile) WriteAt(b []byte, off int64) (int, error) {
	f.fs.bytes += int64(len(b))
	return f.File.WriteAt(b, off)
}

func (c *counted) wrap(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return countedFile{f, c}, nil
}

func (c *counted) Create(name string, k vfs.DiskWriteCategory) (vfs.File, error) {
	return c.wrap(c.FS.Create(name, k))
}

func (c *counted) OpenReadWrite(name string, k vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return c.wrap(c.FS.OpenReadWrite(name, k, o...))
}

// taken returns how many bytes were written since it was last called.
func (c *counted) taken() int64 {
	n := c.bytes
	c.bytes = 0
	return n
}

// many fills the pool with n transactions, each of a confirmed coin.
func (w *world) many(n int) {
	first := w.coin()
	rest := coin{wire.OutPoint{Hash: first.op.Hash, Index: first.op.Index + uint32(len(w.funds)) + 1}, 0}
	c, ok, _, err := w.chain.Coin(rest.op)
	if !ok || err != nil {
		w.t.Fatal(ok, err)
	}
	rest.value = c.Value
	const each = 40_000
	for n > 0 {
		k := min(n, 25_000) // fit into a block
		split := spec{from: []coin{rest}, extra: slices.Repeat([]wire.TxOut{{Value: each, Script: anyone}}, k)}.tx()
		w.mine(split)
		for i := range k {
			w.add(spec{from: []coin{out(split, i+1)}, fee: 1000}.tx())
		}
		rest, n = out(split, 0), n-k
	}
}

// TestOneCostsOne fills a pool, and has one more come, be worth more, and go.
// What is written then is about that one, however many there are.
func TestOneCostsOne(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 5_000
	}
	disk := &counted{FS: vfs.NewMem()}
	w := newWorld(t, 5, func(c *Config) { c.FS = disk })
	if _, err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.many(n)
	if err := w.pool.saveChanges(); err != nil {
		t.Fatal(err)
	}
	whole := disk.taken()
	if whole < int64(n)*100 || w.pool.Len() != n {
		t.Fatalf("%d bytes of %d transactions", whole, w.pool.Len())
	}
	tx := w.pay(1000)
	for i, do := range []func(){
		func() { w.add(tx) },
		func() { w.pool.Prioritise(tx.TxID(), 5) },
		func() { w.add(w.pay(1000)) },
		func() { w.mine(tx) },
		func() { w.pool.Prioritise(wire.Hash{1}, 5) },
	} {
		do()
		if err := w.pool.saveChanges(); err != nil {
			t.Fatal(err)
		}
		if got := disk.taken(); got == 0 || got > int64(tx.Size())+500 {
			t.Errorf("change %d has %d bytes written, the whole pool takes %d", i, got, whole)
		}
	}
	if err := w.pool.saveChanges(); err != nil || disk.taken() != 0 {
		t.Errorf("written without a change: %v", err)
	}
	t.Logf("%d transactions take %d bytes", n, whole)
}

// TestJournalIsBounded changes large transactions again and again: the journal
// must not grow for ever.
func TestJournalIsBounded(t *testing.T) {
	disk := &counted{FS: vfs.NewMem()}
	w := newWorld(t, 20, func(c *Config) { c.FS = disk })
	if _, err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		w.add(spec{from: []coin{w.coin()}, fee: 100_000, pad: 90_000}.tx())
	}
	if err := w.pool.Save(); err != nil {
		t.Fatal(err)
	}
	size := disk.taken()
	whole := 0
	for range 30 {
		for _, e := range w.pool.Entries() {
			w.pool.Prioritise(e.TxID, 1)
		}
		if err := w.pool.saveChanges(); err != nil {
			t.Fatal(err)
		}
		st, err := disk.Stat(testJournal)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			whole++
		case err != nil:
			t.Fatal(err)
		case st.Size() > size+journalAbove:
			t.Fatalf("the journal has %d bytes, and the file %d", st.Size(), size)
		}
	}
	if whole < 2 || whole > 4 {
		t.Errorf("written whole %d times", whole)
	}
	if n := disk.taken(); n > 35*size {
		t.Errorf("%d bytes are written of %d that have changed 30 times", n, size)
	}
	if s, logged := w.onDisk(disk); standing(t, s) != standing(t, w.pool.snapshot()) {
		t.Errorf("what is on disk is not the pool: %s", logged)
	}
}

// TestJournalEnds has no journal outlive a stop, also if nothing has changed
// since it was written, or nothing of it is of use at the start.
func TestJournalEnds(t *testing.T) {
	w := journalled(t)
	p, stats := w.reopen(func(c *Config) { c.Expiry = time.Second; c.Clock = clock.NewMock(w.clk.Now().Add(time.Hour)) })
	if stats.Expired != 5 || !p.saver.any() {
		t.Errorf("%+v, to be saved: %v", stats, p.saver.any())
	}
	w.pool.saveLast()
	if _, err := w.fs.Stat(testJournal); !errors.Is(err, fs.ErrNotExist) || w.pool.saver.log != nil {
		t.Errorf("the journal is still there: %v", err)
	}
	if s, logged := w.onDisk(w.fs); len(s.entries) != 5 || logged != "" {
		t.Errorf("%d saved, logged: %s", len(s.entries), logged)
	}
}

// TestManyChanges notes more than is kept of what has changed.
func TestManyChanges(t *testing.T) {
	w := journalled(t)
	for i := range maxNoted + 1 {
		w.pool.Prioritise(wire.Hash{byte(i), byte(i >> 8), byte(i >> 16)}, 1)
		if n := len(w.pool.saver.changed); n > maxNoted {
			t.Fatalf("%d noted", n)
		}
	}
	if err := w.pool.saveChanges(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.fs.Stat(testJournal); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was not written whole: %v", err)
	}
	s, _ := w.onDisk(w.fs)
	if len(s.deltas) != maxNoted+1 || len(s.entries) != 5 {
		t.Errorf("%d deltas, %d entries", len(s.deltas), len(s.entries))
	}
}

// TestFullDisk lets each write of a save fail once. What was saved before is
// there then or what is to be saved now, and the next save makes up for it.
func TestFullDisk(t *testing.T) {
	for _, whole := range []bool{false, true} {
		failed := true
		for at := 0; failed; at++ {
			left := -1
			mem := vfs.NewMem()
			w := newWorld(t, 10, func(c *Config) {
				c.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
					if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
						if left--; left == -1 {
							return syscall.ENOSPC
						}
					}
					return nil
				}))
			})
			if _, err := w.pool.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			save := w.pool.saveChanges
			for range 2 {
				w.add(w.pay(1000))
				if err := save(); err != nil {
					t.Fatal(err)
				}
			}
			before := standing(t, w.pool.snapshot())
			w.add(w.pay(1000))
			after := standing(t, w.pool.snapshot())
			if whole {
				save = w.pool.Save
			}
			left = at
			err := save()
			failed = left < 0
			if !failed && err != nil {
				t.Fatal(err)
			}
			left = -1
			s, logged := w.onDisk(mem)
			if got := standing(t, s); got != after && (got != before || err == nil) {
				t.Errorf("write %d fails: %v, on disk is\n%s\n%s", at, err, got, logged)
			}
			if err != nil && !w.pool.saver.any() {
				t.Errorf("write %d fails, and nothing is to be done", at)
			}
			if err := w.pool.saveChanges(); err != nil {
				t.Fatal(err)
			}
			if s, logged := w.onDisk(mem); standing(t, s) != after || logged != "" {
				t.Errorf("write %d fails, and afterwards on disk is\n%s\n%s", at, standing(t, s), logged)
			}
			w.close()
			if at > 40 {
				t.Fatal("it fails for ever")
			}
		}
	}
}

// FuzzReplay brings an arbitrary file up to date with arbitrary commits. Nothing
// may come of it that could not have been saved.
func FuzzReplay(f *testing.F) {
	a := named('a')
	b := named('b', a)
	s := &saved{entries: []savedEntry{{raw: a.Bytes(), first: true}, {raw: named('x').Bytes(), first: true}}}
	id := b.TxID()
	f.Add(s.encode(nil), id[:], wire.AppendVarBytes(append([]byte{kindPresent}, make([]byte, 16)...), b.Bytes()), []byte{1})
	f.Add([]byte{0, 0, 0}, []byte(keyNext), make([]byte, 32), []byte{})
	f.Fuzz(func(t *testing.T, file, key, value, key2 []byte) {
		s, err := decodeSaved(file)
		if err != nil {
			return
		}
		var r replay
		err = r.take([]journal.Change{
			{Key: []byte(keyBase), Value: make([]byte, len(fileSum{}))}, {Key: key, Value: value},
			{Key: append(key2, make([]byte, max(0, wire.HashSize-len(key2)))...), Deleted: true},
		})
		if err != nil {
			return
		}
		got := s.with(&r)
		if len(got.entries) > len(s.entries)+1 {
			t.Errorf("%d entries of %d", len(got.entries), len(s.entries))
		}
		if _, err := decodeSaved(got.encode(nil)); err != nil {
			t.Error(err)
		}
	})
}
