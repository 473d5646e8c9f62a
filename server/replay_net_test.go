package server

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/netsync"
	"starling/netsync/txdownload"
	"starling/params"
	"starling/wire"
)

// farChain is all headers of the network, also those of branches that lose.
type farChain struct {
	net  *params.Network
	tree *headertree.Tree
	best *headertree.Node
}

// newFarChain returns a chain of so many blocks, and the time when the last one
// was found.
func newFarChain(height int) (*farChain, time.Time) {
	net := params.Regtest()
	c := &farChain{net: net, tree: headertree.New(net)}
	c.best = c.tree.Genesis()
	for range height {
		c.grow(c.best, c.best.Header.Time().Add(net.TargetSpacing))
	}
	return c, c.best.Header.Time()
}

// grow adds a block that was found on another at a time.
func (c *farChain) grow(on *headertree.Node, at time.Time) *headertree.Node {
	h := wire.Header{Version: 0x20000000, PrevBlock: on.Hash, Timestamp: uint32(at.Unix())}
	h.MerkleRoot[0] = byte(c.tree.Len()) // so that two on one block differ
	h.Bits = headertree.NextBits(on, int64(h.Timestamp), c.net)
	for consensus.CheckProofOfWork(h.Hash(), h.Bits, c.net) != nil {
		h.Nonce++
	}
	n, _, err := c.tree.Add(&h, at)
	if err != nil {
		panic(err)
	}
	if n.Work.Gt(&c.best.Work) {
		c.best = n
	}
	return n
}

// after returns the headers that follow the locator on the branch of tip.
func (c *farChain) after(locator []wire.Hash, tip *headertree.Node) (headers []wire.Header) {
	from := c.tree.Genesis()
	for _, h := range locator {
		if n := c.tree.Lookup(h); n != nil && n.IsAncestorOf(tip) {
			from = n
			break
		}
	}
	for height := from.Height + 1; height <= tip.Height && len(headers) < wire.MaxHeaders; height++ {
		headers = append(headers, tip.Ancestor(height).Header)
	}
	return headers
}

// nearChain is the chain of the node: headers as they come, and blocks that are
// all valid.
type nearChain struct {
	tree    *headertree.Tree
	tip     *headertree.Node
	now     func() time.Time
	waiting map[*headertree.Node][]*headertree.Node // stored, without their parent
	linked  map[*headertree.Node]bool
}

func newNearChain(now func() time.Time) *nearChain {
	tree := headertree.New(params.Regtest())
	return &nearChain{tree: tree, tip: tree.Genesis(), now: now,
		waiting: make(map[*headertree.Node][]*headertree.Node), linked: map[*headertree.Node]bool{tree.Genesis(): true}}
}

func (c *nearChain) Tip() *headertree.Node     { return c.tip }
func (c *nearChain) Headers() *headertree.Tree { return c.tree }

func (c *nearChain) IsInitialDownload() bool {
	return c.tip.Header.Time().Before(c.now().Add(-24 * time.Hour))
}

func (c *nearChain) AcceptHashed(headers []wire.Header, hashes []wire.Hash) (last *headertree.Node, added int, err error) {
	for i := range headers {
		n, fresh, err := c.tree.AddHashed(hashes[i], &headers[i], c.now())
		if err != nil {
			return last, added, err
		}
		if last = n; fresh {
			added++
		}
	}
	return last, added, nil
}

// store keeps a block and connects what can be connected.
func (c *nearChain) store(n *headertree.Node) (moved bool) {
	n.SetData(&headertree.Data{Size: 1000})
	if !c.linked[n.Parent] {
		c.waiting[n.Parent] = append(c.waiting[n.Parent], n)
		return false
	}
	for todo := []*headertree.Node{n}; len(todo) > 0; todo = todo[1:] {
		n := todo[0]
		c.linked[n] = true
		if n.Work.Gt(&c.tip.Work) {
			c.tip, moved = n, true
		}
		todo = append(todo, c.waiting[n]...)
		delete(c.waiting, n)
	}
	return moved
}

// findBlock has somebody find a block, now and then on the parent of the best one,
// which the nodes hear of and announce one after the other.
func (r *replay) findBlock(dice *rand.Rand) {
	on := r.blocks.best
	if dice.IntN(5) == 0 {
		on = on.Parent
	}
	found := r.blocks.grow(on, r.Now())
	for _, n := range r.nodes {
		r.After(chance(n.dice, 2*time.Second), func() {
			if n.up && found.Work.Gt(&n.tip.Work) {
				n.tip = found
				r.announce(n, found)
			}
		})
	}
}

// announce has a node tell of a block on its links, each in its own way.
func (r *replay) announce(n *farNode, found *headertree.Node) {
	for _, l := range r.sorted() {
		if l.node != n || !l.ready {
			continue
		}
		id := netsync.PeerID(l.id)
		how := n.dice.IntN(3)
		r.later(l, n.latency, func() {
			header := found.Header
			switch {
			case how == 0:
				r.perform(r.sync.Inv(r.Now(), id, []wire.Hash{found.Hash}))
			case how == 1 && l.compact:
				r.compactBlock(l, found)
			default:
				r.perform(r.sync.Headers(r.Now(), id, []wire.Header{header}))
			}
		})
	}
}

// perform traces what the block download decides, and has the peers answer.
func (r *replay) perform(actions []netsync.Action) {
	trace := r.traces[traceBlocks]
	for _, a := range actions {
		if a, ok := a.(netsync.SendCmpctBlock); ok {
			trace.Note("cmpctblock %v to %d", a.Node.Hash, a.Peer)
		} else {
			trace.Note("%T %v", a, a)
		}
		l := r.links[uint64(a.Target())]
		if l == nil {
			r.t.Fatalf("%T for a link that has ended", a)
		}
		switch a := a.(type) {
		case netsync.SendGetHeaders:
			r.later(l, 2*l.node.latency, func() {
				r.perform(r.sync.Headers(r.Now(), a.Peer, r.blocks.after(a.Locator, l.node.tip)))
			})
		case netsync.SendGetData:
			for _, v := range a.Inv {
				r.deliver(l, v)
			}
		case netsync.Disconnect:
			r.later(l, 0, func() { r.cut(l) })
		}
	}
}

// deliver has a node send a block, or say that it has none, or say nothing.
func (r *replay) deliver(l *farLink, v wire.InvVect) {
	id, n := netsync.PeerID(l.id), r.blocks.tree.Lookup(v.Hash)
	luck := l.node.dice.IntN(100)
	if luck == 0 {
		return
	}
	r.later(l, 2*l.node.latency+chance(l.node.dice, 30*time.Millisecond), func() {
		switch {
		case luck < 5 || !n.IsAncestorOf(l.node.tip):
			r.perform(r.sync.NotFound(r.Now(), id, []wire.Hash{v.Hash}))
		case v.Type == wire.InvCmpctBlock:
			r.compactBlock(l, n)
		default:
			header := n.Header
			verdict, actions := r.sync.Block(r.Now(), id, n.Hash, &header)
			r.perform(actions)
			r.submit(l, n, verdict.Submit)
		}
	})
}

// compactBlock has a compact block come, which can be rebuilt or not.
func (r *replay) compactBlock(l *farLink, n *headertree.Node) {
	id, header := netsync.PeerID(l.id), n.Header
	open, actions := r.sync.CompactBlock(r.Now(), id, n.Hash, &header)
	r.traces[traceBlocks].Note("compact block %v of %d: open %v", n.Hash, l.id, open)
	r.perform(actions)
	if !open || r.links[l.id] != l {
		return
	}
	result := []netsync.CompactResult{netsync.CompactComplete, netsync.CompactMissing, netsync.CompactUnusable}[l.node.dice.IntN(3)]
	step, actions := r.sync.CompactRead(r.Now(), id, n.Hash, result, nil)
	r.traces[traceBlocks].Note("it is %v: step %d", result, step)
	r.perform(actions)
	r.submit(l, n, step == netsync.CompactSubmit)
}

// submit gives a block to the chain, which is done with it a little later.
func (r *replay) submit(l *farLink, n *headertree.Node, wanted bool) {
	if !wanted {
		return
	}
	life := r.lives
	r.After(5*time.Millisecond, func() {
		own := r.chain.tree.Lookup(n.Hash)
		moved := r.chain.store(own)
		l.block = r.Now()
		if life != r.lives {
			return
		}
		r.traces[traceBlocks].Note("stored %v", n.Hash)
		r.perform(r.sync.BlockStored(r.Now(), n.Hash))
		if moved {
			r.perform(r.sync.TipChanged(r.Now()))
			r.txs.Moved(nil, false)
			r.judgeOrphans()
		}
	})
}

// pay has somebody make a transaction, which the peers announce one after the
// other. Some spend what a transaction before pays.
func (r *replay) pay(dice *rand.Rand) {
	in := wire.TxIn{Sequence: wire.SequenceFinal}
	binary.LittleEndian.PutUint64(in.PrevOut.Hash[:], dice.Uint64())
	if n := len(r.made); n > 0 && dice.IntN(3) == 0 {
		in.PrevOut.Hash = r.made[max(0, n-1-dice.IntN(5))].TxID()
	}
	tx := wire.NewTx(2, []wire.TxIn{in}, []wire.TxOut{{Value: dice.Int64N(1e8), Script: []byte{0x51}}}, 0)
	r.made = append(r.made, tx)
	for _, l := range r.sorted() {
		if !l.relays || !l.ready || dice.IntN(3) > 0 {
			continue
		}
		r.later(l, chance(l.node.dice, 3*time.Second), func() {
			v := wire.InvVect{Type: wire.InvWTx, Hash: tx.WTxID()}
			r.request(r.txs.Inv(r.Now(), txdownload.PeerID(l.id), []wire.InvVect{v}))
		})
	}
}

// request traces what is asked for, and has the peers answer, or not.
func (r *replay) request(all []txdownload.Request) {
	for _, q := range all {
		r.traces[traceTxs].Note("ask %d for %v", q.Peer, q.Inv)
		l := r.links[uint64(q.Peer)]
		if l == nil {
			r.t.Fatalf("peer %d is asked, which is gone", q.Peer)
		}
		for _, v := range q.Inv {
			luck := l.node.dice.IntN(20)
			if luck == 0 {
				continue
			}
			r.later(l, 2*l.node.latency, func() {
				tx := r.find(v.Hash)
				if luck < 3 || tx == nil {
					r.request(r.txs.NotFound(r.Now(), q.Peer, []wire.InvVect{v}))
					return
				}
				l.tx = r.Now()
				verdict := r.txs.Received(r.Now(), q.Peer, tx)
				r.traces[traceTxs].Note("%d gave %v: judge %v, package %v", q.Peer, tx.TxID(), verdict.Judge, verdict.Package != nil)
				r.request(verdict.Requests)
				r.takePackage(verdict.Package)
				if verdict.Judge {
					r.After(3*time.Millisecond, func() { r.judge(q.Peer, tx, true) })
				}
			})
		}
	}
}

func (r *replay) find(id wire.Hash) *wire.Tx {
	for i := len(r.made) - 1; i >= 0; i-- {
		if tx := r.made[i]; tx.TxID() == id || tx.WTxID() == id {
			return tx
		}
	}
	return nil
}

// judge has the pool take a transaction or not. Its fate is that of its hash.
func (r *replay) judge(from txdownload.PeerID, tx *wire.Tx, judged bool) {
	id := tx.TxID()
	parent := r.find(tx.In[0].PrevOut.Hash)
	rej := txdownload.Rejection{Tx: tx, Judged: judged}
	switch {
	case parent != nil && !r.pool.HasTx(parent.TxID()):
		rej.Cause, rej.Missing = txdownload.InputsMissing, []wire.OutPoint{tx.In[0].PrevOut}
	case id[0] < 10:
		rej.Cause = txdownload.Refused
	case id[0] < 60:
		rej.Cause = txdownload.Reconsiderable
	default:
		r.traces[traceTxs].Note("accepted %v", id)
		r.pool.put(tx)
		r.txs.Accepted(tx, judged)
		r.judgeOrphans()
		return
	}
	next := r.txs.Rejected(r.Now(), from, rej)
	r.traces[traceTxs].Note("rejected %v, %d: parents %v, orphan %v, package %v", id, rej.Cause, next.Parents, next.Orphan, next.Package != nil)
	r.request(next.Requests)
	r.takePackage(next.Package)
}

// judgeOrphans tries those again whose parents have come.
func (r *replay) judgeOrphans() {
	for {
		from, tx, ok := r.txs.Next()
		if !ok {
			return
		}
		r.traces[traceTxs].Note("again %v of %d", tx.TxID(), from)
		r.judge(from, tx, false)
	}
}

// takePackage has the pool take a package.
func (r *replay) takePackage(p *txdownload.Package) {
	if p == nil {
		return
	}
	r.traces[traceTxs].Note("package of %v and %v", p.Parent.TxID(), p.Child.TxID())
	for _, tx := range []*wire.Tx{p.Parent, p.Child} {
		r.pool.put(tx)
		r.txs.Accepted(tx, false)
	}
}
