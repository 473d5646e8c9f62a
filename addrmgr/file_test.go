package addrmgr

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"starling/addrmgr/netaddr"
)

func filled(t *testing.T, opts Options) *Book {
	t.Helper()
	b := NewBook(seed(1), opts)
	for i := range 500 {
		b.Add(start, ip(1+i%50, i%7, 9, 9), 0, news(ip(8, i%9, i, 8), start), news(ip(7, i%9, i, 8), start))
		b.Good(start, ip(7, i%9, i, 8))
	}
	verify(t, b)
	return b
}

// With other buckets the addresses stay, and those that were reached stay so as
// far as there is a place for them.
func TestOtherLayout(t *testing.T) {
	old := filled(t, Options{})
	b, err := DecodeBook(old.Encode(), seed(2), Options{NewBuckets: 512, BucketsPerSource: 32})
	if err != nil {
		t.Fatal(err)
	}
	verify(t, b)
	if b.Len() < old.Len()*9/10 {
		t.Errorf("%d of %d are left", b.Len(), old.Len())
	}
}

func TestDecodeDamaged(t *testing.T) {
	data := filled(t, Options{}).Encode()
	for name, d := range map[string][]byte{
		"empty": nil, "short": data[:27], "cut": data[:len(data)-1], "longer": append(bytes.Clone(data), 0),
		"a count of too many": append(bytes.Clone(data[:24]), 0xff, 0xff, 0xff, 0xff),
	} {
		if _, err := DecodeBook(d, seed(1), Options{}); !errors.Is(err, errBook) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFile(t *testing.T) {
	mem := vfs.NewMem()
	var log bytes.Buffer
	cfg := Config{FS: mem, File: "peers.dat", Seed: seed(1), Log: slog.New(slog.NewTextHandler(&log, nil))}
	m, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.Add(start, ip(9, 9, 9, 9), 0, news(ip(8, 8, 8, 8), start))
	if err := m.Save(); err != nil {
		t.Fatal(err)
	}
	m, err = Open(cfg)
	if err != nil || m.Len() != 1 || log.Len() != 0 {
		t.Fatalf("opened again: %d addresses, %v, log %q", m.Len(), err, log.String())
	}

	f, err := mem.OpenReadWrite("peers.dat", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("nonsense"), 20); err != nil {
		t.Fatal(err)
	}
	f.Close()
	m, err = Open(cfg)
	if err != nil || m.Len() != 0 {
		t.Fatalf("damaged: %d addresses, %v", m.Len(), err)
	}
	if _, err := mem.Stat("peers.dat.damaged"); err != nil || !strings.Contains(log.String(), "peers.dat.damaged") {
		t.Errorf("the damaged file was not set aside and told: %v, %q", err, log.String())
	}
	if _, err := mem.Stat("peers.dat"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still in its place: %v", err)
	}
}

// What is no file at all, be it a directory or a pipe that nobody writes to, is set
// aside like a damaged one.
func TestNoFile(t *testing.T) {
	for name, bad := range map[string]func(name string) error{
		"directory": func(name string) error { return os.Mkdir(name, 0o700) },
		"pipe":      func(name string) error { return exec.Command("mkfifo", name).Run() },
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "peers.dat")
			if err := bad(file); err != nil {
				t.Skip("this system has no ", name, " to put in the way of the file: ", err)
			}
			if _, err := Open(Config{File: file}); err != nil {
				t.Error(err)
			}
			if _, err := os.Lstat(file + ".damaged"); err != nil {
				t.Error(err)
			}
		})
	}
}

// The book is on disk soon after the start, a quarter of an hour after a change,
// and at the end.
func TestRunSaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := vfs.NewMem()
		cfg := Config{FS: mem, File: "peers.dat", Seed: seed(1)}
		m, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		saved := func() int {
			synctest.Wait()
			again, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return again.Len()
		}
		now := time.Now()
		m.Add(now, ip(9, 9, 9, 9), 0, news(ip(8, 8, 8, 8), now))
		time.Sleep(saveFirst + time.Second)
		if n := saved(); n != 1 {
			t.Errorf("%d saved soon after the start", n)
		}
		time.Sleep(24 * time.Hour)
		m.Add(now, ip(9, 9, 9, 9), 0, news(ip(8, 7, 8, 8), now))
		time.Sleep(SaveEvery)
		if n := saved(); n != 2 {
			t.Errorf("%d saved after a quarter of an hour", n)
		}
		m.Add(now, ip(9, 9, 9, 9), 0, news(ip(8, 9, 8, 8), now))
		stop()
		if err := <-done; err != nil || saved() != 3 {
			t.Errorf("%d saved at the end, %v", saved(), err)
		}
	})
}

func TestAnchors(t *testing.T) {
	mem := vfs.NewMem()
	want := []netaddr.Addr{ip(8, 8, 8, 8), ip(7, 7, 7, 7)}
	if err := SaveAnchors(mem, "anchors.dat", append(want, ip(6, 6, 6, 6))); err != nil {
		t.Fatal(err)
	}
	got, err := LoadAnchors(mem, "anchors.dat")
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(netaddr.Addr{})); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	// They serve once, and that they are gone is no fault.
	for range 2 {
		if err := RemoveAnchors(mem, "anchors.dat"); err != nil {
			t.Error(err)
		}
	}
	if got, err := LoadAnchors(mem, "anchors.dat"); len(got) != 0 || err != nil {
		t.Errorf("a second time: %v, %v", got, err)
	}
}

func TestLocal(t *testing.T) {
	var l Local
	a, b := ip(8, 8, 8, 8), ip(7, 7, 7, 7)
	six, err := netaddr.Parse("[2a00::1]:8333")
	if err != nil {
		t.Fatal(err)
	}
	l.Add(a, FromInterface)
	l.Add(b, FromOperator)
	l.Add(six, FromInterface)
	if best, ok := l.For(ip(5, 5, 5, 5)); !ok || best.Addr != b {
		t.Errorf("for a peer of IPv4: %v", best)
	}
	if best, _ := l.For(six); best.Addr != six {
		t.Errorf("for a peer of IPv6: %v", best)
	}
	for range 10 {
		l.Seen(a)
	}
	if best, _ := l.For(ip(5, 5, 5, 5)); best.Addr != a {
		t.Errorf("peers reach this node at %v, told is %v", a, best)
	}
	onion, err := netaddr.Parse("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333")
	if err != nil {
		t.Fatal(err)
	}
	if own, ok := l.For(onion); ok {
		t.Errorf("a peer of Tor is told of %v", own)
	}
	l.Add(onion, FromOperator)
	if own, _ := l.For(onion); own.Addr != onion {
		t.Errorf("a peer of Tor is told of %v", own)
	}
	for _, p := range []netaddr.Addr{a, six} {
		if own, _ := l.For(p); own.Addr == onion {
			t.Errorf("%v is told of the address of Tor", p)
		}
	}
	if l.Seen(ip(1, 1, 1, 1)) || l.Has(ip(1, 1, 1, 1)) || !l.Has(a.WithPort(1)) {
		t.Error("an address that nobody has added counts, or one that was does not")
	}
}

func FuzzDecodeBook(f *testing.F) {
	b := NewBook(seed(1), Options{})
	b.Add(start, ip(9, 9, 9, 9), 0, news(ip(8, 8, 8, 8), start), news(ip(7, 8, 8, 8), start))
	b.Good(start, ip(7, 8, 8, 8))
	f.Add(b.Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBook(data, seed(1), Options{})
		if err == nil {
			verify(t, b)
		}
	})
}
