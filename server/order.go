package server

import (
	"starling/chain"
	"starling/chain/headertree"
	"starling/mempool"
	"starling/server/fanout"
	"starling/wire"
)

// eventOrder returns the names of those who hear of what happens to the chain
// and the mempool, in the order in which they do.
func eventOrder() []string {
	return []string{
		"compact",  // a block is sent on while its scripts are still being checked
		"relay",    // announces what entered the mempool, in the order of its coming
		"fees",     // learns from what enters, and from what a block takes
		"download", // asks for no transaction that is there, and tries orphans
		"wallet",   // hears last of what others act upon, as it only takes note
		"metrics",  // counts what the others have had to do with
	}
}

// fanOut begins to pass events on, to those who are there before the chain is
// opened; openPool registers the others.
func (n *Server) fanOut() {
	n.fanout = fanout.New(eventOrder()...)
	n.fanout.Subscribe("compact", fanout.Subscriber{Chain: newBlocks{n: n}, Pool: compactPool{n: n}})
	n.fanout.Subscribe("metrics", n.cfg.Metrics)
}

// subscribePool registers those who follow the mempool.
func (n *Server) subscribePool() {
	n.fanout.Subscribe("relay", fanout.Subscriber{Pool: n.relay})
	n.fanout.Subscribe("fees", fanout.Subscriber{Pool: n.fees})
	n.fanout.Subscribe("download", fanout.Subscriber{Pool: poolChanges{n: n}, Blocks: &confirmed{n: n}})
}

// Subscribe has s told of what happens to the chain and the mempool. It is
// called before [Server.Run], with one of the names that have a place in the
// order of events and that the server does not use itself: "wallet".
func (n *Server) Subscribe(name string, s fanout.Subscriber) { n.fanout.Subscribe(name, s) }

// newBlocks sends new blocks on as soon as the chain has checked all but their
// scripts.
type newBlocks struct {
	chain.NopObserver
	n *Server
}

// BlockChecked implements [chain.Observer].
func (o newBlocks) BlockChecked(node *headertree.Node, b *wire.Block, _ chain.CheckTimes) {
	if fast, actions := o.n.sync.BlockChecked(node); fast {
		o.n.compact.recent.set(b)
		o.n.do(actions)
	}
}

// BlockRejected implements [chain.Observer].
func (o newBlocks) BlockRejected(hash wire.Hash, _ error) { o.n.compact.recent.drop(hash) }

// compactPool keeps what compact blocks are filled from.
type compactPool struct {
	mempool.NopObserver
	n *Server
}

// TxAdded implements [mempool.Observer].
func (o compactPool) TxAdded(e *mempool.Entry) { o.n.compact.index.Add(e.WTxID, e.Tx) }

// TxRemoved implements [mempool.Observer].
func (o compactPool) TxRemoved(e *mempool.Entry, why mempool.RemovalReason) {
	o.n.compact.index.Remove(e.WTxID)
	if why == mempool.RemovedReplaced {
		o.n.compact.extra.Add(e.Tx) // its miner may not know that
	}
}

// poolChanges wakes the relay loop when the mempool has changed, and notes for
// it what is new.
type poolChanges struct {
	mempool.NopObserver
	n *Server
}

// TxAdded implements [mempool.Observer].
func (o poolChanges) TxAdded(e *mempool.Entry) {
	o.n.arrived.push(e.Tx)
	wake(o.n.wakeTxs)
}

// TxRemoved implements [mempool.Observer].
func (o poolChanges) TxRemoved(*mempool.Entry, mempool.RemovalReason) { wake(o.n.wakeTxs) }

// confirmed tells the download of transactions which ones are confirmed. Only
// the chain's writer uses it.
type confirmed struct {
	n         *Server
	connected []*wire.Block
	undone    bool
}

var _ fanout.Blocks = (*confirmed)(nil)

// BlockConnected implements [fanout.Blocks].
func (t *confirmed) BlockConnected(_ *headertree.Node, b *wire.Block) {
	if !t.n.chain.IsInitialDownload() {
		t.connected = append(t.connected, b)
		if len(t.connected) > maxMoved {
			t.connected = t.connected[1:]
		}
	}
}

// BlockDisconnected implements [fanout.Blocks].
func (t *confirmed) BlockDisconnected(node *headertree.Node, _ *wire.Block) {
	t.undone = true
	if k := len(t.connected); k > 0 && t.connected[k-1].Hash() == node.Hash {
		t.connected = t.connected[:k-1]
	}
}

// TipMoved implements [fanout.Blocks].
func (t *confirmed) TipMoved(*headertree.Node) {
	if t.n.chain.IsInitialDownload() {
		return
	}
	txs := make([][]wire.Tx, len(t.connected))
	for i, b := range t.connected {
		txs[i] = b.Txs
	}
	t.n.txs.Moved(txs, t.undone)
	t.connected, t.undone = nil, false
	t.n.tryOrphans()
}
