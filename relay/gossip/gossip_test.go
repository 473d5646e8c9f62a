package gossip

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/wire"
)

var start = time.Unix(1_700_000_000, 0)

// announce puts an address in the line of all peers.
func announce(m *Manager, a addrmgr.Address) {
	for _, s := range m.order {
		if s.relays {
			m.push(s, a)
		}
	}
}

func addr(i int) netaddr.Addr {
	return netaddr.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{8, byte(i >> 16), byte(i >> 8), byte(i)}), 8333))
}

func news(i int, seen time.Time) addrmgr.Address {
	return addrmgr.Address{Addr: addr(i), Services: wire.NodeNetwork | wire.NodeWitness, Seen: seen}
}

func list(from, n int, seen time.Time) []addrmgr.Address {
	var l []addrmgr.Address
	for i := range n {
		l = append(l, news(from+i, seen))
	}
	return l
}

func any1(netaddr.Addr) Use { return KeepToo }

func none(PeerID) (addrmgr.Address, bool) { return addrmgr.Address{}, false }

// A peer may tell ten addresses in a hundred seconds, and a thousand more once
// if it was asked.
func TestRate(t *testing.T) {
	for name, c := range map[string]struct {
		peer  Peer
		opts  Options
		after time.Duration
		want  int
	}{
		"inbound, at once":      {Peer{}, Options{}, 0, 1},
		"inbound, in 100 s":     {Peer{}, Options{}, 100 * time.Second, 11},
		"inbound, in a month":   {Peer{}, Options{}, 30 * 24 * time.Hour, wire.MaxAddr},
		"outbound, at once":     {Peer{Outbound: true}, Options{}, 0, wire.MaxAddr},
		"unlimited":             {Peer{Unlimited: true}, Options{}, 0, wire.MaxAddr},
		"limit off":             {Peer{}, Options{Rate: -1}, 0, wire.MaxAddr},
		"links for blocks only": {Peer{Outbound: true, BlocksOnly: true}, Options{}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := New([32]byte{1}, c.opts)
			m.Up(start, 1, c.peer)
			now := start.Add(c.after)
			got := len(m.Received(now, 1, list(0, wire.MaxAddr, now), any1))
			if got != c.want {
				t.Errorf("%d addresses were taken, want %d", got, c.want)
			}
			done, limited, _ := m.Counts(1)
			if c.peer.BlocksOnly {
				return
			}
			if int(done) != c.want || int(done+limited) != wire.MaxAddr {
				t.Errorf("%d looked at, %d too many", done, limited)
			}
		})
	}
}

func TestWhatIsTaken(t *testing.T) {
	old := start.Add(-time.Hour)
	for name, c := range map[string]struct {
		told addrmgr.Address
		use  Use
		want []time.Time
	}{
		"ordinary":        {news(1, old), KeepToo, []time.Time{old}},
		"banned":          {news(1, old), Drop, nil},
		"not reached":     {news(1, old), PassOn, nil},
		"no use":          {addrmgr.Address{Addr: addr(1), Services: wire.NodeBloom, Seen: old}, KeepToo, nil},
		"from the future": {news(1, start.Add(11*time.Minute)), KeepToo, []time.Time{start.Add(-unlikely)}},
		"from 1973":       {news(1, time.Unix(impossible, 0)), KeepToo, []time.Time{start.Add(-unlikely)}},
		"ten minutes on":  {news(1, start.Add(10*time.Minute)), KeepToo, []time.Time{start.Add(10 * time.Minute)}},
	} {
		m := New([32]byte{1}, Options{})
		m.Up(start, 1, Peer{})
		got := m.Received(start, 1, []addrmgr.Address{c.told}, func(netaddr.Addr) Use { return c.use })
		if len(got) != len(c.want) || len(got) == 1 && !got[0].Seen.Equal(c.want[0]) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// receivers passes one small message on among 20 peers and returns who gets it.
func receivers(m *Manager, now time.Time, from PeerID, addrs ...addrmgr.Address) map[PeerID]int {
	for _, s := range m.order {
		s.queue, s.known, s.next = nil, nil, now
	}
	m.Received(now, from, addrs, any1)
	got := make(map[PeerID]int)
	for _, msg := range m.Due(now.Add(24*time.Hour), none) {
		got[msg.Peer] += len(msg.Addrs)
	}
	return got
}

func crowd() *Manager {
	m := New([32]byte{1}, Options{Rate: -1})
	for i := range 20 {
		m.Up(start, PeerID(i), Peer{Outbound: i%2 == 0, V2: true})
		if i%2 == 1 {
			m.Received(start, PeerID(i), nil, any1) // it knows of addresses
		}
		m.Received(start, PeerID(i), list(1000*i, 11, start), any1) // answers what it was asked
	}
	return m
}

// Fresh news in a small message is passed on to two peers and not back, and the
// same two for a day.
func TestPassedOn(t *testing.T) {
	m := crowd()
	now := start.Add(time.Hour)
	first := receivers(m, now, 3, news(7, now))
	if len(first) != 2 || first[3] != 0 {
		t.Fatalf("passed on to %v, want two others", first)
	}
	for range 5 {
		for id := range receivers(m, now, 2, news(7, now)) {
			if first[id] == 0 && first[2] == 0 {
				t.Errorf("told again it went to %d, too", id)
			}
		}
	}
	for name, c := range map[string]struct {
		addrs []addrmgr.Address
		want  bool
	}{
		"old news":         {[]addrmgr.Address{news(9, now.Add(-fresh))}, false},
		"ten in a message": {list(100, few, now), true},
		"eleven":           {list(200, few+1, now), false},
	} {
		if got := receivers(m, now, 3, c.addrs...); (len(got) > 0) != c.want {
			t.Errorf("%s: passed on to %v", name, got)
		}
	}
}

// What this node cannot reach is passed on too, to one or two peers.
func TestUnreachedIsPassedOn(t *testing.T) {
	counts := make(map[int]int)
	for i := range 64 {
		m := crowd()
		now := start.Add(time.Hour)
		for _, s := range m.order {
			s.queue, s.known, s.next = nil, nil, now
		}
		if keep := m.Received(now, 3, []addrmgr.Address{news(i, now)}, func(netaddr.Addr) Use { return PassOn }); len(keep) != 0 {
			t.Fatal("it is kept")
		}
		counts[len(m.Due(now.Add(24*time.Hour), none))]++
	}
	if len(counts) != 2 || counts[1] < 16 || counts[2] < 16 {
		t.Errorf("passed on to so many peers so often: %v", counts)
	}
}

// Who told of an address while it waited to be told of it gets no empty message.
func TestNothingLeftToTell(t *testing.T) {
	m := crowd()
	now := start.Add(time.Hour)
	for _, s := range m.order {
		s.queue, s.known, s.next = nil, nil, now
	}
	for id := range PeerID(20) {
		m.Received(now, id, []addrmgr.Address{news(7, now)}, any1)
	}
	for _, msg := range m.Due(now.Add(24*time.Hour), none) {
		if len(msg.Addrs) == 0 {
			t.Errorf("%d gets a message with no address", msg.Peer)
		}
	}
}

// An answer to getaddr is no news.
func TestAnswerIsNotPassedOn(t *testing.T) {
	m := crowd()
	m.Up(start, 100, Peer{Outbound: true})
	if got := receivers(m, start.Add(time.Minute), 100, news(7, start)); len(got) != 0 {
		t.Errorf("passed on to %v", got)
	}
	if got := receivers(m, start.Add(time.Minute), 100, news(8, start)); len(got) == 0 {
		t.Error("news after the answer was not passed on")
	}
}

// Who cannot read other networks' addresses is not told of them.
func TestOlderForm(t *testing.T) {
	onion, err := netaddr.Parse("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333")
	if err != nil {
		t.Fatal(err)
	}
	m := New([32]byte{1}, Options{})
	m.Up(start, 1, Peer{Outbound: true})
	announce(m, addrmgr.Address{Addr: onion, Seen: start})
	announce(m, news(1, start))
	msgs := m.Due(start, none)
	if len(msgs) != 1 || len(msgs[0].Addrs) != 1 || msgs[0].V2 || msgs[0].Addrs[0].Addr != addr(1) {
		t.Errorf("told of %v", msgs)
	}
}

// All who ask within a day get one answer, once each; who was dialled gets
// none.
func TestGetAddr(t *testing.T) {
	m := New([32]byte{1}, Options{})
	drawn, size := 0, fewAddrs
	sample := func(limit, percent int) []addrmgr.Address {
		drawn++
		if limit != wire.MaxAddr || percent != 23 {
			t.Errorf("%d addresses and %d %% were asked for", limit, percent)
		}
		return list(1000*drawn, size, start)
	}
	ask := func(now time.Time, id PeerID) (n int, first netaddr.Addr) {
		m.Asked(now, id, sample)
		for _, msg := range m.Due(now, none) {
			if msg.Peer == id {
				n += len(msg.Addrs)
				first = msg.Addrs[0].Addr
			}
		}
		return n, first
	}
	for i := range 4 {
		m.Up(start, PeerID(i), Peer{Addr: addr(i), Bind: fmt.Sprint(i / 3)})
	}
	m.Up(start, 10, Peer{Addr: addr(10), Outbound: true})
	m.Up(start, 11, Peer{Addr: addr(11), Unlimited: true})
	n, a := ask(start, 0)
	if n != fewAddrs {
		t.Errorf("%d addresses, want %d", n, fewAddrs)
	}
	if n, _ := ask(start, 0); n != 0 {
		t.Errorf("asked again: %d", n)
	}
	if n, b := ask(start.Add(20*time.Hour), 1); n != fewAddrs || a != b || drawn != 1 {
		t.Errorf("20 hours later: %d, drawn %d times", n, drawn)
	}
	if _, b := ask(start.Add(20*time.Hour), 3); a == b {
		t.Error("who has reached another address of this node gets the same answer")
	}
	if n, b := ask(start.Add(28*time.Hour), 2); n != fewAddrs || a == b {
		t.Errorf("28 hours later: %d, the same answer: %v", n, a == b)
	}
	if n, _ := ask(start, 10); n != 0 {
		t.Errorf("who was dialled got %d", n)
	}
	// An answer that holds few is not kept.
	size = fewAddrs - 1
	for i := range 3 {
		id := PeerID(20 + i)
		m.Up(start, id, Peer{Addr: addr(20 + i), Bind: "few"})
		before := drawn
		if ask(start, id); drawn == before {
			t.Error("the same few were told again")
		}
	}
	before := drawn
	for range 2 {
		ask(start, 11)
	}
	if drawn != before+2 {
		t.Errorf("who is not limited was answered from the cache")
	}
}

// Answers are kept for so many of this node's own addresses, and no more.
func TestAnswersBounded(t *testing.T) {
	m := New([32]byte{1}, Options{})
	drawn := 0
	ask := func(i int) {
		m.Up(start, PeerID(i), Peer{Addr: addr(1), Bind: fmt.Sprint(i % 1000)})
		m.Asked(start, PeerID(i), func(int, int) []addrmgr.Address {
			drawn++
			return list(1, fewAddrs, start)
		})
	}
	for i := range 1000 {
		ask(i)
	}
	if len(m.cache) != maxAnswers || len(m.kept) != maxAnswers || drawn != 1000 {
		t.Errorf("%d answers are kept, %d in order, and %d were drawn", len(m.cache), len(m.kept), drawn)
	}
	if ask(1999); drawn != 1000 {
		t.Error("the last one is not kept")
	}
	if ask(1000); drawn != 1001 {
		t.Error("the first one is kept")
	}
}

// Each peer is told of this node, about once a day.
func TestOwn(t *testing.T) {
	m := New([32]byte{1}, Options{})
	m.Up(start, 1, Peer{Outbound: true})
	told := 0
	const days = 60
	for now := start; now.Before(start.Add(days * 24 * time.Hour)); now = m.NextDue() {
		for _, msg := range m.Due(now, func(PeerID) (addrmgr.Address, bool) { return news(1, now), true }) {
			told += len(msg.Addrs)
		}
	}
	if told < days/2 || told > days*2 {
		t.Errorf("told %d times in %d days", told, days)
	}
}

// A node that has nothing to offer at first tells of itself soon after it has.
func TestOwnLater(t *testing.T) {
	m := New([32]byte{1}, Options{})
	m.Up(start, 1, Peer{Outbound: true})
	ready := start.Add(3 * time.Hour)
	for now := start; ; now = m.NextDue() {
		msgs := m.Due(now, func(PeerID) (addrmgr.Address, bool) { return news(1, now), !now.Before(ready) })
		if len(msgs) > 0 {
			if late := now.Sub(ready); late > 10*time.Minute {
				t.Errorf("told %v after it could", late)
			}
			return
		}
	}
}

// However much is to be told, no line is longer than a message.
func TestBounded(t *testing.T) {
	m := New([32]byte{1}, Options{})
	m.Up(start, 1, Peer{Outbound: true})
	for i := range 5000 {
		announce(m, news(i, start))
	}
	if n := len(m.peers[1].queue); n != wire.MaxAddr {
		t.Errorf("%d wait, want %d at most", n, wire.MaxAddr)
	}
	msgs := m.Due(start, none)
	if len(msgs) != 1 || len(msgs[0].Addrs) > wire.MaxAddr {
		t.Errorf("%d messages", len(msgs))
	}
	m.Down(1)
	announce(m, news(1, start))
	if len(m.order) != 0 || !m.NextDue().IsZero() || m.Received(start, 1, list(0, 1, start), any1) != nil {
		t.Error("a peer that is gone is still there")
	}
}

func TestReplay(t *testing.T) {
	run := func() string {
		m := New([32]byte{1}, Options{})
		rng := rand.New(rand.NewPCG(1, 2))
		log, now := "", start
		for range 2000 {
			now = now.Add(time.Duration(rng.IntN(10_000)) * time.Millisecond)
			id := PeerID(rng.IntN(10))
			switch rng.IntN(5) {
			case 0:
				m.Down(id)
				m.Up(now, id, Peer{Outbound: rng.IntN(2) == 0, V2: rng.IntN(2) == 0})
			case 1:
				log += fmt.Sprintln(m.Received(now, id, list(rng.IntN(1000), 1+rng.IntN(12), now), any1))
			case 2:
				m.Asked(now, id, func(int, int) []addrmgr.Address { return list(rng.IntN(1000), 5, now) })
			default:
				log += fmt.Sprintln(m.Due(now, none), m.NextDue())
			}
		}
		return log
	}
	if first, again := run(), run(); first != again {
		t.Error("two runs of one seed differ")
	}
}
