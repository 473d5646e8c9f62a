package connmgr

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// writes counts what is written to files, and lets it fail.
type writes struct {
	n    atomic.Int64
	fail atomic.Bool
}

func (w *writes) fs() (vfs.FS, *writes) {
	return errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpCreate, errorfs.OpFileWriteAt:
			w.n.Add(1)
			if w.fail.Load() {
				return errors.New("disk full")
			}
		}
		return nil
	})), w
}

// TestBanFlood has somebody get one address of a large subnet banned after the
// other. The list stays bounded, the bans by hand stay in it, and the file is
// written a few times, the last time with all of it.
func TestBanFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const flood = maxScoreBans + 1000
		fs, w := new(writes).fs()
		cfg := Config{FS: fs, BanFile: "bans", Dialer: newFakeDialer(nil)}
		m := newManager(t, cfg)
		stop := start(t, m)
		hand := netip.MustParsePrefix("1.2.3.0/24")
		if err := m.Ban(hand, time.Now().Add(time.Hour), "by command"); err != nil {
			t.Fatal(err)
		}
		bad := netip.MustParseAddr("2a00::1")
		for i := range flood {
			if s := m.Punish(bad, InvalidBlock, 1); s != Banned {
				t.Fatal(s)
			}
			bad = bad.Next()
			if i%1000 == 0 {
				time.Sleep(time.Second)
			}
		}
		synctest.Wait()
		if n := w.n.Load(); n > 2*4 { // each time record and mark
			t.Errorf("the file was written %d times in %d seconds", n, flood/1000)
		}
		time.Sleep(saveEvery)
		synctest.Wait()
		for name, m := range map[string]*Manager{"running": m, "after a crash": newManager(t, cfg)} {
			if n := len(m.Bans()); n != maxScoreBans+1 {
				t.Errorf("%s: %d bans", name, n)
			}
			if _, ok := m.Banned(hand.Addr()); !ok {
				t.Errorf("%s: the ban by hand has given way", name)
			}
		}
		// What is left when the node stops is saved as well.
		m.Punish(bad, InvalidBlock, 1)
		stop()
		if _, ok := newManager(t, cfg).Banned(bad); !ok {
			t.Error("the last ban is lost")
		}
	})
}

// A ban by score that cannot be saved holds all the same, and is saved as soon
// as that is possible.
func TestBanNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs, w := new(writes).fs()
		cfg := Config{FS: fs, BanFile: "bans", Dialer: newFakeDialer(nil)}
		m := newManager(t, cfg)
		stop := start(t, m)
		host := netip.MustParseAddr("1.2.3.4")
		w.fail.Store(true)
		if s := m.Punish(host, InvalidBlock, 1); s != Banned {
			t.Fatal(s)
		}
		time.Sleep(time.Minute)
		if _, ok := m.Banned(host); !ok || len(newManager(t, cfg).Bans()) != 0 {
			t.Error("not banned, or saved")
		}
		w.fail.Store(false)
		time.Sleep(saveEvery)
		synctest.Wait()
		if _, ok := newManager(t, cfg).Banned(host); !ok {
			t.Error("not saved when it was possible")
		}
		stop()
	})
}

// TestOneBan has lists of a single entry survive a restart, and be lifted.
func TestOneBan(t *testing.T) {
	for _, subnet := range []string{"1.2.3.4/32", "0.0.0.0/0", "::/0", "2a00::/16", "::ffff:1.2.3.4/128"} {
		t.Run(subnet, func(t *testing.T) {
			cfg := Config{FS: vfs.NewMem(), BanFile: "bans"}
			m := newManager(t, cfg)
			p := netip.MustParsePrefix(subnet)
			if err := m.Ban(p, time.Time{}, "by command"); err != nil {
				t.Fatal(err)
			}
			if err := m.Ban(p, time.Time{}, "again"); err != nil && !errors.Is(err, ErrBanned) {
				t.Error(err)
			}
			m = newManager(t, cfg)
			if len(m.Bans()) != 1 {
				t.Fatal(m.Bans())
			}
			if _, ok := m.Banned(p.Addr()); !ok {
				t.Error("not banned after a restart")
			}
			if err := m.Unban(p); err != nil {
				t.Error(err)
			}
			m = newManager(t, cfg)
			if _, ok := m.Banned(p.Addr()); ok || len(m.Bans()) != 0 {
				t.Error("banned after it was lifted")
			}
		})
	}
}

// TestBansGiveWay fills the list: those by score go before those by hand, and of
// each the one that ends first.
func TestBansGiveWay(t *testing.T) {
	b := NewBans()
	at := func(i int) netip.Prefix {
		return netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.%d/32", i>>16, i>>8&255, i&255))
	}
	for i := range maxBans - 1 {
		if err := b.Add(Ban{Subnet: at(i), Until: epoch.Add(time.Duration(i+1) * time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	scored := netip.MustParsePrefix("1.2.3.4/32")
	b.Add(Ban{Subnet: scored, Until: epoch.Add(1000 * time.Hour), ByScore: true})
	b.Add(Ban{Subnet: at(maxBans), Until: epoch.Add(1000 * time.Hour)})
	if _, ok := b.Find(epoch, scored.Addr()); ok || len(b.list) != maxBans {
		t.Errorf("the ban by score stays, %d in all", len(b.list))
	}
	b.Add(Ban{Subnet: at(maxBans + 1), Until: epoch.Add(1000 * time.Hour)})
	if _, ok := b.Find(epoch, at(0).Addr()); ok || len(b.list) != maxBans {
		t.Errorf("the one that ends first stays, %d in all", len(b.list))
	}
	// One by hand does not become one by score.
	b.Add(Ban{Subnet: at(5), Until: epoch.Add(2000 * time.Hour), ByScore: true})
	if b.list[at(5)].ByScore || b.byScore != 0 {
		t.Error("a ban by hand has become one by score")
	}
}
