package server

import (
	"context"
	"time"

	"starling/connmgr"
	"starling/peer"
)

const (
	// slotTick is how often the node looks whether its links are the right
	// ones.
	slotTick = 15 * time.Second
	// staleSpacings is how many times the mean time between blocks the tip may
	// be old before the node looks for further peers, and staleMin the least such
	// time, for networks with fast blocks.
	staleSpacings = 3
	staleMin      = 5 * time.Minute
)

// slotLoop tells the connection manager how the node is doing, gives back links
// that are too many, and says when the node is alone or its clock seems wrong, until
// ctx is done.
func (n *Server) slotLoop(ctx context.Context) {
	timer := n.clk.NewTimer(slotTick)
	defer timer.Stop()
	w := slotWatch{n: n, tipAt: n.clk.Now(), best: make(map[uint64]news), alone: alone{since: n.clk.Now()}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		w.look(n.clk.Now())
		timer.Reset(slotTick)
	}
}

// slotWatch is what the loop remembers from one look to the next.
type slotWatch struct {
	n      *Server
	tip    int32
	tipAt  time.Time       // when the tip last changed
	best   map[uint64]news // by session
	alone  alone
	before Tally // dials by outcome, up to when there last was a peer
	skew   skew
}

// news is when a peer last told of a better block than before.
type news struct {
	height int32
	at     time.Time
}

func (w *slotWatch) look(now time.Time) {
	n := w.n
	if h := n.chain.Tip().Height; h != w.tip {
		w.tip, w.tipAt = h, now
	}
	links, busy := w.links(now)
	synced := !n.chain.IsInitialDownload()
	n.conns.SetSynced(synced)
	stale := max(staleSpacings*n.cfg.Network.TargetSpacing, staleMin)
	n.conns.SetLagging(synced && !busy && now.Sub(w.tipAt) > stale)
	w.tellAlone(now)
	w.tellClock(now)
	if n.cfg.Slots == nil {
		return
	}
	full, blockRelay := n.conns.Targets()
	if id, ok := connmgr.Surplus(now, links, full, blockRelay); ok {
		n.endPeer(id, peer.Surplus, "it has told of blocks later than others")
	}
}

// links describes the outbound sessions, and says whether blocks are on their
// way.
func (w *slotWatch) links(now time.Time) (links []connmgr.OutLink, busy bool) {
	n := w.n
	seen := make(map[uint64]news)
	for _, s := range n.sessions.all() {
		p := s.peer
		st, ok := n.sync.Peer(s.id())
		if !ok || p.Ending() {
			continue
		}
		b := w.best[p.ID()]
		if b.height == 0 {
			b.height = st.BestHeader // what it has from the start is no news
		}
		if st.BestHeader > b.height && st.BestHeader >= w.tip {
			b = news{st.BestHeader, now}
		}
		seen[p.ID()] = b
		busy = busy || len(st.InFlight) > 0
		if !p.Kind().Outbound() {
			continue
		}
		last := b.at
		if t := unixNano(s.lastBlock.Load()); t.After(last) {
			last = t
		}
		links = append(links, connmgr.OutLink{
			ID: p.ID(), Kind: p.Kind(), Net: s.addr().Network().String(), Connected: p.Connected(),
			LastBlock: last, Protected: st.Protected, Busy: len(st.InFlight) > 0,
		})
	}
	w.best = seen
	return links, busy
}
