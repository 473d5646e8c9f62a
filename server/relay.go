package server

import (
	"context"
	"slices"
	"time"

	"starling/netsync/txdownload"
	"starling/peer"
	"starling/relay"
	"starling/wire"
)

// maxGetData is how many transactions are asked for in one message.
const maxGetData = 1000

// saveOwnEvery is the least time between two writes of ownFile.
const saveOwnEvery = 30 * time.Second

// wake makes a receive on c, a channel with room for one, succeed.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (s *session) txID() txdownload.PeerID { return txdownload.PeerID(s.peer.ID()) }

func (s *session) relayID() relay.PeerID { return relay.PeerID(s.peer.ID()) }

// wantsTxs reports whether a peer is asked for transactions.
func (n *Server) wantsTxs(kind peer.Kind, perm peer.Permissions) bool {
	return kind.RelaysTxs() && (!n.cfg.BlocksOnly || perm.Has(peer.PermRelay))
}

// givesTxs reports whether the peer may send transactions.
func (s *session) givesTxs() bool { return s.node.wantsTxs(s.peer.Kind(), s.peer.Permissions()) }

// txPeerUp brings a session into the exchange of transactions.
func (n *Server) txPeerUp(s *session) {
	p, r := s.peer, s.peer.Remote()
	if !p.Kind().RelaysTxs() {
		return
	}
	perm := p.Permissions()
	if s.givesTxs() {
		n.txs.PeerUp(s.txID(), txdownload.PeerInfo{
			Preferred:  p.Kind().Outbound() || perm.Has(peer.PermNoBan),
			WTxIDRelay: r.WTxIDRelay,
			Witness:    r.Services.Has(wire.NodeWitness),
			Unlimited:  perm.Has(peer.PermRelay),
		})
	}
	var owed []wire.Hash
	if p.Kind() != peer.Inbound {
		owed = n.pool.Unbroadcast() // whoever connects to spy is not told
	}
	n.relay.PeerUp(n.clk.Now(), s.relayID(), relay.PeerInfo{
		Owed:       owed,
		Inbound:    p.Kind() == peer.Inbound,
		Wants:      r.Relay,
		WTxID:      r.WTxIDRelay,
		Eager:      perm.Has(peer.PermNoBan),
		SendFilter: r.Common >= wire.FeeFilterVersion && !n.cfg.BlocksOnly && !perm.Has(peer.PermForceRelay),
		Known:      p.Known(),
	})
	wake(n.wakeTxs)
}

// txPeerDown takes a session out of it.
func (n *Server) txPeerDown(s *session) {
	n.relay.PeerDown(s.relayID())
	n.ask(n.txs.PeerDown(n.clk.Now(), s.txID()))
	wake(n.wakeTxs)
}

// ask asks peers for transactions.
func (n *Server) ask(rs []txdownload.Request) {
	for _, r := range rs {
		s := n.sessions.get(uint64(r.Peer))
		if s == nil {
			continue // it has ended, which the download will hear of
		}
		for inv := range slices.Chunk(r.Inv, maxGetData) {
			s.peer.Send(&wire.MsgGetData{Inv: inv})
		}
	}
	if len(rs) > 0 {
		wake(n.wakeTxs)
	}
}

// relayLoop announces transactions when it is their time, and carries out what
// falls due in their download, until ctx is done.
func (n *Server) relayLoop(ctx context.Context) {
	timer := n.clk.NewTimer(idleTick)
	defer timer.Stop()
	var saved []wire.Hash
	var savedAt time.Time
	for {
		changed := n.chain.TipChanged()
		for _, tx := range n.arrived.take() {
			n.txs.Accepted(tx, false)
		}
		n.tryOrphans()
		now := n.clk.Now()
		n.ask(n.txs.Tick(now))
		for _, a := range n.relay.Tick(now, relay.State{MinFee: n.pool.MinFee(), InitialDownload: n.chain.IsInitialDownload()}) {
			if s := n.sessions.get(uint64(a.Peer)); s != nil {
				s.peer.Send(a.Msg)
			}
		}
		own := n.relay.Owned()
		if !slices.Equal(own, saved) && n.pool.Loaded() && (now.Sub(savedAt) >= saveOwnEvery || ctx.Err() != nil) {
			n.saveOwn(own)
			saved, savedAt = own, now
		}
		if ctx.Err() != nil {
			return
		}
		timer.Reset(untilNext(now, n.relay.NextDeadline(now), n.txs.NextDeadline()))
		select {
		case <-ctx.Done():
		case <-changed:
		case <-n.wakeTxs:
		case <-timer.C:
		}
	}
}

// untilNext returns how long it is from now to the first of the given times that
// is not zero.
func untilNext(now time.Time, times ...time.Time) time.Duration {
	wait := idleTick
	for _, t := range times {
		if !t.IsZero() {
			wait = min(wait, max(0, t.Sub(now)))
		}
	}
	return wait
}
