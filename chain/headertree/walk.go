package headertree

// Txs returns how many transactions the block has, or 0 if it has never been
// stored. A block that was deleted to save space keeps its number.
func (n *Node) Txs() uint32 { return n.txs.Load() }

// SetTxs sets what [Node.Txs] returns.
func (n *Node) SetTxs(txs uint32) { n.txs.Store(txs) }

// ChainTx returns how many transactions the chain up to this block has, or 0
// if a block of it has never been stored.
func (n *Node) ChainTx() uint64 { return n.chainTx.Load() }

// SetChainTx sets what [Node.ChainTx] returns.
func (n *Node) SetChainTx(txs uint64) { n.chainTx.Store(txs) }

// All returns every header, parents before their children.
func (t *Tree) All() []*Node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]*Node, 0, t.table.count)
	all = append(all, t.genesis)
	walk(t.genesis, func(n *Node) { all = append(all, n) })
	return all
}

// Descendants returns n and every header built on it, parents before their
// children.
func (t *Tree) Descendants(n *Node) []*Node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := []*Node{n}
	walk(n, func(d *Node) { all = append(all, d) })
	return all
}
