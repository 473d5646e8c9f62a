package mempool

import (
	"starling/chain/headertree"
	"starling/wire"
)

// maxBackBytes is how many bytes of transactions of disconnected blocks are
// kept until the tip has moved: 20 MB, as Core does. Those of the highest
// blocks are given up first, since others do not hang on them.
const maxBackBytes = 20_000_000

// moves is what the chain has done to its tip without having published it.
// Nothing enters or leaves the pool meanwhile: what blocks do to it is noted
// here and done at once when the tip moves.
type moves struct {
	active    bool
	connected []connected
	back      backlog
	undone    bool // whether any block was disconnected
}

// connected is what a block that was connected does to the pool.
type connected struct {
	node      *headertree.Node
	confirmed []*item     // it holds these
	conflicts []*item     // it spends what these spend
	deltas    []wire.Hash // whose prioritisation ends
}

// backlog holds the transactions of disconnected blocks, the highest block's
// first.
type backlog struct {
	blocks  []backBlock
	bytes   int
	dropped []backTx // that were given up, and coinbases
}

type backBlock struct {
	node *headertree.Node
	txs  []*wire.Tx // in the order of the block, without those that another block holds
}

// backTx is what there is to know of a transaction whose spenders must leave.
type backTx struct {
	id   wire.Hash
	outs int
}

// BlockConnected implements [starling/chain.Pool].
func (p *Pool) BlockConnected(n *headertree.Node, b *wire.Block) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moves.active = true
	c := connected{node: n}
	if len(p.byTxID)+len(p.deltas)+len(p.moves.back.blocks) > 0 {
		for i := 1; i < len(b.Txs); i++ {
			tx := &b.Txs[i]
			id := tx.TxID()
			if it := p.byTxID[id]; it != nil {
				c.confirmed = append(c.confirmed, it)
			} else {
				c.conflicts = append(c.conflicts, p.conflictsOf(tx)...)
			}
			if _, ok := p.deltas[id]; ok {
				c.deltas = append(c.deltas, id)
			}
		}
		p.moves.back.confirm(b)
	}
	p.moves.connected = append(p.moves.connected, c)
}

// BlockDisconnected implements [starling/chain.Pool].
func (p *Pool) BlockDisconnected(n *headertree.Node, b *wire.Block) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moves.active, p.moves.undone = true, true
	if k := len(p.moves.connected); k > 0 && p.moves.connected[k-1].node == n {
		// A branch that turned out invalid is left again.
		p.moves.connected = p.moves.connected[:k-1]
	}
	p.moves.back.add(n, b)
}

// add keeps the transactions of a block that was disconnected.
func (l *backlog) add(n *headertree.Node, b *wire.Block) {
	blk := backBlock{node: n}
	for i := range b.Txs {
		tx := &b.Txs[i]
		if i == 0 {
			l.dropped = append(l.dropped, backTx{tx.TxID(), len(tx.Out)})
			continue
		}
		blk.txs = append(blk.txs, tx)
		l.bytes += tx.Size()
	}
	l.blocks = append(l.blocks, blk)
	for l.bytes > maxBackBytes && len(l.blocks) > 0 {
		first := &l.blocks[0]
		for len(first.txs) > 0 && l.bytes > maxBackBytes {
			tx := first.txs[len(first.txs)-1]
			first.txs = first.txs[:len(first.txs)-1]
			l.bytes -= tx.Size()
			l.dropped = append(l.dropped, backTx{tx.TxID(), len(tx.Out)})
		}
		if len(first.txs) == 0 {
			l.blocks = l.blocks[1:]
		}
	}
}

// confirm takes out the transactions that a block holds.
func (l *backlog) confirm(b *wire.Block) {
	if len(l.blocks)+len(l.dropped) == 0 {
		return
	}
	ids := make(map[wire.Hash]struct{}, len(b.Txs))
	for i := range b.Txs {
		ids[b.Txs[i].TxID()] = struct{}{}
	}
	for i := range l.blocks {
		kept := l.blocks[i].txs[:0]
		for _, tx := range l.blocks[i].txs {
			if has(ids, tx.TxID()) {
				l.bytes -= tx.Size()
			} else {
				kept = append(kept, tx)
			}
		}
		l.blocks[i].txs = kept
	}
	kept := l.dropped[:0]
	for _, d := range l.dropped {
		if !has(ids, d.id) {
			kept = append(kept, d)
		}
	}
	l.dropped = kept
}

// TipMoving implements [starling/chain.Pool].
func (p *Pool) TipMoving(tip *headertree.Node, publish func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cfg.Clock.Now()
	m := p.moves
	p.moves = moves{}
	p.tip = tip

	nodes := make([]*headertree.Node, len(m.connected))
	for i := range m.connected {
		nodes[i] = m.connected[i].node
		p.confirm(&m.connected[i])
	}
	if len(m.connected) > 0 {
		p.floor.blockCame(now)
	}
	if m.undone {
		p.takeBack(&m.back, now)
		p.sweep()
	}
	p.trim(now)
	publish()
	p.cfg.Observer.TipMoved(tip, nodes)
	close(p.settle)
	p.settle = make(chan struct{})
	p.changed()
}

// confirm does what a block does to the pool.
func (p *Pool) confirm(c *connected) {
	var gone []*item
	for _, it := range c.confirmed {
		if p.byTxID[it.e.TxID] == it {
			gone = append(gone, it)
		}
	}
	p.remove(gone, RemovedBlock)
	for _, it := range c.conflicts {
		if p.byTxID[it.e.TxID] == it {
			p.remove(p.withDescendants(it), RemovedConflict)
		}
	}
	for _, id := range c.deltas {
		delete(p.deltas, id)
		p.saver.note(id)
	}
}
