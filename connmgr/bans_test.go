package connmgr

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
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
		data, err := b.encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeBans(data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(b.All(), back.All(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
			t.Fatalf("from the file: %s", d)
		}
	})
}

func FuzzDecodeBans(f *testing.F) {
	f.Add([]byte(`[{"subnet":"1.2.3.0/24","created":1,"until":2,"reason":"x"}]`))
	f.Add([]byte(`[{"subnet":"::/0","until":-9223372036854775808},{}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := decodeBans(data)
		if err != nil {
			return
		}
		if len(b.All()) != len(b.list) {
			t.Fatal("list and table differ")
		}
		b.Find(epoch, netip.MustParseAddr("1.2.3.4"))
		b.Expire(epoch)
	})
}
