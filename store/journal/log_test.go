package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
)

// logs is a format for logs.
var logs = Format{Magic: "STARLING RECORDS", Name: "list of records", Advice: "delete it"}

// told is what a log hands over: a line for each commit.
type told struct{ lines []string }

func (o *told) take(changes []Change) error {
	var parts []string
	for _, c := range changes {
		if c.Deleted {
			parts = append(parts, string(c.Key)+" gone")
		} else {
			parts = append(parts, string(c.Key)+"="+string(c.Value))
		}
	}
	o.lines = append(o.lines, strings.Join(parts, " "))
	return nil
}

// TestLog has a log hand over its commits, each in one piece, and go on.
func TestLog(t *testing.T) {
	fsys := vfs.NewMem()
	l, err := logs.CreateLog(fsys, "l.dat", batch("a", "1", "b", "2"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := logs.CreateLog(fsys, "l.dat", batch()); !errors.Is(err, ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	if err := errors.Join(l.Append(batch("a", nil, "c", "3")), l.Append(batch()), l.Close()); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(batch("d", "4")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("appended after close: %v", err)
	}
	want := []string{"a=1 b=2", "a gone c=3"}
	for _, next := range []string{"e=5", "f=6"} {
		var o told
		if l, err = logs.OpenLog(fsys, "l.dat", o.take); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(o.lines, want) || l.Torn() != 0 || l.Size() != int64(len(readAll(t, fsys, "l.dat"))) {
			t.Errorf("%q, %d bytes torn of %d", o.lines, l.Torn(), l.Size())
		}
		k, v, _ := strings.Cut(next, "=")
		if err := errors.Join(l.Append(batch(k, v)), l.Close()); err != nil {
			t.Fatal(err)
		}
		want = append(want, next)
	}
	var large Batch
	large.Set("k", make([]byte, MaxValue+1))
	if _, err := logs.CreateLog(fsys, "m.dat", &large); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

// TestLogRefused stops where who reads it says so.
func TestLogRefused(t *testing.T) {
	fsys := vfs.NewMem()
	l, err := logs.CreateLog(fsys, "l.dat", batch("a", "1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Append(batch("b", "2")), l.Append(batch("c", "3")), l.Close()); err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	n := 0
	_, err = logs.OpenLog(fsys, "l.dat", func([]Change) error {
		if n++; n == 2 {
			return no
		}
		return nil
	})
	if !errors.Is(err, no) || n != 2 {
		t.Errorf("%v after %d", err, n)
	}
}

// TestLogEnds cuts a log off at every place and changes every byte. What is read
// is always the first commits, and a file that is not whole is either torn, and
// then takes nothing more, or damaged.
func TestLogEnds(t *testing.T) {
	fsys := vfs.NewMem()
	l, err := logs.CreateLog(fsys, "l.dat", batch("a", "1"))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"a=1"}
	var before []byte // the last commit, whose mark is written when it is on disk
	for i := range 4 {
		before = readAll(t, fsys, "l.dat")
		if err := l.Append(batch("k", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint("k=", i))
	}
	whole := readAll(t, fsys, "l.dat")
	torn := 0
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 0x10
		unmarked := append(bytes.Clone(before), whole[min(i, len(before)):i]...)
		for what, raw := range map[string][]byte{"cut": whole[:i], "changed": flipped, "unmarked, cut": unmarked} {
			fsys := vfs.NewMem()
			if err := store.WriteWhole(fsys, "l.dat", bytes.Clone(raw)); err != nil {
				t.Fatal(err)
			}
			var o told
			l, err := logs.OpenLog(fsys, "l.dat", o.take)
			if len(o.lines) > len(all) || !slices.Equal(o.lines, all[:len(o.lines)]) {
				t.Fatalf("%s at %d: %q", what, i, o.lines)
			}
			var corrupt *store.CorruptError
			if err != nil {
				if !errors.As(err, &corrupt) {
					t.Errorf("%s at %d: %v", what, i, err)
				}
				continue
			}
			if l.Torn() == 0 {
				continue // one of the marks is changed, or nothing of the last commit is there
			}
			torn++
			if err := l.Append(batch("x", "y")); !errors.As(err, &corrupt) {
				t.Errorf("%s at %d: went on behind a torn end: %v", what, i, err)
			}
		}
	}
	if n := len(whole) - len(before) - 1; torn != n {
		t.Errorf("%d torn, want %d", torn, n)
	}
}

// TestLogCrash takes the power away between commits, with chance deciding what
// of the unsynced data is kept.
func TestLogCrash(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		fsys := vfs.NewCrashableMem()
		l, err := logs.CreateLog(fsys, "l.dat", batch("a", "1"))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"a=1"}
		for i := range rng.IntN(6) {
			if err := l.Append(batch("k", fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprint("k=", i))
		}
		clone := fsys.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		var o told
		if _, err := logs.OpenLog(clone, "l.dat", o.take); err != nil || !slices.Equal(o.lines, want) {
			t.Fatalf("after a crash %q, %v; want %q", o.lines, err, want)
		}
	}
}
