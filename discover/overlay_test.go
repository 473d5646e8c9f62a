package discover

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// counting counts how often it is asked.
type counting struct{ asked atomic.Int64 }

func (c *counting) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	c.asked.Add(1)
	return nil, errors.New("asked")
}

// No resolver hears of a seed at a name of Tor or I2P: it is dialled, which only
// a proxy can.
func TestSeedOfTor(t *testing.T) {
	const name = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion"
	synctest.Test(t, func(t *testing.T) {
		var r counting
		var dialled atomic.Int64
		f, _ := find(t, 10*time.Second, Config{Network: network(name, "seed.i2p."), DNS: true, Resolver: &r,
			Fetch: func(context.Context, ma.Multiaddr) error {
				dialled.Add(1)
				return errors.New("there is no proxy to it")
			},
		})
		if r.asked.Load() != 0 || dialled.Load() == 0 {
			t.Errorf("the resolver was asked %d times, the seeds dialled %d times", r.asked.Load(), dialled.Load())
		}
		if told := strings.Join(f.Asked(), "\n"); !strings.Contains(told, name+": there is no proxy to it") {
			t.Errorf("told:\n%s", told)
		}
		for _, seed := range []string{name, strings.ToUpper(name) + "."} {
			if _, err := Lookup(t.Context(), &r, seed); !errors.Is(err, ErrOverlay) || r.asked.Load() != 0 {
				t.Errorf("looking up %s: %v", seed, err)
			}
		}
	})
}
