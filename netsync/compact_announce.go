package netsync

import (
	"slices"
	"time"

	"starling/chain/headertree"
	"starling/wire"
)

const (
	// maxAnnouncers is how many peers are told to announce new blocks by
	// compact blocks, unasked, as BIP152 has it: enough for the fastest to be
	// among them, and few enough for the bytes that come more than once.
	maxAnnouncers = 3
	// CompactDepth is how many blocks below the tip a block may be to be served
	// as a compact block. Nobody's pool still has the transactions of older
	// ones, so they are served whole.
	CompactDepth = 5
	// BlockTxnDepth is the same for single transactions of a block. It is more,
	// so that a request that was right when it was sent is answered.
	BlockTxnDepth = 10
	// compactNoBan is the first protocol version that does not blame a peer for
	// a compact block that turns out invalid, so that it may be sent one before
	// the scripts are checked.
	compactNoBan = 70015
)

// SendCmpct tells the peer whether to announce new blocks by compact blocks.
type SendCmpct struct {
	Peer     PeerID
	Announce bool
}

// SendCmpctBlock sends the peer a block as a compact block, as an
// announcement.
type SendCmpctBlock struct {
	Peer PeerID
	Node *headertree.Node
}

// Target implements [Action].
func (a SendCmpct) Target() PeerID { return a.Peer }

// Target implements [Action].
func (a SendCmpctBlock) Target() PeerID { return a.Peer }

// fast returns the peers that a block which builds on the tip is sent to before
// it is connected: those that want compact blocks and have its parent. It
// reports whether the block is news at all.
func (c *compact) fast(n *headertree.Node, peers []*peer) (news bool, out []Action) {
	if n.Parent != c.chain.Tip() || n.Height <= c.fastest || n.Height < c.net.SegwitHeight || c.chain.IsInitialDownload() {
		return false, nil
	}
	c.fastest = n.Height
	for _, p := range peers {
		if p.leaving || !p.compact.wants || p.info.Version < compactNoBan {
			continue
		}
		p.resolve(c.chain.Headers())
		if !p.has(n) && p.has(n.Parent) {
			p.sent = n
			out = append(out, SendCmpctBlock{Peer: p.id, Node: n})
		}
	}
	return true, out
}

// promote makes a peer that was the first to give a valid block one of those
// that announce by compact blocks, in the place of the one whose last such
// block is the longest ago. One of them stays a peer that this node chose.
// Alone says that no other block is on its way: it is news rather than a sync.
func (c *compact) promote(p *peer, hash wire.Hash, alone bool) (out []Action) {
	if p.leaving || !p.compact.provides || c.whole || !alone || c.chain.IsInitialDownload() {
		return nil
	}
	if n := c.chain.Headers().Lookup(hash); n == nil || !n.IsAncestorOf(c.chain.Tip()) {
		return nil
	}
	if i := slices.Index(c.announcers, p); i >= 0 {
		c.announcers = append(slices.Delete(c.announcers, i, i+1), p)
		return nil
	}
	if len(c.announcers) >= maxAnnouncers {
		chosen := 0
		for _, q := range c.announcers {
			if q.info.Outbound {
				chosen++
			}
		}
		if a := c.announcers; !p.info.Outbound && chosen == 1 && a[0].info.Outbound {
			a[0], a[1] = a[1], a[0]
		}
		last := c.announcers[0]
		c.leave(last)
		out = append(out, SendCmpct{Peer: last.id})
	}
	p.compact.announces = true
	c.announcers = append(c.announcers, p)
	return append(out, SendCmpct{Peer: p.id, Announce: true})
}

// leave takes a peer out of those that announce by compact blocks.
func (c *compact) leave(p *peer) {
	c.announcers = slices.DeleteFunc(c.announcers, func(q *peer) bool { return q == p })
	p.compact.announces = false
}

// serves reports whether a block is to be served as a compact block where that
// is asked for, rather than whole.
func (c *compact) serves(now time.Time, n *headertree.Node) bool {
	return n.Height >= c.chain.Tip().Height-CompactDepth && c.nearTip(now)
}

// servesTxs reports whether single transactions of a block are served, rather
// than the whole block.
func (c *compact) servesTxs(n *headertree.Node) bool {
	return n.Height >= c.chain.Tip().Height-BlockTxnDepth
}
