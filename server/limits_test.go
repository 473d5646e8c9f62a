package server

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	ma "github.com/multiformats/go-multiaddr"

	"starling/peer"
	"starling/wire"
)

// knock opens links from one host and returns how many the node has let in
// after a while.
func (w *world) knock(to *node, from netip.Addr, links int, wait time.Duration) int {
	w.t.Helper()
	for range links {
		link, err := w.net.Host(from).Dial(w.t.Context(), to.Listening()[0])
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { link.Close() })
	}
	time.Sleep(wait)
	n := 0
	for _, p := range to.Peers() {
		if p.Peer.Kind() == peer.Inbound && !p.Peer.Ending() {
			n++
		}
	}
	return n
}

// A flood of newcomers of one network group is slowed down, then refused, and
// one of another group gets in meanwhile. Without the limit all are let in.
func TestFloodOfNewcomers(t *testing.T) {
	for name, c := range map[string]struct {
		rate        float64
		least, most int
	}{"limit on": {1, 4 + 2, 4 + 5}, "limit off": {-1, 50, 50}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 0)
				a := w.startWith(1, vfs.NewMem(), func(c2 *Config) {
					c2.AcceptRate, c2.AcceptBurst, c2.MaxPerHost, c2.MaxPerGroup, c2.MaxPeers = c.rate, 4, -1, -1, 300
				})
				if n := w.knock(a, netip.MustParseAddr("10.9.0.1"), 50, 5*time.Second); n < c.least || n > c.most {
					t.Errorf("%d links were let in, want %d to %d", n, c.least, c.most)
				}
				s := w.dial(a, 8)
				s.sync()
			})
		})
	}
}

// A host and a group have no more links than their share.
func TestShareOfHost(t *testing.T) {
	for name, c := range map[string]struct{ host, group, want int }{
		"host": {3, -1, 3}, "group": {-1, 5, 5}, "no limit": {-1, -1, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 0)
				a := w.startWith(1, vfs.NewMem(), func(c2 *Config) {
					c2.AcceptRate, c2.MaxPerHost, c2.MaxPerGroup, c2.MaxPeers = -1, c.host, c.group, 300
				})
				if n := w.knock(a, netip.MustParseAddr("10.9.0.1"), 20, time.Second); n != c.want {
					t.Errorf("%d links were let in, want %d", n, c.want)
				}
				w.dial(a, 8).sync() // another host of another group
			})
		})
	}
}

// Who connects to an address of --whitebind may do more than others.
func TestWhiteBind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		at := ma.StringCast("/ip4/10.1.0.1/tcp/9")
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.WhiteBind = []WhiteBind{{at, peer.PermAddr}} })
		for _, to := range []ma.Multiaddr{addr(1), at} {
			link, err := w.net.Host(netip.MustParseAddr("10.9.0.1")).Dial(t.Context(), to)
			if err != nil {
				t.Fatal(err)
			}
			defer link.Close()
			s := &script{t: t, link: link, noise: commonNoise}
			s.hello()
		}
		peers := a.Peers()
		if len(peers) != 2 || peers[0].Peer.Permissions() != 0 || peers[1].Peer.Permissions() != peer.PermAddr {
			t.Errorf("%d peers, %v", len(peers), peers)
		}
	})
}

// When what may be sent in a day is nearly used up, old blocks are not sent any
// more, but to whom it is permitted; new ones are.
func TestUploadTarget(t *testing.T) {
	for name, c := range map[string]struct {
		limit uint64
		perm  peer.Permissions
		old   bool // whether the block that is asked for is old
		kind  wire.InvType
		want  string // or none if it is refused
	}{
		"no limit":                   {0, 0, true, wire.InvWitnessBlock, wire.CmdBlock},
		"old block":                  {1 << 20, 0, true, wire.InvWitnessBlock, ""},
		"new block":                  {1 << 20, 0, false, wire.InvWitnessBlock, wire.CmdBlock},
		"new block, filtered":        {1 << 20, 0, false, wire.InvFilteredBlock, ""},
		"filtered, permitted":        {1 << 20, peer.PermDownload, false, wire.InvFilteredBlock, wire.CmdMerkleBlock},
		"filtered, a generous limit": {1 << 40, 0, false, wire.InvFilteredBlock, wire.CmdMerkleBlock},
		"old block, permitted":       {1 << 20, peer.PermDownload, true, wire.InvWitnessBlock, wire.CmdBlock},
		"a generous limit":           {1 << 40, 0, true, wire.InvWitnessBlock, wire.CmdBlock},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1100)
				blocks := w.gen.Chain(w.gen.Genesis(), 1100) // more than a week
				a := w.startWith(1, vfs.NewMem(), func(cfg *Config) {
					withBloom(cfg)
					cfg.MaxUpload = c.limit
					cfg.Permissions = func(netip.Addr, peer.Kind) peer.Permissions { return c.perm }
				})
				a.give(blocks...)
				s, _ := w.dialLight(a, 9)
				s.send(&wire.MsgFilterLoad{Filter: make([]byte, 1000), HashFuncs: 20})
				s.sync()
				b := last(blocks)
				if c.old {
					b = blocks[0]
				}
				s.send(&wire.MsgGetData{Inv: []wire.InvVect{{Type: c.kind, Hash: b.Hash()}}})
				if c.want == "" {
					s.gone()
					return
				}
				s.expect(c.want)
				if u := a.Upload(); u.Limit != c.limit || c.limit > 0 && u.BytesLeft >= c.limit {
					t.Errorf("%+v", u)
				}
			})
		})
	}
}
