package server

import (
	"errors"

	"starling/chain/consensus"
	"starling/connmgr"
	"starling/peer"
	"starling/transport"
	"starling/wire"
)

// The reasons with which the chain refuses a block that it knows to be invalid
// already, and one that builds on such a block.
const (
	knownInvalid  = "duplicate-invalid"
	invalidParent = "bad-prevblk"
)

// onInvalid is told by the chain of a block that broke a rule. The chain must
// not be held up, and a ban is written to disk, so the sync loop deals with
// it.
func (n *Server) onInvalid(from any, _ wire.Hash, err error) {
	o, ok := from.(origin)
	if !ok || o.compact {
		return
	}
	n.events.push(event{offence: func() { n.invalidBlock(o, err) }})
}

// invalidBlock decides what an invalid block costs who sent it, as Bitcoin
// Core does: what may be an accident of timing costs nothing.
func (n *Server) invalidBlock(o origin, err error) {
	var rule *consensus.RuleError
	if !errors.As(err, &rule) {
		return
	}
	switch rule.Kind {
	case consensus.Mutated:
		if rule.Err != nil {
			return // torn, which a message may be; the block is asked of others
		}
		n.offence(o, connmgr.MutatedBlock, 1)
	case consensus.Invalid:
		if rule.Reason == invalidParent {
			n.offence(o, connmgr.OnInvalidBlock, 1)
		} else if rule.Reason != knownInvalid {
			n.offence(o, connmgr.InvalidBlock, 1)
		} else if o.kind.Outbound() && o.kind != peer.Manual {
			// Its chain is one that this node will never follow. Somebody who has
			// connected to this node may go on, as he takes no place from a
			// useful peer that this node could have chosen.
			n.endPeer(o.id, peer.BadChain, "it is on an invalid chain")
		}
	}
}

// offence counts an offence of a peer and carries out what it leads to. Peers
// that a person asked for, or trusts, are spared: that person would not
// understand where they went.
func (n *Server) offence(o origin, what connmgr.Offence, share float64) {
	if o.forgiven || o.kind == peer.Manual {
		n.log.Warn("misbehaviour of a trusted peer", "peer", o.id, "offence", what)
		return
	}
	switch n.conns.Punish(o.host, what, share) {
	case connmgr.Ended, connmgr.Discouraged:
		n.endPeer(o.id, peer.Misbehaved, what.String())
	case connmgr.Banned:
		n.endPeer(o.id, peer.Misbehaved, what.String())
		n.endHost(o)
	}
}

// endHost ends all sessions with the host of an offender.
func (n *Server) endHost(o origin) {
	for _, s := range n.sessions.all() {
		if s.host == o.host && s.peer.Kind() != peer.Manual && !s.peer.Permissions().Has(peer.PermNoBan) {
			s.peer.Disconnect(peer.Misbehaved, "banned")
		}
	}
}

// judgeEnd counts what ended a session if it was the peer's offence, and logs
// the end.
func (n *Server) judgeEnd(s *session, err error) {
	var d *peer.Disconnect
	if !errors.As(err, &d) {
		return
	}
	if s.peer.Remote() != nil {
		n.log.Log(n.ctx, s.level(), "peer disconnected", "peer", s.peer.ID(), "addr", transport.FormatAddr(s.peer.RemoteAddr()), "reason", d.Error())
	}
	switch d.Reason {
	case peer.WrongNetwork:
		if s.peer.Kind() == peer.Inbound { // else whoever dialled tells of it
			n.stranger(s, d.Err)
		}
	case peer.BadMessage:
		n.offence(s.origin(), connmgr.Malformed, 1)
	case peer.BadFrame:
		n.offence(s.origin(), connmgr.Oversized, 1)
	case peer.HandshakeOrder:
		n.offence(s.origin(), connmgr.OutOfOrder, 1)
	}
}
