package server

import (
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/internal/lograte"
	"starling/peer"
	"starling/wire"
)

// TestFloodsOfTheLog: whatever others do again and again, what it writes to the log
// is bounded.
func TestFloodsOfTheLog(t *testing.T) {
	for name, again := range map[string]func(a *node, s *script, tip, stale chaintest.Block) *script{
		"says hello and goes": func(a *node, s *script, _, _ chaintest.Block) *script {
			s.link.Close()
			return a.w.dial(a, 9)
		},
		"goes without a hello": func(a *node, s *script, _, _ chaintest.Block) *script {
			a.w.rawDial(a, 8).link.Close()
			return s
		},
		"a message beyond the limits": func(a *node, s *script, _, _ chaintest.Block) *script {
			r := a.w.rawDial(a, 8)
			r.send(&wire.MsgUnknown{Cmd: wire.CmdVersion, Payload: make([]byte, 3000)})
			r.link.Close()
			return s
		},
		"a torn block": func(a *node, s *script, _, stale chaintest.Block) *script {
			s.send(&wire.MsgBlock{Raw: stale.Bytes()[:150]})
			return s
		},
		"a block that is not what its header says": func(a *node, s *script, tip, stale chaintest.Block) *script {
			s.send(&wire.MsgBlock{Raw: append(stale.Header.Append(nil), tip.Bytes()[wire.HeaderSize:]...)})
			return s
		},
		"headers that do not follow": func(a *node, s *script, tip, _ chaintest.Block) *script {
			s.send(&wire.MsgHeaders{Headers: []wire.Header{tip.Header, tip.Header}})
			return s
		},
		"what cannot be read": func(a *node, s *script, _, _ chaintest.Block) *script {
			s.send(&wire.MsgUnknown{Cmd: wire.CmdInv, Payload: []byte{5}})
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 12)
				var log lineCounter
				a := w.startWith(1, vfs.NewMem(), func(c *Config) {
					c.Logs = func(string) *slog.Logger { return slog.New(slog.NewTextHandler(&log, nil)) }
					c.AcceptRate = -1
					c.Permissions = func(netip.Addr, peer.Kind) peer.Permissions { return peer.PermNoBan }
				})
				blocks := w.gen.Chain(w.gen.Genesis(), 10)
				a.give(blocks...)
				stale := w.gen.Next(blocks[8], 0) // of a rival of the tip
				s := w.dial(a, 9)
				before := log.n.Load()
				for range 1000 {
					s = again(a, s, blocks[9], stale)
					s.noise = append(slices.Clone(commonNoise), wire.CmdGetData)
					s.sync()
				}
				synctest.Wait()
				if n := log.n.Load() - before; n > 5*lograte.Burst {
					t.Errorf("%d lines", n)
				}
			})
		})
	}
}
