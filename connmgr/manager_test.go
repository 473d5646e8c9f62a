package connmgr

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"starling/peer"
	"starling/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeDialer serves links that last until they are cut.
type fakeDialer struct {
	mu    sync.Mutex
	dials map[string]int
	open  map[string]int
	most  int // links or dials at a time to one address
	serve func(ctx context.Context, addr string, up func()) error
}

func newFakeDialer(serve func(ctx context.Context, addr string, up func()) error) *fakeDialer {
	return &fakeDialer{dials: map[string]int{}, open: map[string]int{}, serve: serve}
}

func (d *fakeDialer) Connect(ctx context.Context, a ma.Multiaddr, _ peer.Kind, up func()) error {
	key := a.String()
	d.mu.Lock()
	d.dials[key]++
	d.open[key]++
	d.most = max(d.most, d.open[key])
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		d.open[key]--
		d.mu.Unlock()
	}()
	return d.serve(ctx, key, up)
}

func (d *fakeDialer) count(a ma.Multiaddr) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dials[a.String()]
}

func newManager(t *testing.T, cfg Config) *Manager {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// start runs the Manager and returns how to stop it.
func start(t *testing.T, m *Manager) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestRunKeepsLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := make(chan struct{}, 1)
		d := newFakeDialer(func(ctx context.Context, a string, up func()) error {
			if a == addr(1).String() {
				time.Sleep(100 * time.Millisecond)
				return errors.New("refused")
			}
			up()
			select {
			case <-cut:
				return errors.New("cut")
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		m := newManager(t, Config{Dialer: d})
		m.Add(addr(0))
		stop := start(t, m)
		m.Add(addr(1))
		synctest.Wait()
		if got := m.Outgoing(); got[0].State != Established || got[1].State != Pending {
			t.Fatalf("at first: %+v", got)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if d.count(addr(0)) != 1 {
			t.Errorf("a link that stands was dialled %d times", d.count(addr(0)))
		}
		// About once a minute after the first few.
		if n := d.count(addr(1)); n < 60 || n > 110 {
			t.Errorf("dialled %d times in an hour of failures", n)
		}
		cut <- struct{}{}
		time.Sleep(retryMin)
		synctest.Wait()
		if d.count(addr(0)) != 2 || m.Outgoing()[0].State != Established {
			t.Errorf("after a cut: %d dials, %+v", d.count(addr(0)), m.Outgoing()[0])
		}
		stop()
		if d.most != 1 {
			t.Errorf("%d links to one address at a time", d.most)
		}
	})
}

func TestRemoveCancelsADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDialer(func(ctx context.Context, a string, up func()) error {
			<-ctx.Done()
			return ctx.Err()
		})
		m := newManager(t, Config{Dialer: d})
		stop := start(t, m)
		m.Add(addr(0))
		synctest.Wait()
		if err := m.Remove(addr(0)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if d.open[addr(0).String()] != 0 || len(m.Outgoing()) != 0 {
			t.Error("the dial goes on")
		}
		time.Sleep(time.Hour)
		if d.count(addr(0)) != 1 {
			t.Error("dialled after it was removed")
		}
		stop()
	})
}

func TestSetActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDialer(func(ctx context.Context, a string, up func()) error {
			up()
			<-ctx.Done()
			return ctx.Err()
		})
		m := newManager(t, Config{Dialer: d})
		stop := start(t, m)
		m.Add(addr(0))
		synctest.Wait()
		m.SetActive(false)
		time.Sleep(time.Hour)
		synctest.Wait()
		if d.count(addr(0)) != 1 || d.open[addr(0).String()] != 0 {
			t.Errorf("switched off: %d dials, %d open", d.count(addr(0)), d.open[addr(0).String()])
		}
		if _, _, err := m.Admit(addr(7), false, Places{}, nil); !errors.Is(err, ErrInactive) {
			t.Errorf("admitted: %v", err)
		}
		m.SetActive(true)
		synctest.Wait()
		if d.open[addr(0).String()] != 1 {
			t.Error("switched on: no link")
		}
		stop()
	})
}

func TestBanList(t *testing.T) {
	fs := vfs.NewMem()
	cfg := Config{FS: fs, BanFile: "bans"}
	m := newManager(t, cfg)
	a, b := netip.MustParsePrefix("1.2.3.4/32"), netip.MustParsePrefix("2001:db8::/32")
	for _, p := range []netip.Prefix{a, b} {
		if err := m.Ban(p, time.Time{}, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Ban(a, time.Time{}, ""); err != nil && !errors.Is(err, ErrBanned) {
		t.Errorf("banned twice: %v", err)
	}
	if err := m.Unban(a); err != nil {
		t.Fatal(err)
	}
	if err := m.Unban(a); !errors.Is(err, ErrNotBanned) {
		t.Errorf("lifted twice: %v", err)
	}
	m = newManager(t, cfg)
	if got := m.Bans(); len(got) != 1 || got[0].Subnet != b {
		t.Errorf("after a restart: %v", got)
	}
	if err := m.ClearBans(); err != nil {
		t.Fatal(err)
	}
	if got := newManager(t, cfg).Bans(); len(got) != 0 {
		t.Errorf("after clearing: %v", got)
	}
}

func TestDamagedBanFile(t *testing.T) {
	fs := vfs.NewMem()
	f, err := fs.Create("bans", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("SFIL and then something else"))
	f.Close()
	_, err = New(Config{FS: fs, BanFile: "bans"})
	var bad *store.CorruptError
	if !errors.As(err, &bad) {
		t.Errorf("got %v", err)
	}
}
