package server

import (
	"sync"

	"starling/relay/compact"
	"starling/wire"
)

// compactState is what the node has at hand to rebuild blocks and to have
// others rebuild them.
type compactState struct {
	index  compact.Index // of the pool
	extra  compact.Extra
	recent recentBlock
	built  builtBlocks
}

// recentBlock is the last block that was sent on before it was connected. Peers
// ask for parts of it at once, so it is kept in memory, and served also while
// its scripts are being checked. It costs the memory of one block.
type recentBlock struct {
	mu   sync.Mutex
	last *wire.Block
	msg  *wire.MsgCmpctBlock
	txs  map[wire.Hash]*wire.Tx // by both ids; made when first asked for
}

// set keeps a block, whose ids have been hashed, in the place of the last one.
func (r *recentBlock) set(b *wire.Block) {
	msg, err := compact.Build(b, randomNonce())
	if err != nil {
		msg = nil // too many transactions: it goes whole
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last, r.msg, r.txs = b, msg, nil
}

// drop forgets the block if it is the one with this hash: it has turned out
// invalid.
func (r *recentBlock) drop(hash wire.Hash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != nil && r.last.Hash() == hash {
		r.last, r.msg, r.txs = nil, nil, nil
	}
}

// block returns the block with this hash, or nil.
func (r *recentBlock) block(hash wire.Hash) *wire.Block {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || r.last.Hash() != hash {
		return nil
	}
	return r.last
}

// message returns the compact form of the block with this hash, or nil.
func (r *recentBlock) message(hash wire.Hash) *wire.MsgCmpctBlock {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || r.last.Hash() != hash {
		return nil
	}
	return r.msg
}

// tx returns a transaction of the block by either of its ids, or nil. Peers may
// still ask for it although it has just left the pool.
func (r *recentBlock) tx(id wire.Hash) *wire.Tx {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		return nil
	}
	if r.txs == nil {
		r.txs = make(map[wire.Hash]*wire.Tx, 2*len(r.last.Txs))
		for i := range r.last.Txs {
			tx := &r.last.Txs[i]
			r.txs[tx.TxID()] = tx
			r.txs[tx.WTxID()] = tx
		}
	}
	return r.txs[id]
}
