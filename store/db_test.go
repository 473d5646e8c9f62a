package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func openDB(t testing.TB, opts DBOptions) *DB {
	t.Helper()
	if opts.FS == nil {
		opts.FS = vfs.NewMem()
	}
	if opts.Dir == "" {
		opts.Dir = "data/db"
	}
	d, err := OpenDB(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// put writes pairs of key and value; a value of "-" deletes.
func put(t testing.TB, d *DB, sync bool, kv ...string) {
	t.Helper()
	b := d.NewBatch()
	for i := 0; i < len(kv); i += 2 {
		if kv[i+1] == "-" {
			b.Delete([]byte(kv[i]))
		} else {
			b.Set([]byte(kv[i]), []byte(kv[i+1]))
		}
	}
	if err := d.Write(b, sync); err != nil {
		t.Fatal(err)
	}
}

// list returns what an iteration sees as "key=value".
func list(t testing.TB, iterate func([]byte, []byte, func(k, v []byte) error) error, prefix, from string) []string {
	t.Helper()
	var got []string
	err := iterate([]byte(prefix), []byte(from), func(k, v []byte) error {
		got = append(got, fmt.Sprintf("%s=%s", k, v))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDB(t *testing.T) {
	d := openDB(t, DBOptions{})
	put(t, d, false, "a", "1", "b", "2", "c", "3", "b", "-", "empty", "")
	for _, tt := range []struct {
		key, want string
		ok        bool
	}{{"a", "1", true}, {"b", "", false}, {"c", "3", true}, {"empty", "", true}, {"zz", "", false}} {
		v, ok, err := d.Get([]byte(tt.key))
		if err != nil || ok != tt.ok || string(v) != tt.want {
			t.Errorf("%s: %q, %v, %v", tt.key, v, ok, err)
		}
		if ok, err := d.Has([]byte(tt.key)); err != nil || ok != tt.ok {
			t.Errorf("has %s: %v, %v", tt.key, ok, err)
		}
	}
	// A value is a copy: it outlives what it was read from.
	v, _, _ := d.Get([]byte("a"))
	put(t, d, false, "a", "9")
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	if string(v) != "1" {
		t.Errorf("the value changed to %q", v)
	}
	// A batch is empty after it was written, and can be used again.
	b := d.NewBatch()
	empty := b.Len()
	for i := range 3 {
		b.Set([]byte{byte(i)}, nil)
		if err := d.Write(b, true); err != nil {
			t.Fatal(err)
		}
		if n := b.Len(); n != empty {
			t.Errorf("the batch still holds %d bytes", n)
		}
	}
	b.DeleteRange([]byte{1}, []byte{2})
	if err := d.Write(b, false); err != nil {
		t.Fatal(err)
	}
	if ok, _ := d.Has([]byte{1}); ok {
		t.Error("a key of the deleted range is still there")
	}
	if ok, _ := d.Has([]byte{2}); !ok {
		t.Error("a key behind the deleted range is gone")
	}
	if d.DiskBytes() == 0 {
		t.Error("the database takes no room")
	}
}

func TestDBIterate(t *testing.T) {
	d := openDB(t, DBOptions{})
	put(t, d, false, "a", "0", "k", "1", "k1", "2", "k2", "3", "k\xff", "4", "k\xff\xff", "5", "l", "6", "\xff", "7", "\xff\xffx", "8")
	for _, tt := range []struct {
		prefix, from string
		want         []string
	}{
		{"", "", []string{"a=0", "k=1", "k1=2", "k2=3", "k\xff=4", "k\xff\xff=5", "l=6", "\xff=7", "\xff\xffx=8"}},
		{"k", "", []string{"k=1", "k1=2", "k2=3", "k\xff=4", "k\xff\xff=5"}},
		{"k", "k2", []string{"k2=3", "k\xff=4", "k\xff\xff=5"}},
		{"k", "k11", []string{"k2=3", "k\xff=4", "k\xff\xff=5"}},
		{"k", "b", []string{"k=1", "k1=2", "k2=3", "k\xff=4", "k\xff\xff=5"}},
		{"k", "z", nil},
		{"k\xff", "", []string{"k\xff=4", "k\xff\xff=5"}},
		{"\xff", "", []string{"\xff=7", "\xff\xffx=8"}},
		{"\xff\xff", "", []string{"\xff\xffx=8"}},
		{"", "l", []string{"l=6", "\xff=7", "\xff\xffx=8"}},
		{"nothing", "", nil},
	} {
		if df := cmp.Diff(tt.want, list(t, d.IterateFrom, tt.prefix, tt.from)); df != "" {
			t.Errorf("prefix %q from %q: %s", tt.prefix, tt.from, df)
		}
	}
	n := 0
	err := d.Iterate(nil, func(k, v []byte) error {
		if n++; n == 3 {
			return ErrStop
		}
		return nil
	})
	if err != nil || n != 3 {
		t.Errorf("stopped after %d, %v", n, err)
	}
	if err := d.Iterate(nil, func(k, v []byte) error { return io.EOF }); err != io.EOF {
		t.Errorf("callback's error came back as %v", err)
	}
	// It sees what was there when it began.
	n = 0
	err = d.Iterate(nil, func(k, v []byte) error {
		n++
		put(t, d, false, string(k)+"x", "new")
		return nil
	})
	if err != nil || n != 9 {
		t.Errorf("saw %d keys, %v", n, err)
	}
}

func TestDBSnapshot(t *testing.T) {
	d := openDB(t, DBOptions{})
	put(t, d, false, "a", "1", "b", "1")
	s := d.Snapshot()
	put(t, d, false, "a", "2", "b", "-", "c", "2")
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	if df := cmp.Diff([]string{"a=1", "b=1"}, list(t, s.IterateFrom, "", "")); df != "" {
		t.Error(df)
	}
	if v, ok, err := s.Get([]byte("b")); err != nil || !ok || string(v) != "1" {
		t.Errorf("b is %q, %v, %v", v, ok, err)
	}
	if _, ok, _ := s.Get([]byte("c")); ok {
		t.Error("c is there already")
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := s.Get([]byte("a")); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
}

func TestDBClosed(t *testing.T) {
	defer goleak.VerifyNone(t)
	d := openDB(t, DBOptions{})
	put(t, d, false, "a", "1")
	s := d.Snapshot()
	b := d.NewBatch()
	for range 2 {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	calls := map[string]func() error{
		"Get":      func() error { _, _, err := d.Get([]byte("a")); return err },
		"Has":      func() error { _, err := d.Has([]byte("a")); return err },
		"Write":    func() error { b.Set([]byte("b"), nil); return d.Write(b, true) },
		"Iterate":  func() error { return d.Iterate(nil, func(k, v []byte) error { return nil }) },
		"Flush":    d.Flush,
		"snapshot": func() error { _, _, err := s.Get([]byte("a")); return err },
		"scan":     func() error { return s.Iterate(nil, func(k, v []byte) error { return nil }) },
		"late":     func() error { _, _, err := d.Snapshot().Get([]byte("a")); return err },
	}
	for name, call := range calls {
		if err := call(); err != ErrClosed {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing the snapshot: %v", err)
	}
}

// Close waits for what is under way, and what is under way learns of it.
func TestDBCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDB(t, DBOptions{})
		put(t, d, false, "a", "1", "b", "2")
		release := make(chan struct{})
		var iterated, closed atomic.Bool
		go func() {
			err := d.Iterate([]byte("a"), func(k, v []byte) error {
				<-release
				_, _, err := d.Get(k) // a call inside of a call
				return err
			})
			if err != ErrClosed {
				t.Errorf("the iteration ended with %v", err)
			}
			iterated.Store(true)
		}()
		synctest.Wait()
		go func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			closed.Store(true)
		}()
		synctest.Wait()
		if closed.Load() {
			t.Error("Close did not wait")
		}
		close(release)
		synctest.Wait()
		if !iterated.Load() || !closed.Load() {
			t.Errorf("iterated %v, closed %v", iterated.Load(), closed.Load())
		}
	})
}

func TestDBLogs(t *testing.T) {
	var buf bytes.Buffer
	d := openDB(t, DBOptions{Logger: slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	fill(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(buf.String(), "level=DEBUG") || strings.Contains(buf.String(), "level=INFO") {
		t.Errorf("log is %.300s", buf.String())
	}
}

func BenchmarkDB(b *testing.B) {
	d := openDB(b, DBOptions{FS: vfs.Default, Dir: b.TempDir(), CacheBytes: 64 << 20})
	const n = 200_000
	key := func(i int) []byte {
		var k [37]byte
		binary.LittleEndian.PutUint64(k[1:], uint64(i)*0x9e3779b97f4a7c15)
		return k[:]
	}
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		batch, i := d.NewBatch(), 0
		for b.Loop() {
			batch.Set(key(i%n), make([]byte, 30))
			if i++; batch.Len() > 1<<20 {
				if err := d.Write(batch, false); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	batch := d.NewBatch()
	for i := range n {
		batch.Set(key(i), make([]byte, 30))
	}
	if err := d.Write(batch, true); err != nil {
		b.Fatal(err)
	}
	if err := d.Flush(); err != nil {
		b.Fatal(err)
	}
	for name, off := range map[string]int{"hit": 0, "miss": n} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				if _, ok, err := d.Get(key(off + i*7919%n)); err != nil || ok != (off == 0) {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
