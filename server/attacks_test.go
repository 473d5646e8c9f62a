package server

import (
	"encoding/binary"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/addrmgr/netaddr"
	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/headertree"
	"starling/netsync/txdownload"
	"starling/peer"
	"starling/relay/gossip"
	"starling/server/fanout"
	"starling/transport/memnet"
	"starling/wire"
)

// roundTrip is what a ping takes on the tests' networks while nothing holds it up.
const roundTrip = 40 * time.Millisecond

// undisturbed checks that a peer's ping takes no longer than on an idle node.
func (s *script) undisturbed() {
	s.t.Helper()
	start := time.Now()
	s.sync()
	if took := time.Since(start); took > roundTrip {
		s.t.Errorf("an honest peer's ping took %v, want %v", took, roundTrip)
	}
}

// attack runs a test of an attack twice, with a defence and without its limit. What
// is measured has to be most at most with the limit, and more without.
func attack(t *testing.T, unlimited func(*Config), most int, run func(t *testing.T, w *world, change func(*Config)) (measured int)) {
	for name, change := range map[string]func(*Config){"with": func(*Config) {}, "without": unlimited} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := run(t, newWorld(t, 110), change)
				t.Logf("measured: %d", got)
				if (got <= most) != (name == "with") {
					t.Errorf("measured %d, the bound is %d", got, most)
				}
			})
		})
	}
}

// chained starts node 1 with a change of its configuration and a chain of 110
// blocks.
func (w *world) chained(changes ...func(*Config)) (*node, []chaintest.Block) {
	blocks := w.gen.Chain(w.gen.Genesis(), 110)
	a := w.startWith(1, vfs.NewMem(), func(c *Config) {
		relaying(c)
		for _, change := range changes {
			change(c)
		}
	})
	a.give(blocks...)
	return a, blocks
}

// TestInvFlood has a peer announce 100,000 transactions that there are not. What is
// kept of them is bounded, and an honest peer's transaction is fetched as ever.
func TestInvFlood(t *testing.T) {
	unlimited := func(c *Config) { c.MaxAnnounced = -1 }
	attack(t, unlimited, txdownload.MaxAnnounced, func(t *testing.T, w *world, change func(*Config)) int {
		a, blocks := w.chained(change)
		bad, good := w.dialWTx(a, 8), w.dialWTx(a, 9)
		bad.noise = append(bad.noise, wire.CmdGetData)
		for part := range 20 {
			inv := make([]wire.InvVect, 5000)
			for i := range inv {
				inv[i].Type = wire.InvWTx
				binary.BigEndian.PutUint32(inv[i].Hash[:], uint32(part*len(inv)+i))
			}
			bad.send(&wire.MsgInv{Inv: inv})
		}
		bad.sync()
		kept := a.TxDownload().Stats().Tracked
		good.undisturbed()
		op, value := blocks[0].Coinbase()
		tx := chaintest.Spend(op, value, 1000, 2)
		good.send(&wire.MsgInv{Inv: []wire.InvVect{wtx(tx)}})
		good.expectTxs(wire.CmdGetData, wtx(tx))
		good.send(&wire.MsgTx{Tx: tx})
		a.has(time.Second, tx)
		return kept
	})
}

// TestRepeatedBlocks has a peer ask for the same blocks without end. It is sent as
// many bytes as make a flood, and then banned; an honest peer is served meanwhile.
func TestRepeatedBlocks(t *testing.T) {
	const flood = 1_000_000
	limited := func(c *Config) { c.RepeatFlood = flood }
	unlimited := func(c *Config) { c.RepeatFlood = -1 }
	// What the score takes to the ban, and what is under way by then.
	const most = flood*102/100 + memnet.DefaultBuffer
	attack(t, unlimited, most, func(t *testing.T, w *world, change func(*Config)) int {
		a, blocks := w.chained(limited, change)
		bad, good := w.dial(a, 8), w.dial(a, 9)
		var inv []wire.InvVect
		for len(inv)+len(blocks) <= wire.MaxInv {
			inv = append(inv, invOf(wire.InvWitnessBlock, blocks)...)
		}
		bad.send(&wire.MsgGetData{Inv: inv})
		var served atomic.Int64
		over := make(chan struct{})
		go func() {
			defer close(over)
			for range inv {
				m, err := bad.link.Receive()
				if err != nil {
					return
				}
				served.Add(int64(len(m.Payload)))
			}
		}()
		good.send(&wire.MsgGetData{Inv: invOf(wire.InvWitnessBlock, blocks)})
		for range blocks {
			good.expect(wire.CmdBlock)
		}
		<-over
		good.undisturbed()
		return int(served.Load())
	})
}

// TestAddrFlood has a peer tell of 100,000 addresses in 100 seconds. It fills no more
// of the book than its share.
func TestAddrFlood(t *testing.T) {
	unlimited := func(c *Config) { c.Gossip = gossip.Options{Rate: -1} }
	attack(t, unlimited, 12, func(t *testing.T, w *world, change func(*Config)) int {
		a := w.startWith(1, vfs.NewMem(), change)
		bad, good := w.dial(a, 8), w.dial(a, 9)
		for part := range 100 {
			var list []netaddr.Addr
			for i := range wire.MaxAddr {
				ip := netip.AddrFrom4([4]byte{8 + byte(i%100), byte(part), byte(i >> 8), byte(i)})
				list = append(list, netaddr.FromAddrPort(netip.AddrPortFrom(ip, 8333)))
			}
			bad.send(&wire.MsgAddrV2{Addrs: newsOf(time.Now(), list...)})
			good.undisturbed()
			time.Sleep(time.Second)
		}
		bad.sync()
		return a.Book().Len()
	})
}

// TestSlowHandshakes has 120 hosts connect that bring out a byte a second. They hold
// a quarter of the places, for a minute, and an honest peer gets in at once.
func TestSlowHandshakes(t *testing.T) {
	const hosts, inbound = 120, 160
	unlimited := func(c *Config) { c.MaxPending, c.HandshakeTimeout = -1, -1 }
	attack(t, unlimited, inbound/4, func(t *testing.T, w *world, change func(*Config)) int {
		a := w.startWith(1, vfs.NewMem(), func(c *Config) {
			c.MaxPeers = inbound + testOutbound
			change(c)
		})
		hello := &wire.MsgVersion{Version: 70016, UserAgent: "/slow/"}
		for i := range byte(hosts) {
			ip := netip.AddrFrom4([4]byte{10, 100 + i, 0, 1})
			w.net.SetPath(ip, a.host.IP(), memnet.Path{Latency: 20 * time.Millisecond, Bandwidth: 1})
			link, err := w.net.Host(ip).Dial(t.Context(), a.Listening()[0])
			if err != nil {
				t.Fatal(err)
			}
			defer link.Close()
			link.Send(hello.Command(), hello.AppendPayload(nil))
		}
		time.Sleep(30 * time.Second)
		start := time.Now()
		good := w.dial(a, 9)
		good.sync()
		if took := time.Since(start); took > time.Second {
			t.Errorf("an honest peer got in after %v", took)
		}
		pending := a.places(addr(9)).Pending
		time.Sleep(31 * time.Second)
		good.undisturbed()
		if left := a.places(addr(9)).Pending; left > 0 && pending <= inbound/4 {
			t.Errorf("%d of the slow ones are still there after a minute", left)
		}
		return pending
	})
}

// TestSlotsFullOfStrangers fills all places and looks how many of twenty honest hosts
// are kept out. Without the defence, when the strangers are such as nobody may
// evict, it is all of them.
func TestSlotsFullOfStrangers(t *testing.T) {
	const inbound = 40
	unlimited := func(c *Config) {
		c.Permissions = func(ip netip.Addr, _ peer.Kind) peer.Permissions {
			if ip.As4()[1] >= 100 {
				return peer.PermNoBan
			}
			return 0
		}
	}
	attack(t, unlimited, 0, func(t *testing.T, w *world, change func(*Config)) (out int) {
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.MaxPeers = inbound + testOutbound; change(c) })
		for i := range byte(inbound) {
			w.dial(a, 100+i)
			time.Sleep(time.Second)
		}
		for i := range byte(20) {
			s := w.rawDial(a, 10+i)
			for _, m := range []wire.Message{&wire.MsgVersion{Version: 70016, Services: wire.NodeNetwork | wire.NodeWitness, Relay: true}, &wire.MsgVerack{}} {
				s.link.Send(m.Command(), m.AppendPayload(nil))
			}
			m, err := s.link.Receive()
			if err != nil || m.Command != wire.CmdVersion {
				out++
			}
		}
		if n := len(a.Peers()); n > inbound {
			t.Errorf("%d links, the limit is %d", n, inbound)
		}
		return out
	})
}

// checks counts which blocks are looked at, and how often.
type checks struct {
	chain.NopObserver
	mu  sync.Mutex
	all map[wire.Hash]int
	sum int
}

func (c *checks) BlockChecked(n *headertree.Node, _ *wire.Block, _ chain.CheckTimes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[n.Hash]++
	c.sum++
}

func (c *checks) most() (most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.all {
		most = max(most, n)
	}
	return most
}

// tooDear makes a block whose coinbase takes more than it may, which shows only when
// it is connected.
func (w *world) tooDear(on chaintest.Block) chaintest.Block { return w.gen.Next(on, 1) }

// TestInvalidBlocksReplayed has thirty hosts send the same invalid block: it is looked
// at once. Then one host sends another one with each link that it gets: the first of
// them bans it. Without bans each of them is work.
func TestInvalidBlocksReplayed(t *testing.T) {
	const again = 20
	unlimited := func(c *Config) { c.BanScore = math.MaxFloat64 }
	attack(t, unlimited, 1, func(t *testing.T, w *world, change func(*Config)) int {
		seen := &checks{all: make(map[wire.Hash]int)}
		a, blocks := w.chained(change, func(c *Config) { c.Metrics = fanout.Subscriber{Chain: seen} })
		same := w.tooDear(last(blocks))
		for i := range byte(30) {
			s := w.dial(a, 100+i)
			s.send(&wire.MsgBlock{Raw: same.Bytes()})
			time.Sleep(time.Second)
		}
		if n := seen.most(); n != 1 {
			t.Errorf("a block was looked at %d times", n)
		}
		before := seen.sum
		for range again {
			s := w.rawDial(a, 8)
			for _, m := range []wire.Message{
				&wire.MsgVersion{Version: 70016, Services: wire.NodeNetwork | wire.NodeWitness, Relay: true}, &wire.MsgVerack{},
				&wire.MsgBlock{Raw: w.tooDear(last(blocks)).Bytes()},
			} {
				s.link.Send(m.Command(), m.AppendPayload(nil))
			}
			time.Sleep(time.Second)
		}
		w.dial(a, 9).undisturbed()
		if a.Chain().Tip().Hash != last(blocks).Hash() {
			t.Error("the tip is another one")
		}
		return seen.sum - before
	})
}

// TestInvalidTxsReplayed has a peer send ten transactions with scripts that fail, a
// hundred times each. Each is judged once; without a memory of what was refused
// each is judged whenever it comes.
func TestInvalidTxsReplayed(t *testing.T) {
	unlimited := func(c *Config) { c.MaxRejects = 1 }
	attack(t, unlimited, 10, func(t *testing.T, w *world, change func(*Config)) int {
		a, blocks := w.chained(change)
		bad, good := w.dialWTx(a, 8), w.dialWTx(a, 9)
		var txs []wire.Message
		for i := range 10 {
			op, value := blocks[i].Coinbase()
			fails := []byte{0x00, 0x69} // OP_0 OP_VERIFY
			txs = append(txs, &wire.MsgTx{Tx: wire.NewTx(2, []wire.TxIn{{PrevOut: op, Script: fails}}, []wire.TxOut{{Value: value - 1000, Script: chaintest.AnyoneCanSpend}}, 0)})
		}
		for range 100 {
			bad.send(txs...)
		}
		good.undisturbed()
		bad.sync()
		if n := a.Mempool().Len(); n != 0 {
			t.Errorf("%d of them are in the mempool", n)
		}
		return int(a.TxDownload().Judged())
	})
}

// TestPingFlood has a peer send pings and read nothing. What waits for it is bounded.
func TestPingFlood(t *testing.T) {
	unlimited := func(c *Config) { c.Limits = peer.Limits{Queued: -1, Owed: -1, QueuedHard: -1} }
	attack(t, unlimited, peer.MaxQueued+1000, func(t *testing.T, w *world, change func(*Config)) int {
		a := w.startWith(1, vfs.NewMem(), change)
		bad, good := w.dial(a, 8), w.dial(a, 9)
		payload := (&wire.MsgPing{Nonce: 1, HasNonce: true}).AppendPayload(nil)
		over := make(chan struct{})
		go func() {
			defer close(over)
			for range 60_000 {
				if _, err := bad.link.Send(wire.CmdPing, payload); err != nil {
					return
				}
			}
		}()
		time.Sleep(10 * time.Second)
		good.undisturbed()
		kept := 0
		for _, p := range a.Peers() {
			kept = max(kept, p.Peer.Stats().Queued)
		}
		bad.link.Close()
		<-over
		return kept
	})
}
