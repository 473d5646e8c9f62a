package ledger

import (
	"starling/wire"
)

// Confirm records that tx is in a block. now is the time to remember for one
// that is new.
func (l *Ledger) Confirm(tx *wire.Tx, block wire.Hash, height, index int32, blockTime, now int64) *Record {
	r, fresh := l.Add(tx, min(now, blockTime))
	if !fresh && r.Status == Confirmed && r.Block == block {
		return r
	}
	back := r.Status == Orphaned
	r.Status, r.Block, r.Height, r.Index, r.BlockTime = Confirmed, block, height, index, blockTime
	r.InPool = false
	l.Touch(r)
	l.Defeat(tx, block, height)
	if back {
		l.JudgeRewards()
	}
	return r
}

// Defeat marks what can not confirm any more because tx is in a block: the
// wallet's transactions that spend the same, and all that builds on them.
func (l *Ledger) Defeat(tx *wire.Tx, block wire.Hash, height int32) {
	id := tx.TxID()
	for i := range tx.In {
		for _, s := range l.Spenders[tx.In[i].PrevOut] {
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
		l.Touch(r)
		todo = append(todo, l.Children(r)...)
	}
}

// Disconnect takes back what the block decided: its transactions are
// unconfirmed again, and so is what it made impossible.
func (l *Ledger) Disconnect(block wire.Hash) {
	for _, r := range l.Records {
		if r.Block != block || r.Status != Confirmed && r.Status != Conflicted {
			continue
		}
		r.Status, r.Block, r.Height, r.Index, r.BlockTime = Unconfirmed, wire.Hash{}, -1, -1, 0
		l.Touch(r)
	}
	l.JudgeRewards()
}

// JudgeRewards marks as orphaned what builds on a reward that is in no block of
// the chain, and takes the mark back from what does so no more.
func (l *Ledger) JudgeRewards() {
	lost := map[*Record]bool{}
	var line []*Record
	for _, r := range l.Records {
		if r.Tx.IsCoinbase() && r.Status != Confirmed {
			lost[r] = true
			line = append(line, r)
		}
	}
	for len(line) > 0 {
		var r *Record
		r, line = line[0], line[1:]
		for _, c := range l.Children(r) {
			if !lost[c] {
				lost[c] = true
				line = append(line, c)
			}
		}
	}
	for _, r := range l.Records {
		switch {
		case lost[r] && r.Status == Unconfirmed:
			r.Status = Orphaned
			l.Touch(r)
		case !lost[r] && r.Status == Orphaned:
			r.Status = Unconfirmed
			l.Touch(r)
		}
	}
}
