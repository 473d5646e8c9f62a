package connmgr

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestPunish has hosts send malformed messages until they are banned, if they
// ever are.
func TestPunish(t *testing.T) {
	tests := []struct {
		name  string
		host  string
		local bool // counted like others
		first Sentence
		fifth Sentence
	}{
		{"loopback", "127.0.0.1", false, Ended, Ended},
		{"another of this machine", "127.0.7.9", false, Ended, Ended},
		{"loopback of IPv6", "::1", false, Ended, Ended},
		{"loopback, mapped", "::ffff:127.0.0.1", false, Ended, Ended},
		{"this host", "0.0.0.0", false, Ended, Ended},
		{"router", "192.168.1.1", false, Discouraged, Discouraged},
		{"host of a container", "172.17.0.1", false, Discouraged, Discouraged},
		{"private network", "10.1.2.3", false, Discouraged, Discouraged},
		{"behind a provider's NAT", "100.64.3.4", false, Discouraged, Discouraged},
		{"private of IPv6", "fd00::1", false, Discouraged, Discouraged},
		{"link of IPv6", "fe80::1%eth0", false, Discouraged, Discouraged},
		{"routable", "1.2.3.4", false, Discouraged, Banned},
		{"routable of IPv6", "2a00::1", false, Discouraged, Banned},
		{"routable, mapped", "::ffff:1.2.3.4", false, Discouraged, Banned},
		{"loopback that counts", "127.0.0.1", true, Discouraged, Banned},
		{"private that counts", "10.1.2.3", true, Discouraged, Banned},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			m := newManager(t, Config{CountLocal: tc.local})
			host := netip.MustParseAddr(tc.host)
			other := host.Next()
			for i := range 5 {
				want := tc.first
				if i == 4 {
					want = tc.fifth
				}
				if got := m.Punish(host, Malformed, 1); got != want {
					t.Errorf("offence %d: %v, want %v", i+1, got, want)
				}
			}
			if _, banned := m.Banned(host); banned != (tc.fifth == Banned) {
				t.Errorf("banned: %v", banned)
			}
			if got := m.Discouraged(host.Unmap()); got != (tc.first == Discouraged) {
				t.Errorf("discouraged: %v", got)
			}
			if _, banned := m.Banned(other); banned || m.Discouraged(other) {
				t.Error("so is its neighbour")
			}
		})
	}
	m := newManager(t, Config{CountLocal: true})
	if got := m.Punish(netip.Addr{}, InvalidBlock, 1); got != Ended {
		t.Errorf("nobody: %v", got)
	}
}

// Some offences are tolerated one by one; a flood of them is not.
func TestPunishTolerates(t *testing.T) {
	m := newManager(t, Config{})
	host := netip.MustParseAddr("1.2.3.4")
	for _, o := range []Offence{OutOfOrder, MempoolFlood, GetDataFlood} {
		if got := m.Punish(host, o, 0.1); got != Tolerated || m.Discouraged(host) {
			t.Errorf("%v: %v", o, got)
		}
	}
	if got := m.Punish(host, GetDataFlood, 2); got != Banned {
		t.Errorf("a flood: %v", got)
	}
	private := netip.MustParseAddr("10.1.2.3")
	if got := m.Punish(private, GetDataFlood, 2); got != Discouraged || len(m.Bans()) != 1 {
		t.Errorf("a flood of a private address: %v, bans %v", got, m.Bans())
	}
}

func TestPunishBans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		cfg := Config{FS: fs, BanFile: "bans"}
		m := newManager(t, cfg)
		host := netip.MustParseAddr("1.2.3.4")
		for i := range 5 {
			if banned := m.Punish(host, Malformed, 1) == Banned; banned != (i == 4) {
				t.Fatalf("offence %d: banned %v at score %v", i, banned, m.Score(host))
			}
		}
		if ban, ok := m.Banned(netip.MustParseAddr("::ffff:1.2.3.4")); !ok || ban.Reason != "malformed message" {
			t.Errorf("ban %+v %v", ban, ok)
		}

		// A new start knows the ban, until it ends.
		m = newManager(t, cfg)
		if _, ok := m.Banned(host); !ok {
			t.Error("forgotten over a restart")
		}
		time.Sleep(DefaultBanTime)
		if _, ok := m.Banned(host); ok {
			t.Error("banned for too long")
		}
		if len(m.Bans()) != 0 {
			t.Error("still listed")
		}
	})
}

// asking is a log that looks whether the manager is locked while it logs.
type asking struct {
	slog.Handler
	m             *Manager
	lines, locked atomic.Int32
}

func (a *asking) Enabled(context.Context, slog.Level) bool { return true }

func (a *asking) Handle(context.Context, slog.Record) error {
	a.lines.Add(1)
	if !a.m.mu.TryLock() {
		a.locked.Add(1)
		return nil
	}
	a.m.mu.Unlock()
	return nil
}

// A log may go to a slow disk, so that nobody is to wait for a line of it.
func TestLogsUnlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &asking{Handler: slog.DiscardHandler}
		m := newManager(t, Config{Log: slog.New(log), Dialer: newFakeDialer(func(context.Context, string, func()) error {
			return errors.New("refused")
		})})
		log.m = m
		host := netip.MustParseAddr("1.2.3.4")
		m.Punish(host, Malformed, 1)
		m.Punish(host, InvalidBlock, 1)
		if n := log.lines.Load(); n != 3 {
			t.Errorf("%d lines about two offences and a ban", n)
		}
		stop := start(t, m)
		if err := m.TryOnce(addr(5)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		if n := log.lines.Load(); n < 4 {
			t.Error("the failed dial is not in the log")
		}
		if n := log.locked.Load(); n > 0 {
			t.Errorf("the manager was locked for %d lines", n)
		}
	})
}
