package chain

import (
	"context"
	"errors"

	"starling/chain/consensus"
	"starling/store"
	"starling/wire"
)

// finder takes blocks into the index that lie in the block files without being
// in it. Blocks lie there in the order in which they arrived; those that come
// before their parents wait, by position, until the parent has been seen.
type finder struct {
	c       *Chain
	waiting map[wire.Hash][]place // by parent
	found   int                   // blocks that are in the index now
	damaged int                   // records that are no whole blocks
}

// place is where a block lies.
type place struct {
	pos  store.Pos
	size int
}

func (c *Chain) newFinder() *finder {
	return &finder{c: c, waiting: make(map[wire.Hash][]place)}
}

// take is the callback of a scan. What turns out not to be a block may be the
// torn beginning of one, with whole ones inside, and is searched for these.
func (f *finder) take(pos store.Pos, raw []byte) error {
	b, err := wire.ParseBlock(raw)
	if err == nil {
		b.HashTxs()
		err = consensus.CheckBlock(b, f.c.net)
	}
	switch {
	case err != nil:
		return f.bad(pos, err)
	case b.Hash() == f.c.net.GenesisHash:
		return nil
	case f.c.tree.Lookup(b.Header.PrevBlock) == nil:
		f.waiting[b.Header.PrevBlock] = append(f.waiting[b.Header.PrevBlock], place{pos, len(raw)})
		return nil
	}
	return f.add(pos, b)
}

func (f *finder) bad(pos store.Pos, err error) error {
	f.damaged++
	f.c.log.Debug("a record in the block files is not a whole block and is skipped", "at", pos, "err", err)
	return store.ErrNotRecord
}

// add takes in a block whose parent is known, and those that waited for it. It
// returns [store.ErrNotRecord] if the block is not whole.
func (f *finder) add(pos store.Pos, b *wire.Block) error {
	c := f.c
	n, isNew, err := c.tree.Add(&b.Header, c.clk.Now())
	if err != nil {
		c.log.Warn("a block in the block files is skipped", "hash", b.Hash(), "err", err)
		return nil
	}
	if isNew {
		c.index.touch(n)
	}
	if n.Data() == nil && n.Parent != nil {
		if err := c.checkBody(n, b); err != nil {
			return f.bad(pos, err)
		}
		c.setStored(n, pos, b)
		if f.found++; f.found%1000 == 0 {
			c.log.Info("reading the block files", "blocks", f.found, "height", n.Height)
		}
	}
	waited := f.waiting[n.Hash]
	delete(f.waiting, n.Hash)
	for _, p := range waited {
		if err := f.addWaiting(p); err != nil {
			return err
		}
	}
	return nil
}

func (f *finder) addWaiting(p place) error {
	raw, err := f.c.blocks.Read(p.pos, uint32(p.size))
	if err != nil {
		return err
	}
	b, err := wire.ParseBlock(raw)
	if err != nil {
		return err
	}
	b.HashTxs()
	if err = f.add(p.pos, b); !errors.Is(err, store.ErrNotRecord) {
		return err
	}
	// The scan has gone past what lies inside.
	end := p.pos.Offset + uint32(p.size)
	err = f.c.blocks.ScanFile(context.Background(), p.pos.File, int64(p.pos.Offset), func(pos store.Pos, raw []byte) error {
		if pos.Offset >= end {
			return store.ErrStop
		}
		return f.take(pos, raw)
	})
	if errors.Is(err, store.ErrStop) {
		return nil
	}
	return err
}

// findTails looks for blocks behind those that the index knows of. There are
// some after a crash that the index could not be written before; and nothing
// in the files is ever cut off because the index does not name it.
func (c *Chain) findTails() error {
	f := c.newFinder()
	for file, size := range c.blocks.Sizes() {
		end := int64(0)
		if u := c.index.files[file]; u != nil {
			end = int64(u.blockEnd)
		}
		if end >= size {
			continue
		}
		if err := c.blocks.ScanFile(context.Background(), file, end, f.take); err != nil {
			return err
		}
	}
	c.failInvalid()
	if f.found > 0 {
		c.log.Info("took in blocks that were stored before the index could be written", "blocks", f.found)
	}
	return nil
}
