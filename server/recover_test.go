package server

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/addrmgr"
	"starling/chain/chaintest"
	"starling/clock"
	"starling/connmgr"
	"starling/discover"
	"starling/peer"
	"starling/transport"
	"starling/transport/memnet"
	"starling/wire"
)

func ipOf(i byte) netip.Addr { return netip.AddrFrom4([4]byte{10, i, 0, 1}) }

// hears puts hosts into a node's address book.
func (nd *node) hears(hosts ...byte) {
	now := time.Now()
	for _, i := range hosts {
		nd.Book().Add(now, hostOf(i), 0, addrmgr.Address{Addr: hostOf(i), Services: wire.NodeNetwork | wire.NodeWitness, Seen: now})
	}
	nd.Conns().Wake()
}

// slotsFilled returns how many full links and links for blocks alone a node has.
func (nd *node) slotsFilled() (full, blocks int) {
	for _, p := range nd.Peers() {
		switch {
		case p.Peer.Remote() == nil:
		case p.Peer.Kind() == peer.OutboundFull:
			full++
		case p.Peer.Kind() == peer.BlockRelayOnly:
			blocks++
		}
	}
	return full, blocks
}

// fills waits until a node has its standing links.
func (nd *node) fills(most time.Duration) {
	nd.w.t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(time.Second) {
		full, blocks := nd.slotsFilled()
		if full >= connmgr.DefaultFull && blocks >= connmgr.DefaultBlockRelay {
			return
		}
		if time.Now().After(end) {
			nd.w.t.Fatalf("after %v there are %d full links and %d for blocks alone; dials: %v", most, full, blocks, nd.LinkCounts().Dials)
		}
	}
}

// TestLosesAllLinks takes a node off its network, with its links broken at once or
// gone silent, says meanwhile that it is alone, and finds all slots filled again a
// while after it is back.
func TestLosesAllLinks(t *testing.T) {
	for name, cut := range map[string]bool{"links break": true, "links go silent": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 30)
				blocks := w.gen.Chain(w.gen.Genesis(), 31)
				others, nodes := w.crowd(16, blocks[:30]...)
				logs := newTold()
				a := w.startWith(1, vfs.NewMem(), func(c *Config) { auto(c); c.Log = logs.log() })
				a.hears(others...)
				a.fills(2 * time.Minute)
				a.reach(blocks[29], time.Minute)

				w.net.Partition([]netip.Addr{ipOf(1)})
				if cut {
					for _, i := range others {
						w.net.Cut(ipOf(1), ipOf(i))
					}
				}
				time.Sleep(time.Hour)
				if full, blocks := a.slotsFilled(); full+blocks > 0 {
					t.Errorf("%d and %d links stand an hour after the network has gone", full, blocks)
				}
				if logs.count("level=WARN", "this node has no peers", "for=10m", "no answer", `known addresses"=16`) == 0 {
					t.Errorf("it does not say that it is alone: %q", logs.lines)
				}
				if !cut && logs.count("peer disconnected", "ping timed out", "for a pong") == 0 {
					t.Errorf("it does not say why the links have ended: %q", logs.lines)
				}
				w.net.Heal()
				a.fills(15 * time.Minute)
				w.giveAll(nodes, blocks[30])
				a.reach(blocks[30], time.Minute)
			})
		})
	}
}

// crowd starts nodes at hosts from 20 on and gives them blocks.
func (w *world) crowd(count byte, blocks ...chaintest.Block) (hosts []byte, nodes []*node) {
	w.t.Helper()
	for i := range count {
		nd := w.start(20 + i)
		nd.give(blocks...)
		hosts, nodes = append(hosts, 20+i), append(nodes, nd)
	}
	return hosts, nodes
}

// giveAll gives a block to several nodes as if each had mined it.
func (w *world) giveAll(nodes []*node, b chaintest.Block) {
	w.t.Helper()
	for _, nd := range nodes {
		nd.give(b)
	}
}

// resolver answers for names; a name without an answer is never answered.
type resolver map[string][]netip.Addr

func (r resolver) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	if ips := r[strings.TrimSuffix(host, ".")]; ips != nil {
		return ips, nil
	}
	<-ctx.Done()
	return nil, &net.DNSError{Err: ctx.Err().Error(), Name: host, IsTimeout: true}
}

// TestResolverLiesOrHangs starts a node with nothing but DNS seeds, one of which
// never answers and one of which names hosts that are none. It finds its peers
// through a third, if there is one, and says what it has seen.
func TestResolverLiesOrHangs(t *testing.T) {
	var nobody []netip.Addr
	for i := range byte(100) {
		nobody = append(nobody, netip.AddrFrom4([4]byte{10, 150 + i, 7, 7}))
	}
	for name, good := range map[string]bool{"one seed is good": true, "none is": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 5)
				r := resolver{"x9.liar": nobody}
				seeds := []string{"liar", "hangs"}
				if good {
					seeds = append(seeds, "good")
				}
				blocks := w.gen.Chain(w.gen.Genesis(), 5)
				for i := range byte(12) {
					w.start(20 + i).give(blocks...)
					r["x9.good"] = append(r["x9.good"], ipOf(20+i))
				}
				logs := newTold()
				a := w.startWith(1, vfs.NewMem(), func(c *Config) {
					auto(c)
					c.Log, c.Network.DNSSeeds = logs.log(), seeds
					c.Find = &discover.Config{DNS: true, Resolver: r}
				})
				if good {
					a.fills(10 * time.Minute)
					a.reach(blocks[4], time.Minute)
					time.Sleep(time.Minute)
				} else {
					time.Sleep(11 * time.Minute)
					if logs.count("level=WARN", "this node has no peers", "refused", "liar: ", "hangs: the DNS server does not answer in time") == 0 {
						t.Errorf("it does not say what it has tried: %q", logs.lines)
					}
				}
				if logs.count("in vain", "source=hangs", "does not answer in time") == 0 {
					t.Errorf("it does not say that a seed hangs: %q", logs.lines)
				}
				if n := a.Book().Len(); n > 32+12 {
					t.Errorf("%d addresses are in the book, want 32 of the liar at most", n)
				}
			})
		})
	}
}

// offClock is a clock that is off.
type offClock struct {
	clock.Clock
	by atomic.Int64
}

func newOffClock(by time.Duration) *offClock {
	c := &offClock{Clock: clock.System()}
	c.by.Store(int64(by))
	return c
}

func (c *offClock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.by.Load())) }

// TestClockOff runs a node whose clock is off. By an hour either way it follows
// the chain to a block of this minute, and warns; by three hours behind it refuses
// the last blocks, holds that against nobody, and takes them when its clock has
// been set right, without being told to.
func TestClockOff(t *testing.T) {
	for name, off := range map[string]time.Duration{"right": 0, "behind": -time.Hour, "ahead": time.Hour, "far behind": -3 * time.Hour, "far ahead": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 40)
				blocks := w.gen.Chain(w.gen.Genesis(), 47)
				others, nodes := w.crowd(12, blocks[:46]...)
				if age := time.Since(blocks[45].Header.Time()); age > time.Minute {
					t.Fatalf("the last block is %v old", age)
				}
				logs, clk := newTold(), newOffClock(off)
				a := w.startWith(1, vfs.NewMem(), func(c *Config) { auto(c); c.Clock, c.Log = clk, logs.log() })
				a.hears(others...)
				a.fills(5 * time.Minute)
				if off > -2*time.Hour {
					a.reach(blocks[45], 2*time.Minute)
				}
				time.Sleep(5 * time.Minute)
				want := 1
				if off == 0 {
					want = 0
				}
				if n := logs.count("level=WARN", "clock may be wrong", `"ahead by"=`+(-off).String()); n != want {
					t.Errorf("%d lines warn of the clock, want %d: %q", n, want, logs.lines)
				}
				if off == -3*time.Hour {
					if h := a.Chain().Tip().Height; h < 30 || h >= 46 {
						t.Errorf("with a clock far behind the tip is at %d", h)
					}
				}
				clk.by.Store(0)
				a.reach(blocks[45], 45*time.Minute)
				a.fills(15 * time.Minute)
				w.giveAll(nodes, blocks[46])
				a.reach(blocks[46], time.Minute)
				for _, i := range others {
					if a.Conns().Discouraged(ipOf(i)) {
						t.Errorf("host %d was discouraged", i)
					}
				}
				if len(a.Conns().Bans()) > 0 {
					t.Errorf("bans: %v", a.Conns().Bans())
				}
			})
		})
	}
}

// TestClockWasOff fills an address book by a clock that is off, sets the clock
// right, and starts the node again on what it has saved: times to come, or long
// gone, keep it from none of its peers.
func TestClockWasOff(t *testing.T) {
	for name, off := range map[string]time.Duration{"ahead": 5 * time.Hour, "far ahead": 400 * 24 * time.Hour, "behind": -5 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1)
				others, _ := w.crowd(12, w.gen.Next(w.gen.Genesis(), 0))
				fs := vfs.NewMem()
				a := w.startWith(1, fs, func(c *Config) { auto(c); c.Clock = newOffClock(off) })
				a.hears(others...)
				a.fills(5 * time.Minute)
				for _, i := range others[:3] { // and of some it has failures to remember
					w.net.Cut(ipOf(1), ipOf(i))
				}
				time.Sleep(time.Minute)
				a.stop()

				a = w.startWith(1, fs, auto)
				a.fills(5 * time.Minute)
			})
		})
	}
}

// slowing makes the path to a peer one of a byte a second at some moment.
type slowing struct {
	peer.NoObserver
	once sync.Once
	slow func()
	when func(dir peer.Direction, command string) bool
	host netip.Addr
}

func (o *slowing) Message(p *peer.Peer, dir peer.Direction, command string, _ []byte, _ int) {
	if ip, _ := transport.IP(p.RemoteAddr()); ip == o.host && o.when(dir, command) {
		o.once.Do(o.slow)
	}
}

// TestOneByteAtATime has a peer that answers a byte a second, from the start,
// from the handshake on, or once it has given the headers. The node gets the chain
// from another one, which comes later.
func TestOneByteAtATime(t *testing.T) {
	for name, c := range map[string]struct {
		when func(peer.Direction, string) bool // nil for from the start
		says []string
	}{
		"from the start":     {nil, []string{"peer cannot be reached", "10.5.0.1", "handshake timed out: waited for its ver"}},
		"from the handshake": {func(d peer.Direction, cmd string) bool { return d == peer.In && cmd == wire.CmdVerack }, nil},
		"from the headers":   {func(d peer.Direction, cmd string) bool { return d == peer.In && cmd == wire.CmdHeaders }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 300)
				blocks := w.gen.Chain(w.gen.Genesis(), 300)
				w.start(5).give(blocks...)
				w.start(6).give(blocks...)
				slow := func() { w.net.SetPath(ipOf(1), ipOf(5), memnet.Path{Latency: 20 * time.Millisecond, Bandwidth: 1}) }
				o := &slowing{slow: slow, when: c.when, host: ipOf(5)}
				if c.when == nil {
					slow()
					o.when = func(peer.Direction, string) bool { return false }
				}
				logs := newTold()
				a := w.startWith(1, vfs.NewMem(), func(cfg *Config) { cfg.PeerObservers, cfg.Log = []peer.Observer{o}, logs.log() }, 5)
				time.Sleep(5 * time.Second)
				if h := a.Chain().Tip().Height; h > 20 {
					t.Errorf("the slow peer has brought it to height %d", h)
				}
				if err := a.Conns().Add(addr(6)); err != nil {
					t.Fatal(err)
				}
				a.reach(last(blocks), 40*time.Second)
				time.Sleep(3 * time.Minute)
				if logs.count("caught up with the network") != 1 {
					t.Errorf("it does not say that it has caught up: %q", logs.lines)
				}
				if c.says != nil && logs.count(c.says...) == 0 {
					t.Errorf("it does not say what it has seen: %q", logs.lines)
				}
			})
		})
	}
}

// A host that takes the link and never says a word is no company: the node says
// that it is alone, and what came of its dials.
func TestAloneAmongMutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		l, err := w.net.Host(ipOf(5)).Listen(t.Context(), addr(5))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				if _, err := l.Accept(); err != nil {
					return
				}
			}
		}()
		logs := newTold()
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { auto(c); c.Log = logs.log() })
		a.hears(5)
		byHand := newTold()
		w.startWith(2, vfs.NewMem(), func(c *Config) { c.Log = byHand.log() }, 5)
		quiet := newTold()
		w.startWith(3, vfs.NewMem(), func(c *Config) { c.Log = quiet.log() })
		time.Sleep(11 * time.Minute)
		for _, l := range []*told{logs, byHand} {
			if l.count("level=WARN", "this node has no peers", "for=10m", "handshake timed out") != 1 {
				t.Errorf("it does not say that it is alone: %q", l.lines)
			}
		}
		if n := quiet.count("no peers"); n != 0 {
			t.Errorf("a node that is to have no peers complains %d times", n)
		}
	})
}

// TestSkew goes through what is told of a clock.
func TestSkew(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var s skew
	for i, c := range []struct {
		after, offset time.Duration
		want          skewNews
	}{
		{0, ClockTolerance, skewNone}, {time.Hour, -ClockTolerance - 1, skewNone}, {skewPatience - 1, -time.Hour, skewNone},
		{1, -time.Hour, skewWrong}, {time.Hour, -time.Hour, skewNone}, {23 * time.Hour, time.Hour, skewWrong},
		{time.Minute, 0, skewRight}, {time.Minute, 0, skewNone}, {0, time.Hour, skewNone}, {time.Second, 0, skewNone},
		{0, time.Hour, skewNone}, {-time.Hour, time.Hour, skewWrong}, // it was set back
	} {
		now = now.Add(c.after)
		if got := s.look(now, c.offset); got != c.want {
			t.Errorf("step %d: %d, want %d", i, got, c.want)
		}
	}
}

// Without a step of the clock, or a steady clock to tell, nothing was set.
func TestStepped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		then := time.Now()
		time.Sleep(time.Hour)
		for _, d := range []time.Duration{stepped(then, time.Now()), stepped(then.Round(0), time.Now()), stepped(then, then)} {
			if d != 0 {
				t.Errorf("set by %v", d)
			}
		}
	})
}

// TestAlone goes through what is told of loneliness.
func TestAlone(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	a := alone{since: now}
	for i, c := range []struct {
		after   time.Duration
		company bool
		since   time.Duration // that is told; 0 for nothing
	}{
		{9 * time.Minute, false, 0}, {time.Minute, false, 10 * time.Minute}, {time.Minute, false, 0}, {9 * time.Minute, false, 20 * time.Minute},
		{time.Minute, true, 0}, {9 * time.Minute, false, 0}, {time.Minute, false, 10 * time.Minute},
		{-time.Hour, false, 0}, {9 * time.Minute, false, 0}, // the clock was set back
	} {
		now = now.Add(c.after)
		if since, tell := a.look(now, c.company); since != c.since || tell != (c.since > 0) {
			t.Errorf("step %d: %v, %v; want %v", i, since, tell, c.since)
		}
	}
	if got := (Tally{"a": 3, "b": 5, "c": 1}).since(Tally{"a": 1, "c": 1}); got != "5 b, 2 a" || Tally(nil).since(nil) != "none" {
		t.Errorf("%q", got)
	}
}
