package fanout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"starling/chain"
	"starling/chain/headertree"
	"starling/mempool"
	"starling/wire"
)

// Subscriber is told of the kinds of events for which it has a field.
type Subscriber struct {
	Chain  chain.Observer   // headers and blocks
	Pool   mempool.Observer // what enters and leaves the mempool
	Blocks Blocks           // what joins and leaves the best chain
}

// Blocks follows the UTXO set block by block, each time after the mempool has.
// It is called by the chain's writer, which waits meanwhile.
type Blocks interface {
	BlockConnected(n *headertree.Node, b *wire.Block)
	BlockDisconnected(n *headertree.Node, b *wire.Block)
	// TipMoved follows the last of these moves, when readers see the tip.
	TipMoved(tip *headertree.Node)
}

// Fanout passes events on. Its subscribers must all be there before the first
// event; from then on it is safe for concurrent use.
type Fanout struct {
	order  []string
	subs   map[string]Subscriber
	chain  []chain.Observer
	pool   []mempool.Observer
	blocks []Blocks
}

// New returns a fan-out whose subscribers are told in the order of these names.
func New(order ...string) *Fanout {
	return &Fanout{order: order, subs: make(map[string]Subscriber)}
}

// Subscribe has s told of events from now on, in the place of its name. It
// panics if the name has no place, or if the place is taken.
func (f *Fanout) Subscribe(name string, s Subscriber) {
	if !slices.Contains(f.order, name) {
		panic(fmt.Sprintf("fanout: %q has no place among %s", name, strings.Join(f.order, ", ")))
	}
	if _, taken := f.subs[name]; taken {
		panic("fanout: two subscribers named " + name)
	}
	f.subs[name] = s
	f.chain, f.pool, f.blocks = nil, nil, nil
	for _, name := range f.order {
		s := f.subs[name]
		if s.Chain != nil {
			f.chain = append(f.chain, s.Chain)
		}
		if s.Pool != nil {
			f.pool = append(f.pool, s.Pool)
		}
		if s.Blocks != nil {
			f.blocks = append(f.blocks, s.Blocks)
		}
	}
}

// Chain returns what the chain reports to.
func (f *Fanout) Chain() chain.Observer { return chainEvents{f} }

// Pool returns what the mempool reports to.
func (f *Fanout) Pool() mempool.Observer { return poolEvents{f} }

// Moves returns p as the chain sees it, with those who follow blocks behind it.
func (f *Fanout) Moves(p chain.Pool) chain.Pool { return moves{p, f} }

// chainEvents implements [chain.Observer].
type chainEvents struct{ f *Fanout }

// HeadersAccepted implements [chain.Observer].
func (e chainEvents) HeadersAccepted(added int, best *headertree.Node) {
	for _, o := range e.f.chain {
		o.HeadersAccepted(added, best)
	}
}

// BlockChecked implements [chain.Observer].
func (e chainEvents) BlockChecked(n *headertree.Node, b *wire.Block, took chain.CheckTimes) {
	for _, o := range e.f.chain {
		o.BlockChecked(n, b, took)
	}
}

// BlockConnected implements [chain.Observer].
func (e chainEvents) BlockConnected(n *headertree.Node, s chain.ConnectStats) {
	for _, o := range e.f.chain {
		o.BlockConnected(n, s)
	}
}

// BlockDisconnected implements [chain.Observer].
func (e chainEvents) BlockDisconnected(n *headertree.Node) {
	for _, o := range e.f.chain {
		o.BlockDisconnected(n)
	}
}

// BlockRejected implements [chain.Observer].
func (e chainEvents) BlockRejected(hash wire.Hash, err error) {
	for _, o := range e.f.chain {
		o.BlockRejected(hash, err)
	}
}

// TipChanged implements [chain.Observer].
func (e chainEvents) TipChanged(n *headertree.Node) {
	for _, o := range e.f.chain {
		o.TipChanged(n)
	}
}

// Flushed implements [chain.Observer].
func (e chainEvents) Flushed(coins int, took time.Duration) {
	for _, o := range e.f.chain {
		o.Flushed(coins, took)
	}
}

// poolEvents implements [mempool.Observer].
type poolEvents struct{ f *Fanout }

// TxAdded implements [mempool.Observer].
func (e poolEvents) TxAdded(entry *mempool.Entry) {
	for _, o := range e.f.pool {
		o.TxAdded(entry)
	}
}

// TxRemoved implements [mempool.Observer].
func (e poolEvents) TxRemoved(entry *mempool.Entry, why mempool.RemovalReason) {
	for _, o := range e.f.pool {
		o.TxRemoved(entry, why)
	}
}

// TipMoved implements [mempool.Observer].
func (e poolEvents) TipMoved(tip *headertree.Node, connected []*headertree.Node) {
	for _, o := range e.f.pool {
		o.TipMoved(tip, connected)
	}
}

// moves implements [chain.Pool]: the mempool changes first, inside the change of
// the tip, and then the others are told.
type moves struct {
	chain.Pool
	f *Fanout
}

// BlockConnected implements [chain.Pool].
func (m moves) BlockConnected(n *headertree.Node, b *wire.Block) {
	m.Pool.BlockConnected(n, b)
	for _, o := range m.f.blocks {
		o.BlockConnected(n, b)
	}
}

// BlockDisconnected implements [chain.Pool].
func (m moves) BlockDisconnected(n *headertree.Node, b *wire.Block) {
	m.Pool.BlockDisconnected(n, b)
	for _, o := range m.f.blocks {
		o.BlockDisconnected(n, b)
	}
}

// TipMoving implements [chain.Pool].
func (m moves) TipMoving(tip *headertree.Node, publish func()) {
	m.Pool.TipMoving(tip, publish)
	for _, o := range m.f.blocks {
		o.TipMoved(tip)
	}
}
