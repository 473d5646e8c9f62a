package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// rec frames a payload as it is in a file.
func rec(payload string) string {
	b := binary.LittleEndian.AppendUint32(testMagic[:len(testMagic):len(testMagic)], uint32(len(payload)))
	return string(b) + payload
}

// found is what a scan found: "offset payload" each.
type found []string

func (f *found) add(pos Pos, payload []byte) error {
	*f = append(*f, fmt.Sprintf("%v %s", pos, payload))
	return nil
}

// putFile writes the bytes of one flat file.
func putFile(t testing.TB, fs vfs.FS, n int, content string) {
	t.Helper()
	if err := fs.MkdirAll("d/blocks", 0o755); err != nil {
		t.Fatal(err)
	}
	h, err := fs.Create(fmt.Sprintf("d/blocks/blk%05d.dat", n), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestScan(t *testing.T) {
	zeros := strings.Repeat("\x00", 100)
	magic := string(testMagic[:])
	long := strings.Repeat("L", 3*scanBuffer)
	tests := []struct {
		name    string
		content string
		want    found
	}{
		{"empty", "", nil},
		{"records", rec("one") + rec("two"), found{"0:8 one", "0:19 two"}},
		{"padding between and behind", rec("one") + zeros + rec("two") + zeros, found{"0:8 one", "0:119 two"}},
		{"only zeros", zeros, nil},
		{"garbage in front", "garbage" + rec("one"), found{"0:15 one"}},
		{"torn in the payload", rec("one") + rec("two")[:10], found{"0:8 one"}},
		{"torn in the header", rec("one") + rec("two")[:7], found{"0:8 one"}},
		{"torn in the magic", rec("one") + rec("two")[:3], found{"0:8 one"}},
		{"length of nothing", magic + "\x00\x00\x00\x00" + rec("one"), found{"0:16 one"}},
		{"length above the limit", magic + "\x00\x00\x00\x7f" + rec("one"), found{"0:16 one"}},
		{"length beyond the end", magic + "\x00\x10\x00\x00" + rec("one") + rec("two"), found{"0:16 one", "0:27 two"}},
		{"magic twice", magic + rec("one"), found{"0:12 one"}},
		{"magic cut short before a record", magic[:3] + rec("one"), found{"0:11 one"}},
		{"longer than the buffer", rec(long) + rec("two"), found{"0:8 " + long, fmt.Sprintf("0:%d two", 16+len(long))}},
		{"padding longer than the buffer", strings.Repeat("\x00", 5*scanBuffer/2+3) + rec("one"), found{fmt.Sprintf("0:%d one", 5*scanBuffer/2+11)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fs := vfs.NewMem()
			putFile(t, fs, 0, tt.content)
			f := openFiles(t, FilesOptions{FS: fs})
			var got found
			if err := f.Scan(context.Background(), Pos{}, got.add); err != nil {
				t.Fatal(err)
			}
			if !equalFound(tt.want, got) {
				t.Errorf("found %.200q, want %.200q", got, tt.want)
			}

			// The same as a stream, from a source that gives what it likes.
			for name, r := range map[string]io.Reader{
				"whole":  strings.NewReader(tt.content),
				"halves": iotest.HalfReader(strings.NewReader(tt.content)),
				"at end": iotest.DataErrReader(strings.NewReader(tt.content)),
			} {
				i := 0
				err := ScanReader(context.Background(), r, testMagic, 4_000_000, func(p []byte) error {
					if _, want, _ := strings.Cut(tt.want[i], " "); string(p) != want {
						t.Errorf("%s: record %d is %.100q", name, i, p)
					}
					i++
					return nil
				})
				if err != nil || i != len(tt.want) {
					t.Errorf("%s: %d records, %v; want %d", name, i, err, len(tt.want))
				}
			}
		})
	}
}

func equalFound(a, b found) bool { return strings.Join(a, "|") == strings.Join(b, "|") }

func TestScanNotRecord(t *testing.T) {
	// A record whose length was damaged swallows the next two; the callback
	// sees that what it got is no block.
	inner := rec("one") + "noise" + rec("two")
	content := rec("first") + rec("X"+inner) + rec("last")
	fs := vfs.NewMem()
	putFile(t, fs, 0, content)
	f := openFiles(t, FilesOptions{FS: fs})
	var got found
	err := f.Scan(context.Background(), Pos{}, func(pos Pos, p []byte) error {
		if p[0] == 'X' {
			return fmt.Errorf("cannot parse: %w", ErrNotRecord)
		}
		return got.add(pos, p)
	})
	want := found{"0:8 first", "0:30 one", "0:46 two", "0:57 last"}
	if err != nil || !equalFound(want, got) {
		t.Errorf("found %q, %v; want %q", got, err, want)
	}
}

func TestScanFrom(t *testing.T) {
	f := openFiles(t, FilesOptions{MaxFileSize: 30})
	for _, s := range []string{"one", "two", "three", "four", "five"} {
		mustAppend(t, f, s)
	}
	all := found{"0:8 one", "0:19 two", "1:8 three", "1:21 four", "2:8 five"}
	for _, tt := range []struct {
		from Pos
		want found
	}{
		{Pos{}, all},
		{Pos{0, 11}, all[1:]}, // behind the first record
		{Pos{0, 3}, all[1:]},  // inside of it
		{Pos{0, 22}, all[2:]},
		{Pos{1, 0}, all[2:]},
		{Pos{1, 13}, all[3:]},
		{Pos{2, 0}, all[4:]},
		{Pos{2, 1000}, nil},
		{Pos{9, 0}, nil},
	} {
		var got found
		if err := f.Scan(context.Background(), tt.from, got.add); err != nil {
			t.Fatal(err)
		}
		if !equalFound(tt.want, got) {
			t.Errorf("from %v: found %q, want %q", tt.from, got, tt.want)
		}
	}
}

func TestScanTrailer(t *testing.T) {
	f := openFiles(t, FilesOptions{Prefix: "rev", Trailer: 4})
	for _, s := range []string{"one", "two"} {
		// A trailer that looks like a magic must not be taken for one.
		if _, err := f.Append([]byte(s), testMagic[:]); err != nil {
			t.Fatal(err)
		}
	}
	var got found
	if err := f.Scan(context.Background(), Pos{}, got.add); err != nil {
		t.Fatal(err)
	}
	if want := (found{"0:8 one", "0:23 two"}); !equalFound(want, got) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestScanErrors(t *testing.T) {
	f := openFiles(t, FilesOptions{})
	mustAppend(t, f, "one")
	mustAppend(t, f, "two")
	mine := errors.New("mine")
	calls := 0
	stop := func(Pos, []byte) error { calls++; return mine }
	if err := f.Scan(context.Background(), Pos{}, stop); err != mine || calls != 1 {
		t.Errorf("callback's error: %v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := f.Scan(ctx, Pos{}, func(Pos, []byte) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	broken := errors.New("broken")
	r := io.MultiReader(strings.NewReader(rec("one")), iotest.ErrReader(broken))
	if err := ScanReader(context.Background(), r, testMagic, 10, func([]byte) error { return nil }); err != broken {
		t.Errorf("reader's error: %v", err)
	}
}

// records is a plain way to find records in b: the reference for the fuzz test.
func records(b []byte, limit int, ok func(payload []byte) bool) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for i := 0; i+recordHeaderSize <= len(b); i++ {
			n := int64(binary.LittleEndian.Uint32(b[i+4:]))
			if [4]byte(b[i:]) != testMagic || n == 0 || n > int64(limit) || n > int64(len(b)-i-recordHeaderSize) {
				continue
			}
			p := b[i+recordHeaderSize:][:n]
			if !ok(p) {
				continue
			}
			if !yield(i+recordHeaderSize, p) {
				return
			}
			i += recordHeaderSize + int(n) - 1
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(rec("one") + "\x00\x00" + rec("two")))
	f.Add([]byte(rec("!bad"+rec("inner")) + rec("last")[:9]))
	f.Add([]byte(rec(rec(rec("!"))) + string(testMagic[:]) + "\xff\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 200
		good := func(p []byte) bool { return p[0] != '!' }
		var want, got found
		for off, p := range records(b, limit, good) {
			_ = want.add(Pos{0, uint32(off)}, p)
		}
		s := newScanner(iotest.HalfReader(bytes.NewReader(b)), testMagic, limit, 0)
		err := s.run(context.Background(), func(off int64, p []byte) error {
			if !good(p) {
				return ErrNotRecord
			}
			return got.add(Pos{0, uint32(off)}, p)
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

// Whatever bytes of a file are damaged, every record that was not touched and
// does not lie inside a wrong length is found again.
func TestScanFindsWhatIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "records")
		var file []byte
		var want []string
		for i := range n {
			p := fmt.Sprintf("%d%s", i, strings.Repeat("p", rapid.IntRange(0, 300).Draw(t, "size")))
			want = append(want, p)
			file = append(file, rec(p)...)
		}
		bad := rapid.IntRange(0, n-1).Draw(t, "bad")
		at := 0
		for _, p := range want[:bad] {
			at += len(rec(p))
		}
		// One byte of one record's header or payload.
		at += rapid.IntRange(0, len(rec(want[bad]))-1).Draw(t, "byte")
		file[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		intact := map[string]bool{}
		for _, p := range want {
			intact[p] = true
		}
		seen := 0
		err := ScanReader(context.Background(), bytes.NewReader(file), testMagic, 1000, func(p []byte) error {
			if !intact[string(p)] {
				return ErrNotRecord
			}
			seen++
			return nil
		})
		if err != nil || seen < n-1 {
			t.Fatalf("found %d of %d records, %v", seen, n, err)
		}
	})
}

func BenchmarkScanReader(b *testing.B) {
	for _, size := range []int{250, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			file := []byte(strings.Repeat(rec(string(make([]byte, size))), 16<<20/size))
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				err := ScanReader(context.Background(), bytes.NewReader(file), testMagic, 4_000_000, func([]byte) error { n++; return nil })
				if err != nil || n != 16<<20/size {
					b.Fatal(n, err)
				}
			}
		})
	}
	b.Run("padding", func(b *testing.B) {
		file := make([]byte, 16<<20)
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			_ = ScanReader(context.Background(), bytes.NewReader(file), testMagic, 4_000_000, func([]byte) error { return nil })
		}
	})
}
