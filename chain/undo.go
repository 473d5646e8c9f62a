package chain

import (
	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/store"
	"starling/wire"
)

// undoTrailer is the checksum behind an undo record in its file, as Bitcoin
// Core has it: over the hash of the block before and the record.
func undoTrailer(prev wire.Hash, record []byte) []byte {
	buf := make([]byte, 0, wire.HashSize+len(record))
	sum := wire.DoubleHash(append(append(buf, prev[:]...), record...))
	return sum[:]
}

// storeUndo appends the undo record of n to the file that belongs to its
// block's, unless an earlier connection left one.
func (c *Chain) storeUndo(n *headertree.Node, u *coins.Undo) error {
	d := *n.Data()
	if d.UndoSize != 0 {
		return nil
	}
	record := u.Append(nil)
	pos, err := c.undos.AppendTo(d.File, record, undoTrailer(n.Header.PrevBlock, record))
	if err != nil {
		return err
	}
	d.UndoOffset, d.UndoSize, d.UndoCRC = pos.Offset, uint32(len(record)), checksum(record)
	n.SetData(&d)
	c.index.placedUndo(n)
	return nil
}

// Undo reads what takes block n back: the coins that it spent. It returns
// ErrPruned or ErrNoBlock if that is not there, and a *store.CorruptError if
// it is damaged.
func (c *Chain) Undo(n *headertree.Node) (*coins.Undo, error) {
	if n == c.tree.Genesis() {
		return &coins.Undo{}, nil
	}
	d := n.Data()
	if d == nil || d.UndoSize == 0 {
		if n.Status()&headertree.Pruned != 0 {
			return nil, ErrPruned
		}
		return nil, ErrNoBlock
	}
	record, err := c.undos.Read(store.Pos{File: d.File, Offset: d.UndoOffset}, d.UndoSize)
	if err != nil {
		return nil, err
	}
	corrupt := &store.CorruptError{
		Path: c.undos.Path(d.File), Offset: int64(d.UndoOffset),
		What:   "the undo record of block " + n.Hash.String() + " does not match its checksum",
		Advice: "check the disk, then start once with --reindex; what is intact is kept",
	}
	if checksum(record) != d.UndoCRC {
		return nil, corrupt
	}
	u, err := coins.DecodeUndo(record)
	if err != nil {
		return nil, corrupt
	}
	return u, nil
}
