package ledger

import (
	"starling/wire"
)

// Place is where a transaction stands in the chain.
type Place struct {
	Block  wire.Hash
	Height int32
	Index  int32 // in the block
	Time   int64 // of the block, in seconds since 1970
}

// Connect takes in a transaction of a block, and reports whether it is the
// wallet's. now is the time to remember for one that is new. It may be called
// again for the same block.
func (l *Ledger) Connect(tx *wire.Tx, at Place, now int64) (ours bool) {
	switch {
	case l.touches(tx):
		l.confirm(tx, at, now)
		return true
	case l.rivals(tx):
		l.defeat(tx, at.Block, at.Height)
	}
	return false
}

// confirm records that tx is in a block.
func (l *Ledger) confirm(tx *wire.Tx, at Place, now int64) {
	r, fresh := l.add(tx, min(now, at.Time))
	if !fresh && r.Status == Confirmed && r.Block == at.Block {
		return
	}
	back := r.Status == Orphaned
	r.Status, r.Block, r.Height, r.Index, r.BlockTime = Confirmed, at.Block, at.Height, at.Index, at.Time
	r.InPool = false
	l.touch(r)
	l.defeat(tx, at.Block, at.Height)
	if back {
		l.judgeRewards()
	}
}

// defeat marks what can not confirm any more because tx is in a block: the
// wallet's transactions that spend the same, and all that builds on them.
func (l *Ledger) defeat(tx *wire.Tx, block wire.Hash, height int32) {
	id := tx.TxID()
	for i := range tx.In {
		for _, s := range l.spenders[tx.In[i].PrevOut] {
			if s.ID != id {
				l.conflict(s, block, height)
			}
		}
	}
}

// conflict marks r and its descendants.
func (l *Ledger) conflict(r *Record, block wire.Hash, height int32) {
	todo := []*Record{r}
	for len(todo) > 0 {
		r, todo = todo[0], todo[1:]
		if r.Status == Confirmed || r.Status == Conflicted {
			continue
		}
		r.Status, r.Block, r.Height, r.Index, r.BlockTime = Conflicted, block, height, -1, 0
		r.InPool = false
		l.touch(r)
		todo = append(todo, l.children(r)...)
	}
}

// Disconnect takes back what the block decided: its transactions are
// unconfirmed again, and so is what it made impossible.
func (l *Ledger) Disconnect(block wire.Hash) {
	for _, r := range l.records {
		if r.Block != block || r.Status != Confirmed && r.Status != Conflicted {
			continue
		}
		r.Status, r.Block, r.Height, r.Index, r.BlockTime = Unconfirmed, wire.Hash{}, -1, -1, 0
		l.touch(r)
	}
	l.judgeRewards()
}

// Rebase takes back what the blocks decided that are not in the chain any more.
func (l *Ledger) Rebase(inChain func(block wire.Hash) bool) {
	gone := map[wire.Hash]bool{}
	for _, r := range l.records {
		if (r.Status == Confirmed || r.Status == Conflicted) && !inChain(r.Block) {
			gone[r.Block] = true
		}
	}
	for h := range gone {
		l.Disconnect(h)
	}
	l.judgeRewards()
}

// judgeRewards marks as orphaned what builds on a reward that is in no block of
// the chain, and takes the mark back from what does so no more.
func (l *Ledger) judgeRewards() {
	lost := map[*Record]bool{}
	var line []*Record
	for _, r := range l.records {
		if r.Tx.IsCoinbase() && r.Status != Confirmed {
			lost[r] = true
			line = append(line, r)
		}
	}
	for len(line) > 0 {
		var r *Record
		r, line = line[0], line[1:]
		for _, c := range l.children(r) {
			if !lost[c] {
				lost[c] = true
				line = append(line, c)
			}
		}
	}
	for _, r := range l.records {
		switch {
		case lost[r] && r.Status == Unconfirmed:
			r.Status = Orphaned
			l.touch(r)
		case !lost[r] && r.Status == Orphaned:
			r.Status = Unconfirmed
			l.touch(r)
		}
	}
}
