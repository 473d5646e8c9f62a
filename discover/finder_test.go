package discover

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/params"
	"starling/transport"
	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names answers look-ups from a table; a name that is not in it hangs until the
// question is withdrawn.
type names map[string][]netip.Addr

func (n names) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	host, ok := strings.CutSuffix(host, ".")
	if !ok {
		return nil, errors.New("the system's own domains are looked through for " + host)
	}
	if ips, ok := n[host]; ok {
		if len(ips) == 0 {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		return ips, nil
	}
	<-ctx.Done()
	return nil, &net.DNSError{Err: ctx.Err().Error(), Name: host, IsTimeout: true}
}

func many(a, b byte, n int) (ips []netip.Addr) {
	for i := range n {
		ips = append(ips, netip.AddrFrom4([4]byte{a, b, byte(i >> 8), byte(i)}))
	}
	return ips
}

// find runs a finder for a while.
func find(t *testing.T, d time.Duration, cfg Config) (*Finder, *addrmgr.Manager) {
	t.Helper()
	book, err := addrmgr.Open(addrmgr.Config{Seed: [32]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Book = book
	cfg.Found = func() {}
	if cfg.Links == nil {
		cfg.Links = func() (full, all int) { return 0, 0 }
	}
	f := New(cfg)
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	if err := f.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return f, book
}

func network(seeds ...string) *params.Network {
	n := params.Signet()
	n.DNSSeeds, n.FixedSeeds = seeds, []string{"5.5.5.5:38333", "6.6.6.6:38333"}
	return n
}

// A seed that answers with thousands of addresses gets in no more than its
// share; one that hangs or lies about names holds nobody up.
func TestSeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, book := find(t, time.Minute, Config{
			Network: network("good", "greedy", "hangs", "missing"), DNS: true,
			Resolver: names{"x9.good": many(8, 1, 3), "x9.greedy": many(9, 1, 5000), "x9.missing": nil},
		})
		if n := book.Len(); n < 3+maxFromSeed/2 || n > 3+maxFromSeed {
			t.Errorf("%d addresses, want 3 and at most %d", n, maxFromSeed)
		}
		for _, e := range book.Entries(addrmgr.TableNew) {
			if age := time.Since(e.Seen); age < seedAgeMin || age > seedAgeMin+seedAgeSpread+time.Hour {
				t.Errorf("%v counts as seen %v ago", e.Addr, age)
			}
		}
		told := strings.Join(f.Asked(), "\n")
		for _, want := range []string{"good: 3 addresses", "hangs: the DNS server does not answer in time", "missing: there is no such name, or it has no addresses"} {
			if !strings.Contains(told, want) {
				t.Errorf("%q is not among what was told:\n%s", want, told)
			}
		}
	})
}

// A seed that answers with 5,000 addresses of 50 groups brings its share, and
// without the limit some thousand.
func TestSeedFloods(t *testing.T) {
	var all []netip.Addr
	for group := range byte(50) {
		all = append(all, many(9, group, 100)...)
	}
	for name, c := range map[string]struct{ perSeed, least, most int }{"with": {0, 16, 32}, "without": {-1, 1000, 5000}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, book := find(t, 10*time.Second, Config{Network: network("greedy"), DNS: true, PerSeed: c.perSeed,
					Resolver: names{"x9.greedy": all}})
				n := book.Len()
				t.Logf("measured: %d", n)
				if n < c.least || n > c.most {
					t.Errorf("%d addresses, want %d to %d", n, c.least, c.most)
				}
			})
		})
	}
}

// A seed that answers with addresses that nobody can reach brings nothing.
func TestSeedLies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, book := find(t, 10*time.Second, Config{Network: network("liar"), DNS: true,
			Resolver: names{"x9.liar": append(many(127, 0, 20), many(10, 0, 20)...)}})
		if n := book.Len(); n != 0 {
			t.Errorf("%d addresses that nobody can reach are in the book", n)
		}
	})
}

func TestFixed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for fixed, want := range map[bool]int{true: 2, false: 0} {
			if _, book := find(t, time.Minute, Config{Network: network(), Fixed: fixed}); book.Len() != want {
				t.Errorf("fixed %v: %d addresses, want %d", fixed, book.Len(), want)
			}
		}
	})
}

// A node on Tor alone keeps no address that it does not dial, so that it does not
// think that it knows any, and says that nobody can tell it of others.
func TestOtherNetworks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, book := find(t, time.Minute, Config{
			Network: network("good"), DNS: true, Fixed: true, Networks: addrmgr.NetworkSet(wire.NetTorV3),
			Resolver: names{"x9.good": many(8, 1, 3)},
		})
		if book.Len() != 0 || f.known() != 0 {
			t.Errorf("%d addresses in the book, %d of them to be dialled", book.Len(), f.known())
		}
	})
}

// Named nodes are asked one after the other, and so are the seeds where names
// must not be looked up; one that never answers is given up, and not asked again
// before. As long as nothing is known all are asked again and again.
func TestFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var asked []string
		f, _ := find(t, 30*time.Second, Config{
			Network: network("seed.example"), Nodes: []string{"1.2.3.4", "1.2.3.5:6"}, DNS: true,
			Fetch: func(ctx context.Context, a ma.Multiaddr) error {
				mu.Lock()
				asked = append(asked, transport.FormatAddr(a))
				mu.Unlock()
				if transport.FormatAddr(a) == "1.2.3.5:6" {
					<-ctx.Done()
					return ctx.Err()
				}
				return errors.New("refused")
			},
		})
		times := make(map[string]int)
		for _, name := range asked {
			times[name]++
		}
		if len(times) != 3 || times["1.2.3.4:38333"] < 2 || times["1.2.3.5:6"] != 1 || times["seed.example:38333"] < 3 {
			t.Errorf("asked %v", times)
		}
		if told := strings.Join(f.Asked(), "\n"); !strings.Contains(told, "within 20s") || !strings.Contains(told, "refused") {
			t.Errorf("told:\n%s", told)
		}
	})
}

// Where slots are free for long, one of the peers is asked.
func TestAskPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		find(t, time.Minute, Config{
			Network: network(), Slots: 10,
			Links: func() (full, all int) { return 1, 1 },
			Peers: func() []ma.Multiaddr {
				return []ma.Multiaddr{netaddr.FromAddrPort(netip.MustParseAddrPort("1.2.3.4:5")).Multiaddr()}
			},
			Fetch: func(_ context.Context, a ma.Multiaddr) error {
				asked = append(asked, transport.FormatAddr(a))
				return nil
			},
		})
		if len(asked) == 0 || asked[0] != "1.2.3.4:5" {
			t.Errorf("asked %v", asked)
		}
	})
}

func TestAskName(t *testing.T) {
	for seed, want := range map[string]string{
		"seed.example": "x9.seed.example", "seed.example.": "x9.seed.example", "x9.seed.example": "x9.seed.example",
		"xc09.seed.example": "xc09.seed.example", "x.example": "x9.x.example", "xyz.example": "x9.xyz.example", "seed": "x9.seed",
	} {
		if got := askName(seed); got != want {
			t.Errorf("%s is asked as %s, want %s", seed, got, want)
		}
	}
}

// The seeds of a network of one's own that are in no book are no news for the log;
// those of others are.
func TestFixedSeedsInLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for seed, want := range map[string]bool{"127.0.0.1:9000": false, "5.5.5.5:38333": true} {
			n := network()
			n.FixedSeeds = []string{seed}
			var out bytes.Buffer
			find(t, time.Minute, Config{Network: n, Fixed: true, Log: slog.New(slog.NewTextHandler(&out, nil))})
			if got := strings.Contains(out.String(), fixedSeeds); got != want {
				t.Errorf("%s: in the log: %v\n%s", seed, got, &out)
			}
		}
	})
}
