package connmgr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// bansSeen notes of which bans an observer is told.
type bansSeen struct {
	NoObserver
	subnets []string
}

func (b *bansSeen) Banned(ban Ban) { b.subnets = append(b.subnets, ban.Subnet.String()) }

// messages is a log that keeps what it is told.
type messages struct {
	mu   sync.Mutex
	seen []string
}

func (m *messages) Enabled(context.Context, slog.Level) bool { return true }
func (m *messages) WithAttrs([]slog.Attr) slog.Handler       { return m }
func (m *messages) WithGroup(string) slog.Handler            { return m }

func (m *messages) Handle(_ context.Context, r slog.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, r.Message)
	return nil
}

func (m *messages) has(text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.seen, text)
}

// Each ban that begins is told once, whoever asked for it, and a ban by hand is
// on the disk when the call returns.
func TestBansAreToldAndSaved(t *testing.T) {
	var seen bansSeen
	cfg := Config{FS: vfs.NewMem(), BanFile: "bans", Observer: &seen}
	m := newManager(t, cfg)
	if err := m.Ban(netip.MustParsePrefix("1.2.3.0/24"), time.Time{}, "by command"); err != nil {
		t.Fatal(err)
	}
	if got := newManager(t, Config{FS: cfg.FS, BanFile: "bans"}).Bans(); len(got) != 1 {
		t.Errorf("saved: %v", got)
	}
	if len(seen.subnets) != 1 {
		t.Errorf("told of %v", seen.subnets)
	}
	if err := m.Ban(netip.MustParsePrefix("1.2.3.0/24"), time.Time{}, "again"); !errors.Is(err, ErrBanned) {
		t.Errorf("banned twice: %v", err)
	}
	m.Punish(netip.MustParseAddr("5.6.7.8"), InvalidBlock, 1)
	if want := []string{"1.2.3.0/24", "5.6.7.8/32"}; !slices.Equal(seen.subnets, want) {
		t.Errorf("told of %v, want %v", seen.subnets, want)
	}
}

// Who is let in again starts without a score, unless he is still within a
// subnet that was banned as a whole.
func TestUnbanForgetsScore(t *testing.T) {
	m := newManager(t, Config{})
	host := netip.MustParseAddr("5.6.7.8")
	m.Punish(host, Malformed, 1)
	for _, c := range []struct {
		subnet string
		score  float64
	}{{"5.6.7.0/24", 20}, {"5.6.7.8/32", 0}} {
		p := netip.MustParsePrefix(c.subnet)
		if err := errors.Join(m.Ban(p, time.Time{}, ""), m.Unban(p)); err != nil {
			t.Fatal(err)
		}
		if got := m.Score(host); got < c.score-1 || got > c.score {
			t.Errorf("after %s was lifted: %v, want %v", p, got, c.score)
		}
	}
	m.Punish(host, Malformed, 1)
	if err := m.Unban(netip.MustParsePrefix("5.6.7.8/32")); !errors.Is(err, ErrNotBanned) || m.Score(host) < 19 {
		t.Errorf("lifting no ban: %v, score %v", err, m.Score(host))
	}
}

// That a ban could not be saved is logged, and only that.
func TestSaveFailureIsLogged(t *testing.T) {
	const text = "ban list not saved"
	var log messages
	fs, w := new(writes).fs()
	m := newManager(t, Config{FS: fs, BanFile: "bans", Log: slog.New(&log)})
	m.Punish(netip.MustParseAddr("5.6.7.8"), InvalidBlock, 1)
	if log.has(text) {
		t.Error("logged without a failure")
	}
	w.fail.Store(true)
	m.Punish(netip.MustParseAddr("5.6.7.9"), InvalidBlock, 1)
	m.lastSave()
	if !log.has(text) {
		t.Error("not logged")
	}
}

// A dial that fails is logged; one that was called off is not.
func TestFailedDialIsLogged(t *testing.T) {
	const text = "peer cannot be reached"
	for _, refused := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var log messages
			d := newFakeDialer(func(ctx context.Context, a string, up func()) error {
				if refused {
					return errors.New("refused")
				}
				<-ctx.Done()
				return ctx.Err()
			})
			m := newManager(t, Config{Dialer: d, Log: slog.New(&log)})
			stop := start(t, m)
			m.Add(addr(0))
			synctest.Wait()
			if !refused {
				if err := m.Remove(addr(0)); err != nil {
					t.Fatal(err)
				}
			}
			stop()
			if got := log.has(text); got != refused {
				t.Errorf("refused %v: logged %v", refused, got)
			}
		})
	}
}

// Handshakes have a quarter of the places, at least eight, or what was set.
func TestPlacesForHandshakes(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want int
	}{
		{Config{MaxInbound: 100}, 25},
		{Config{MaxInbound: 33}, 8},
		{Config{MaxInbound: 10}, 8},
		{Config{MaxInbound: 100, MaxPending: 3}, 3},
	} {
		m := newManager(t, c.cfg)
		for n, want := range map[int]Admission{c.want - 1: Enter, c.want: Evict} {
			peers := pending(n)
			do, _, err := m.Admit(addr(300), false, Places{Links: n, Pending: n}, func() []Candidate { return peers })
			if n < c.cfg.MaxInbound && (err != nil || do != want) {
				t.Errorf("%d places, %d handshakes: %v, %v", c.cfg.MaxInbound, n, do, err)
			}
		}
	}
}

func TestMasks(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.0/255.128.0.0": "10.0.0.0/9", "10.0.0.0/0.0.0.0": "0.0.0.0/0", "1.2.3.4/255.255.255.255": "1.2.3.4/32",
		"10.0.0.0/255.128.64.0": "", "10.0.0.0/255.255.0.1": "", "10.0.0.0/127.255.255.255": "",
		// All of IPv4, and a bit more than that.
		"::ffff:0.0.0.0/96": "0.0.0.0/0", "::ffff:0.0.0.0/95": "::fffe:0:0/95",
	} {
		got, err := ParseSubnet(in)
		if (err != nil) != (want == "") || err == nil && got.String() != want {
			t.Errorf("%s: %v, %v, want %q", in, got, err, want)
		}
	}
}

// Peers whose ping is not known are not among those of the lowest.
func TestEvictionUnknownPing(t *testing.T) {
	peers := crowd(60)
	for i := 52; i < 60; i++ {
		peers[i].MinPing = 0
	}
	if id, ok := SelectEviction(peers); !ok || id != 59 {
		t.Errorf("evicted %d", id)
	}
}

// A quarter of the places that are left belongs to networks that few use: the
// same number for each, and what one does not take is shared by the others, the
// rarer first.
func TestEvictionSharesAmongNetworks(t *testing.T) {
	for _, c := range []struct {
		name    string
		members map[string]int // 20 in all
		want    map[string]int
	}{
		{"two alike", map[string]int{"i2p": 10, "onion": 10}, map[string]int{"i2p": 5, "onion": 5}},
		{"one that leaves some", map[string]int{"cjdns": 1, "i2p": 9, "onion": 10}, map[string]int{"cjdns": 1, "i2p": 5, "onion": 4}},
		{"two that leave some", map[string]int{"cjdns": 1, "i2p": 2, "onion": 17}, map[string]int{"cjdns": 1, "i2p": 2, "onion": 7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Of 60 peers 20 are protected by other merits; ten of the other 40
			// are for the youngest 20, which are those of rare networks.
			peers := crowd(60)
			i := 40
			for _, net := range []string{"onion", "cjdns", "i2p"} {
				for range c.members[net] {
					peers[i].Net, peers[i].PreferEvict = net, true
					i++
				}
			}
			got := map[string]int{}
			for {
				id, _ := SelectEviction(peers)
				if !peers[id].PreferEvict {
					break
				}
				peers[id].PreferEvict = false
			}
			for _, p := range peers[40:] {
				if p.PreferEvict {
					got[p.Net]++
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("safe are %v, want %v", got, c.want)
			}
		})
	}
}

func TestUnknownOffence(t *testing.T) {
	if offences.Ends() || offences.String() != fmt.Sprintf("offence %d", offences) {
		t.Errorf("%v ends a link: %v", offences, offences.Ends())
	}
	if !InvalidBlock.Ends() || OutOfOrder.Ends() || GetDataFlood.Ends() {
		t.Error("the wrong offences end a link")
	}
}

func TestTooManyTargets(t *testing.T) {
	o := newOutgoing(1)
	for i := range MaxTargets {
		if err := o.Add(epoch, addr(i)); err != nil {
			t.Fatalf("address %d: %v", i, err)
		}
	}
	if err := o.Add(epoch, addr(MaxTargets)); !errors.Is(err, ErrTooMany) {
		t.Errorf("one too many: %v", err)
	}
	if err := o.TryOnce(epoch, addr(3)); err != nil {
		t.Errorf("one that is on the list: %v", err)
	}
}

func TestLastError(t *testing.T) {
	o := newOutgoing(1)
	refused := errors.New("refused")
	if err := o.LastError(addr(0)); err != nil {
		t.Errorf("of an address that is not on the list: %v", err)
	}
	o.Add(epoch, addr(0))
	o.Down(epoch, o.Due(epoch)[0].ID, refused)
	if err := o.LastError(addr(0)); !errors.Is(err, refused) {
		t.Errorf("after a failure: %v", err)
	}
	later := epoch.Add(retryMax)
	o.Up(later, o.Due(later)[0].ID)
	if err := o.LastError(addr(0)); err != nil {
		t.Errorf("of a link that stands: %v", err)
	}
}

// A link that lasted for just 30 seconds has no failures behind it.
func TestSteadyLink(t *testing.T) {
	for lasted, want := range map[time.Duration]State{30*time.Second - 1: Failing, 30 * time.Second: Disconnected} {
		o := newOutgoing(1)
		o.Add(epoch, addr(0))
		id := o.Due(epoch)[0].ID
		o.Up(epoch, id)
		o.Down(epoch.Add(lasted), id, errors.New("gone"))
		if got := o.List()[0]; got.State != want || (got.Failures == 0) != (want == Disconnected) {
			t.Errorf("after %v: %+v", lasted, got)
		}
	}
}

// Scores are remembered for a day from the last offence that weighed something.
func TestScoreMemory(t *testing.T) {
	const day = 24 * time.Hour
	s := NewScores()
	if got := s.Add(epoch, "h", Malformed, 0.5); got != 10 {
		t.Errorf("half a malformed message: %v", got)
	}
	s.Add(epoch.Add(day-1), "h", Malformed, 0) // of no weight
	for after, want := range map[time.Duration]float64{day - 1: 10, day: 0} {
		if got := s.Score(epoch.Add(after), "h"); got != want {
			t.Errorf("after %v: %v, want %v", after, got, want)
		}
	}
	// When the memory is full, all that is a day old makes room at once.
	s = NewScores()
	for i := range maxScores {
		s.Add(epoch, fmt.Sprint(i), Malformed, 1)
	}
	s.Add(epoch.Add(day), "new", Malformed, 1)
	if len(s.hosts) != 1 {
		t.Errorf("%d hosts remembered", len(s.hosts))
	}
}

// The same failure is news again after just an hour.
func TestNewsAfterAnHour(t *testing.T) {
	var n told
	at := epoch
	for i, c := range []struct {
		wait time.Duration
		news bool
	}{{0, true}, {time.Hour - 1, false}, {1, true}, {time.Hour - 1, false}} {
		at = at.Add(c.wait)
		if got := n.news(at, "refused"); got != c.news {
			t.Errorf("step %d: news %v", i, got)
		}
	}
}
