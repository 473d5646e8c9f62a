package netsync

import (
	"starling/chain/headertree"
	"starling/wire"
)

// known is what a peer is known to have of the chain. It is a fact about the
// peer rather than a part of any machine: all of them tell it what they hear,
// and all of them look at it.
//
// Between [known.resolve] and the next change of the tree, best is no failed
// block, and unknown is not in the tree.
type known struct {
	// best is the block with most work that the peer is known to have, nil if
	// none is known.
	best *headertree.Node
	// unknown is the last block that it announced whose header is not known.
	unknown wire.Hash
	// sent is the best header that was announced to the peer or served to it.
	sent *headertree.Node
}

// has reports whether the peer is known to have the header n.
func (k *known) has(n *headertree.Node) bool {
	return k.best != nil && k.best.Ancestor(n.Height) == n ||
		k.sent != nil && k.sent.Ancestor(n.Height) == n
}

// hear notes that the peer has the block h.
func (k *known) hear(tree *headertree.Tree, h wire.Hash) {
	k.resolve(tree)
	if n := tree.Lookup(h); n != nil {
		k.learn(n)
	} else {
		k.unknown = h
	}
}

// learn notes that the peer has the block of n.
func (k *known) learn(n *headertree.Node) {
	if k.best == nil || !n.Work.Lt(&k.best.Work) {
		k.best = n
	}
}

// resolve looks whether the header of the last announced block has become
// known, and steps back from blocks that turned out bad: what is below them the
// peer has as well.
func (k *known) resolve(tree *headertree.Tree) {
	for k.best != nil && k.best.Failed() {
		k.best = k.best.Parent
	}
	if k.unknown == (wire.Hash{}) {
		return
	}
	if n := tree.Lookup(k.unknown); n != nil {
		k.learn(n)
		k.unknown = wire.Hash{}
	}
}
