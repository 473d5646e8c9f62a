package mempool

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
	"starling/wire"
)

// goldenPool is what the golden file holds.
func goldenPool() *saved {
	tx := func(n uint32) []byte {
		return wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{1}, Index: n}, Sequence: 5, Witness: wire.NewWitness([]byte("sig"))}},
			[]wire.TxOut{{Value: 6, Script: []byte{0x51}}}, 7).Bytes()
	}
	return &saved{
		entries: []savedEntry{
			{raw: tx(1), time: time.Unix(1_700_000_000, 0), delta: -8, first: true},
			{raw: tx(2), time: time.Unix(1_700_000_001, 0)},
		},
		deltas:      []Delta{{TxID: wire.Hash{2}, Delta: 9}},
		unbroadcast: []wire.Hash{{3}},
	}
}

// TestGoldenJournal holds the format of the journal against one that was written
// once.
func TestGoldenJournal(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "journal-v1.dat"))
	if err != nil {
		t.Fatal(err)
	}
	s := goldenPool()
	base, next := fileSum(sha256.Sum256(s.encode(nil))), fileSum{4}
	fs := vfs.NewMem()
	p := &Pool{cfg: Config{FS: fs, File: "mempool.dat"}}
	p.saver.base = base
	e := s.entries[1]
	all := []noted{
		{id: wire.Hash{1}}, {id: wire.Hash{2}, state: state{delta: 9}},
		{id: wire.Hash{3}, state: state{present: true, time: e.time, delta: -8, raw: e.raw}},
		{id: wire.Hash{4}, state: state{present: true, unbroadcast: true, time: e.time, raw: e.raw}},
	}
	for _, part := range [][]noted{all[:3], all[3:]} {
		if err := p.commit(part); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.endJournal(next); err != nil {
		t.Fatal(err)
	}
	got := bytesOf(t, fs, testJournal)
	if !bytes.Equal(got, golden) {
		t.Errorf("writes %x, and wrote %x", got, golden)
	}
	if err := store.WriteWhole(fs, "old", bytes.Clone(golden)); err != nil {
		t.Fatal(err)
	}
	var r replay
	if _, err := journalFormat().OpenLog(fs, "old", r.take); err != nil {
		t.Fatal(err)
	}
	if !r.appliesTo(base) || !r.doneWith(next) || r.appliesTo(next) || r.doneWith(base) || len(r.states) != len(all) {
		t.Errorf("reads %+v", r)
	}
	for _, n := range all {
		if got, ok := r.states[n.id]; !ok || fmt.Sprint(got) != fmt.Sprint(n.state) {
			t.Errorf("reads %v, and wrote %v", got, n.state)
		}
	}
}

// TestGolden holds the format against a file that was written once and is never
// written again: what pools there are on disk must stay readable.
func TestGolden(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "mempool-v1.dat"))
	if err != nil {
		t.Fatal(err)
	}
	fs := vfs.NewMem()
	if err := put(fs, bytes.Clone(golden)); err != nil {
		t.Fatal(err)
	}
	b, err := store.ReadFileChecked(fs, "mempool.dat", 1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := decodeSaved(b)
	if err != nil {
		t.Fatal(err)
	}
	want := goldenPool()
	if got := s.encode(nil); !bytes.Equal(got, want.encode(nil)) {
		t.Errorf("reads %+v, and wrote %+v", s, want)
	}
	if len(s.chunks()) != 1 || len(s.chunks()[0]) != 2 || !s.entries[0].time.Equal(want.entries[0].time) || s.entries[0].delta != -8 {
		t.Errorf("reads %+v", s)
	}
	if err := store.WriteFileAtomic(fs, "new.dat", fileVersion, want.encode(nil)); err != nil {
		t.Fatal(err)
	}
	f, err := fs.Open("new.dat")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := make([]byte, len(golden)+1)
	if n, _ := f.Read(got); !bytes.Equal(got[:n], golden) {
		t.Errorf("writes %x, and wrote %x", got[:n], golden)
	}
}
