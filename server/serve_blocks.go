package server

import (
	"context"
	"errors"

	"starling/chain"
	"starling/chain/headertree"
	"starling/connmgr"
	"starling/netsync"
	"starling/peer"
	"starling/relay/compact"
	"starling/wire"
)

// serveData answers getdata. The list is kept, however long, and answered one
// entry at a time as the peer takes what it is sent.
func (s *session) serveData(_ context.Context, m *wire.MsgGetData) error {
	if len(m.Inv) == 0 {
		return nil
	}
	w := &order{s: s, inv: m.Inv}
	// An entry takes as much memory as it does on the wire.
	return s.peer.SendLater(len(m.Inv)*wire.InvVectSize, w.next)
}

// order is a getdata that is being answered.
type order struct {
	s      *session
	inv    []wire.InvVect // inv[done:] is left
	done   int
	served wire.Hash // the last block, until it is noted
	// missing counts the entries that are not here. They are kept at the front
	// of inv, where the place of entries that are done has become free.
	missing int
	follow  *filteredTxs // what follows the merkleblock that was sent last
}

// miss notes that an entry is not here.
func (w *order) miss(v wire.InvVect) {
	w.inv[w.missing] = v
	w.missing++
}

// next makes the next message of the answer. It is a [peer.Producer].
func (w *order) next(ctx context.Context) (wire.Message, error) {
	n := w.s.node
	if m, err := w.follow.next(); m != nil || err != nil {
		return m, err
	}
	w.follow = nil
	if w.served != (wire.Hash{}) {
		// The peer has been sent the block by now. If it was the last of those
		// that it was told of, it is told of the tip, and asks on.
		n.perform(n.sync.Served(w.s.id(), w.served))
		w.served = wire.Hash{}
	}
	for w.done < len(w.inv) && ctx.Err() == nil {
		v := w.inv[w.done]
		w.done++
		m, err := w.entry(v)
		if m != nil || err != nil {
			return m, err
		}
	}
	if w.missing == 0 {
		return nil, nil
	}
	m := &wire.MsgNotFound{Inv: w.inv[:w.missing]}
	w.missing = 0
	// An honest peer asks for what it was told of. Asking for what nobody
	// has costs a share of a flood, which decays.
	n.offence(w.s.origin(), connmgr.GetDataFlood, float64(len(m.Inv))/wire.MaxInv)
	return m, nil
}

// entry makes the message for one entry, or nil if there is none.
func (w *order) entry(v wire.InvVect) (wire.Message, error) {
	n := w.s.node
	switch v.Type {
	case wire.InvBlock, wire.InvWitnessBlock, wire.InvCmpctBlock:
	case wire.InvFilteredBlock:
		if w.s.bloom.Load() == nil {
			return nil, nil // only peers that have loaded a filter are answered
		}
	case wire.InvTx, wire.InvWTx, wire.InvWitnessTx:
		return w.tx(v), nil
	default:
		w.miss(v)
		return nil, nil
	}
	if m := w.recent(v); m != nil {
		w.served = v.Hash
		w.s.peer.Known().Add(v.Hash)
		return m, nil
	}
	node, access := n.sync.GetBlock(n.clk.Now(), w.s.id(), v.Hash)
	switch access {
	case netsync.TooOld:
		return nil, &peer.Disconnect{Reason: peer.NotServed, Detail: "it asked for a block that this node no longer keeps"}
	case netsync.NotHere:
		w.miss(v)
		return nil, nil
	}
	if w.refuses(node, v) {
		return nil, &peer.Disconnect{Reason: peer.NotServed, Detail: "it asked for an old block, and what this node may send in a day is nearly used up"}
	}
	m, err := w.block(v, node)
	switch {
	case errors.Is(err, chain.ErrPruned), errors.Is(err, chain.ErrNoBlock):
		w.miss(v)
		return nil, nil
	case err != nil:
		return nil, err
	}
	w.s.sentCopy(node.Height, m)
	w.served = v.Hash
	w.s.peer.Known().Add(v.Hash)
	return m, nil
}

// refuses reports whether the peer is not served a block for the limit of upload.
func (w *order) refuses(node *headertree.Node, v wire.InvVect) bool {
	return w.s.node.tooMuch(node, v.Type == wire.InvFilteredBlock) && !w.s.peer.Permissions().Has(peer.PermDownload)
}

// block makes the message for a block from disk: whole, as a compact block, or
// what a filter leaves of it.
func (w *order) block(v wire.InvVect, node *headertree.Node) (wire.Message, error) {
	n := w.s.node
	if v.Type == wire.InvCmpctBlock && node.Parent != nil && n.sync.ServesCompact(n.clk.Now(), node) {
		switch m, err := n.compactBlock(node); {
		case err == nil:
			return m, nil
		case !errors.Is(err, compact.ErrTooMany):
			return nil, err // and not the nil that m is, which as a message is something
		}
	}
	raw, err := n.rawBlock(node, v.Type != wire.InvBlock)
	if err != nil {
		return nil, err
	}
	if v.Type == wire.InvFilteredBlock {
		b, err := wire.ParseBlock(raw)
		if err != nil {
			return nil, err
		}
		b.HashTxs()
		w.s.sentBlock(node.Height, len(raw))
		return w.filtered(b), nil
	}
	return &wire.MsgBlock{Raw: raw}, nil
}

// recent makes the message for the block that was sent on last, which may not
// be connected yet, or nil if another one is asked for, or it may not be had.
func (w *order) recent(v wire.InvVect) wire.Message {
	n := w.s.node
	b := n.compact.recent.block(v.Hash)
	if b == nil {
		return nil
	}
	node := n.chain.Headers().Lookup(v.Hash)
	if v.Type == wire.InvFilteredBlock {
		if w.refuses(node, v) {
			return nil // the block is then looked for on disk, and found to be refused there, too
		}
		if node != nil {
			w.s.sentBlock(node.Height, b.Size())
		}
		return w.filtered(b)
	}
	m := recentForm(&n.compact.recent, b, v)
	if node != nil {
		w.s.sentCopy(node.Height, m)
	}
	return m
}

// recentForm makes the message for that block in the form that is asked for.
func recentForm(r *recentBlock, b *wire.Block, v wire.InvVect) wire.Message {
	switch v.Type {
	case wire.InvCmpctBlock:
		if m := r.message(v.Hash); m != nil {
			return m
		}
	case wire.InvBlock:
		if b.BaseSize() != b.Size() {
			return &wire.MsgBlock{Raw: b.AppendBase(make([]byte, 0, b.BaseSize()))}
		}
	}
	return &wire.MsgBlock{Raw: b.Bytes()}
}

// rawBlock returns the bytes of a block as a peer is sent them. They are not
// parsed but to take the witnesses out.
func (n *Server) rawBlock(node *headertree.Node, witness bool) ([]byte, error) {
	raw := n.cfg.Network.Genesis.Bytes()
	if node.Parent != nil {
		var err error
		if raw, err = n.chain.Block(node); err != nil {
			return nil, err
		}
	}
	if witness || node.Height < n.cfg.Network.SegwitHeight {
		return raw, nil
	}
	b, err := wire.ParseBlock(raw)
	if err != nil {
		return nil, err
	}
	if b.BaseSize() == len(raw) {
		return raw, nil
	}
	return b.AppendBase(make([]byte, 0, b.BaseSize())), nil
}
