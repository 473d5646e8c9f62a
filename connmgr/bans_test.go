package connmgr

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"starling/store"
	"starling/store/journal"
)

func TestParseSubnet(t *testing.T) {
	tests := []struct{ in, want string }{
		{"1.2.3.4", "1.2.3.4/32"},
		{"1.2.3.4/24", "1.2.3.0/24"},
		{"10.1.0.0/255.255.0.0", "10.1.0.0/16"},
		{"10.1.0.0/255.0.255.0", ""},
		{"::1", "::1/128"},
		{"2001:db8::1/32", "2001:db8::/32"},
		{"::ffff:1.2.3.4", "1.2.3.4/32"},
		{"::ffff:1.2.3.4/112", "1.2.0.0/16"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"fe80::1%eth0", ""},
		{"1.2.3.4/33", ""},
		{"example.org", ""},
		{"", ""},
	}
	for _, tc := range tests {
		t.Run(tc.in, func(t *testing.T) {
			got, err := ParseSubnet(tc.in)
			if tc.want == "" {
				var bad *SubjectError
				if !errors.As(err, &bad) {
					t.Errorf("got %v, %v", got, err)
				}
				return
			}
			if err != nil || got.String() != tc.want {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestBans(t *testing.T) {
	b := NewBans()
	hour := epoch.Add(time.Hour)
	add := func(subnet string, until time.Time) error {
		return b.Add(Ban{Subnet: netip.MustParsePrefix(subnet), Created: epoch, Until: until, Reason: subnet})
	}
	for _, s := range []string{"1.2.3.4/32", "10.0.0.0/8", "2001:db8::/32"} {
		if err := add(s, hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := add("10.0.0.0/8", hour.Add(-time.Minute)); !errors.Is(err, ErrBanned) {
		t.Errorf("a shorter ban: %v", err)
	}
	if err := add("10.0.0.0/8", hour.Add(time.Minute)); err != nil {
		t.Errorf("a longer ban: %v", err)
	}
	tests := []struct {
		addr string
		at   time.Time
		want string
	}{
		{"1.2.3.4", epoch, "1.2.3.4/32"},
		{"::ffff:1.2.3.4", epoch, "1.2.3.4/32"},
		{"1.2.3.5", epoch, ""},
		{"10.200.3.4", epoch, "10.0.0.0/8"},
		{"11.0.0.1", epoch, ""},
		{"2001:db8:1::1", epoch, "2001:db8::/32"},
		{"2001:db9::1", epoch, ""},
		{"1.2.3.4", hour, ""},
		{"10.1.1.1", hour, "10.0.0.0/8"},
	}
	for _, tc := range tests {
		ban, ok := b.Find(tc.at, netip.MustParseAddr(tc.addr))
		if ok != (tc.want != "") || ban.Reason != tc.want {
			t.Errorf("%s: %v %v, want %q", tc.addr, ban, ok, tc.want)
		}
	}
	if err := b.Remove(netip.MustParsePrefix("10.0.0.0/9")); !errors.Is(err, ErrNotBanned) {
		t.Errorf("lifting what is not there: %v", err)
	}
	if err := b.Remove(netip.MustParsePrefix("10.0.0.0/8")); err != nil {
		t.Error(err)
	}
	if _, ok := b.Find(epoch, netip.MustParseAddr("10.1.1.1")); ok {
		t.Error("still banned")
	}
	if !b.Expire(hour) || len(b.All()) != 0 || b.Expire(hour) {
		t.Errorf("after expiry: %v", b.All())
	}
}

// The list finds exactly what a plain search through it finds, and comes back
// from its file as it was.
func TestBansPlay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := NewBans()
		plain := map[netip.Prefix]Ban{}
		drawPrefix := func() netip.Prefix {
			bits := rapid.SampledFrom([]int{0, 7, 8, 15, 16, 24, 31, 32}).Draw(t, "bits")
			a := netip.AddrFrom4([4]byte{1, byte(rapid.IntRange(0, 3).Draw(t, "b")), 3, byte(rapid.IntRange(0, 3).Draw(t, "d"))})
			return netip.PrefixFrom(a, bits).Masked()
		}
		for range rapid.IntRange(0, 20).Draw(t, "changes") {
			p := drawPrefix()
			if rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				_, known := plain[p]
				if err := b.Remove(p); (err == nil) != known {
					t.Fatalf("remove %v: %v", p, err)
				}
				delete(plain, p)
				continue
			}
			ban := Ban{Subnet: p, Created: epoch, Until: epoch.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "hours")) * time.Hour)}
			old, known := plain[p]
			longer := !known || old.Until.Before(ban.Until)
			if err := b.Add(ban); (err == nil) != longer {
				t.Fatalf("add %v: %v", p, err)
			}
			if longer {
				plain[p] = ban
			}
		}
		count := 0
		for _, byLength := range b.lengths {
			for _, n := range byLength {
				count += n
			}
		}
		if count != len(plain) {
			t.Fatalf("counts %d entries, there are %d", count, len(plain))
		}
		now := epoch.Add(time.Duration(rapid.IntRange(0, 10).Draw(t, "now")) * time.Hour)
		for range 10 {
			a := drawPrefix().Addr()
			want := false
			for p, ban := range plain {
				want = want || p.Contains(a) && now.Before(ban.Until)
			}
			if _, got := b.Find(now, a); got != want {
				t.Fatalf("%v found %v, want %v", a, got, want)
			}
		}
		file := banFile{fs: vfs.NewMem(), path: "bans"}
		if err := file.write(b.changes()); err != nil {
			t.Fatal(err)
		}
		back, err := file.load()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(b.All(), back.All(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
			t.Fatalf("from the file: %s", d)
		}
	})
}

// TestOlderBans takes over a file of the older form, once.
func TestOlderBans(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want int
	}{
		"one":                 {`[{"subnet":"1.2.3.0/24","created":1,"until":4000000000,"reason":"x"}]`, 1},
		"one that has ended":  {`[{"subnet":"1.2.3.0/24","created":1,"until":2,"reason":"x","by_score":true}]`, 0},
		"one, and nonsense":   {`[{"subnet":"::/0","until":4000000000},{}]`, 1},
		"one, and much older": {`[{"subnet":"::/0","until":4000000000},{"subnet":"1.2.3.4/32","until":-9223372036854775808}]`, 1},
		"none":                {`[]`, 0},
		"no list":             {`7`, -1},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{FS: vfs.NewMem(), BanFile: "bans", OldBanFile: "old"}
			if err := store.WriteFileAtomic(cfg.FS, "old", oldFileVersion, []byte(tc.text)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				m, err := New(cfg)
				if tc.want < 0 {
					if err == nil {
						t.Error("taken")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if n := len(m.Bans()); n != tc.want {
					t.Errorf("%d bans, want %d", n, tc.want)
				}
				if _, err := cfg.FS.Stat("old"); err == nil {
					t.Error("the older file is still there")
				}
			}
		})
	}
}

// TestTornBans starts with lists whose end was cut short. That is told, the bans
// before it are there, and of the files as they were only the last is kept.
func TestTornBans(t *testing.T) {
	fs := vfs.NewMem()
	if err := fs.MkdirAll("/node", 0o700); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cfg := Config{FS: fs, BanFile: "/node/bans", OldBanFile: "/node/old", Log: slog.New(slog.NewTextHandler(&log, nil))}
	for i := range 4 {
		m := newManager(t, cfg)
		if n := len(m.Bans()); n != min(i, 1) {
			t.Errorf("start %d: %d bans", i, n)
		}
		if told := strings.Contains(log.String(), "cut short"); told != (i > 0) {
			t.Errorf("start %d: the log says %q", i, log.String())
		}
		if _, err := fs.Stat("/node/old"); err == nil {
			t.Errorf("start %d: a list of the older form is still there", i)
		}
		log.Reset()
		if i == 0 {
			if err := m.Ban(netip.MustParsePrefix("1.2.3.0/24"), time.Time{}, ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := fs.OpenReadWrite("/node/bans", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		end, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(bytes.Repeat([]byte{7}, i+1), end.Size()); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Close(), store.WriteFileAtomic(fs, "/node/old", oldFileVersion, []byte(`[{"subnet":"::/0","until":4000000000}]`))); err != nil {
			t.Fatal(err)
		}
	}
	if aside, err := journal.Aside(fs, "/node/bans"); err != nil || len(aside) != 1 {
		t.Errorf("set aside: %v, %v", aside, err)
	}
}

// TestManyBans has one more ban cost no more than one, however many there are: of
// bytes written, and of entries looked at.
func TestManyBans(t *testing.T) {
	var written atomic.Int64
	fs := countingFS{vfs.NewMem(), &written}
	m := newManager(t, Config{FS: fs, BanFile: "bans"})
	until := m.cfg.Clock.Now().Add(time.Hour)
	at := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
	}
	for i := range maxBans {
		if err := m.bans.Add(Ban{Subnet: at(i), Until: until.Add(time.Duration(i) * time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	written.Store(0)
	for i := range 10 {
		if err := m.Ban(at(maxBans+i), until.Add(1000*time.Hour), "by command"); err != nil {
			t.Fatal(err)
		}
	}
	if n := written.Load(); n > 10*1000 {
		t.Errorf("ten bans wrote %d bytes", n)
	}
	if n := len(m.bans.ends[0]); n > maxBans+10 {
		t.Errorf("%d endings are kept", n)
	}
	back := newManager(t, Config{FS: fs, BanFile: "bans"}) // as after a kill
	for i, want := range map[int]bool{0: false, 9: false, 10: true, maxBans: true, maxBans + 9: true} {
		if _, got := back.Banned(at(i).Addr()); got != want {
			t.Errorf("ban %d is there: %v", i, got)
		}
	}
	// The same subnet banned and lifted again and again leaves nothing behind.
	small := NewBans()
	for i := range 10_000 {
		small.Add(Ban{Subnet: at(1), Until: until.Add(time.Duration(i) * time.Second)})
		small.Remove(at(1))
	}
	if n := len(small.ends[0]); n > 100 {
		t.Errorf("%d endings are kept of no ban", n)
	}
}

// countingFS counts the bytes that are written.
type countingFS struct {
	vfs.FS
	n *atomic.Int64
}

func (c countingFS) count(f vfs.File, err error) (vfs.File, error) {
	return countingFile{f, c.n}, err
}

func (c countingFS) Create(name string, k vfs.DiskWriteCategory) (vfs.File, error) {
	return c.count(c.FS.Create(name, k))
}

func (c countingFS) OpenReadWrite(name string, k vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return c.count(c.FS.OpenReadWrite(name, k, o...))
}

type countingFile struct {
	vfs.File
	n *atomic.Int64
}

func (c countingFile) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return c.File.Write(b)
}

func (c countingFile) WriteAt(b []byte, at int64) (int, error) {
	c.n.Add(int64(len(b)))
	return c.File.WriteAt(b, at)
}
