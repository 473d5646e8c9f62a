package server

import (
	"context"
	"sync"
	"time"

	"starling/chain/headertree"
	"starling/connmgr"
	"starling/netsync"
	"starling/peer"
	"starling/wire"
)

// event is something that the chain tells while it must not be held up.
type event struct {
	block   wire.Hash
	stored  bool
	offence func() // if not nil, all there is to the event
}

// events is what the chain has told and the sync loop has yet to deal with.
// There are no more of them than there are blocks on their way through the chain.
type events struct {
	mu   sync.Mutex
	list []event
	wake chan struct{}
}

func (e *events) init() { e.wake = make(chan struct{}, 1) }

func (e *events) push(ev event) {
	e.mu.Lock()
	e.list = append(e.list, ev)
	e.mu.Unlock()
	e.kick()
}

// kick has the sync loop look at its deadlines again.
func (e *events) kick() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *events) take() []event {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.list
	e.list = nil
	return list
}

// idleTick is how long the sync loop sleeps if nothing is due.
const idleTick = time.Hour

// syncLoop carries out what falls due in the download, and what follows from
// the chain's events, until ctx is done.
func (n *Server) syncLoop(ctx context.Context) {
	timer := n.clk.NewTimer(idleTick)
	defer timer.Stop()
	var tip *headertree.Node // the blocks that came before this loop count as told
	var tick time.Time       // of the next Tick; zero if none is needed
	caughtUp := false        // and told so
	for {
		changed := n.chain.TipChanged()
		if t := n.chain.Tip(); t != tip {
			tip = t
			n.do(n.sync.TipChanged(n.clk.Now()))
			n.askPools(tip)
		}
		for _, e := range n.events.take() {
			switch {
			case e.offence != nil:
				e.offence()
			case e.stored:
				n.do(n.sync.BlockStored(n.clk.Now(), e.block))
			default:
				n.do(n.sync.BlockRejected(n.clk.Now(), e.block))
			}
		}
		caughtUp = caughtUp || n.tellCaughtUp(tip)
		now := n.clk.Now()
		if !tick.IsZero() && !now.Before(tick) {
			tick = time.Time{}
			n.do(n.sync.Tick(now))
		}
		// The deadline counts from the moment of asking, so it may only come
		// nearer: else a stream of events would put it off for ever.
		if due := n.sync.NextDeadline(now); !due.IsZero() && (tick.IsZero() || due.Before(tick)) {
			tick = due
		}
		wait := idleTick
		if !tick.IsZero() {
			wait = tick.Sub(now)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-n.events.wake:
		case <-timer.C:
		}
	}
}

// perform does what the download asks for, and has the sync loop look at its
// deadlines, which may have moved.
func (n *Server) perform(actions []netsync.Action) {
	if len(actions) > 0 {
		n.do(actions)
		n.events.kick()
	}
}

// do does what the download asks for. Nothing of it waits for anybody.
func (n *Server) do(actions []netsync.Action) {
	for _, a := range actions {
		s := n.sessions.get(uint64(a.Target()))
		if s == nil {
			continue // it has ended, which the download will hear of
		}
		switch a := a.(type) {
		case netsync.SendGetHeaders:
			s.peer.Send(&wire.MsgGetHeaders{Version: wire.ProtocolVersion, Locator: a.Locator, Stop: a.Stop})
		case netsync.SendGetBlocks:
			s.peer.Send(&wire.MsgGetBlocks{Version: wire.ProtocolVersion, Locator: a.Locator, Stop: a.Stop})
		case netsync.SendGetData:
			s.peer.Send(&wire.MsgGetData{Inv: a.Inv})
		case netsync.SendHeaders:
			for i := range a.Headers {
				s.peer.Known().Add(a.Headers[i].Hash())
			}
			s.peer.Send(&wire.MsgHeaders{Headers: a.Headers})
		case netsync.SendInv:
			for _, v := range a.Inv {
				s.peer.Known().Add(v.Hash)
			}
			s.peer.Send(&wire.MsgInv{Inv: a.Inv})
		case netsync.SendCmpct:
			s.peer.Send(&wire.MsgSendCmpct{Announce: a.Announce, Version: wire.CompactBlocksWitness})
		case netsync.SendCmpctBlock:
			n.sendCmpctBlock(s, a.Node)
		case netsync.Presyncing:
			n.tellPresync(a)
		case netsync.Misbehaved:
			n.misbehaved(s, a)
		case netsync.Disconnect:
			s.peer.End(dropped(a))
		}
	}
}

// misbehaved turns an offence in the download into what it costs.
func (n *Server) misbehaved(s *session, a netsync.Misbehaved) {
	n.log.Warn("peer misbehaved", "peer", s.peer.ID(), "offence", a.Offence, "err", a.Err)
	switch a.Offence {
	case netsync.InvalidHeader:
		n.offence(s.origin(), connmgr.InvalidHeader, 1)
	case netsync.BrokenSequence:
		n.offence(s.origin(), connmgr.BrokenHeaders, 1)
	case netsync.InvalidCompactBlock:
		n.offence(s.origin(), connmgr.BadCompactBlock, 1)
	case netsync.OnInvalidBlock:
		n.offence(s.origin(), connmgr.OnInvalidBlock, 1)
	}
}

// dropped says why a peer that the download gives up has to go, and what it was
// asked for and did not send.
func dropped(d netsync.Disconnect) *peer.Disconnect {
	if d.Awaited == "" {
		return &peer.Disconnect{Reason: peer.BadChain, Err: d.Reason}
	}
	return &peer.Disconnect{Reason: peer.Unanswered, Detail: "waited for " + d.Awaited, Err: d.Reason}
}
