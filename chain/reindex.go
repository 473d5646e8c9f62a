package chain

import (
	"context"
	"errors"
	"io"
	"time"

	"starling/chain/headertree"
	"starling/store"
	"starling/wire"
)

// reindex rebuilds the block index from the block files. The coin set, which
// starts empty, follows when the blocks are connected. Blocks lie in the files
// in the order in which they arrived; those that come before their parents
// wait, by position, until the parent has been seen.
func (c *Chain) reindex(ctx context.Context) error {
	type place struct {
		pos  store.Pos
		size int
	}
	waiting := make(map[wire.Hash][]place) // by parent
	blocks, damaged := 0, 0

	var add func(pos store.Pos, b *wire.Block) error
	add = func(pos store.Pos, b *wire.Block) error {
		n, _, err := c.tree.Add(&b.Header, c.clk.Now())
		if err != nil {
			c.log.Warn("reindex: block skipped", "hash", b.Hash(), "err", err)
			return nil
		}
		if n.Data() == nil && n.Parent != nil {
			b.HashTxs()
			if err := c.checkBody(n, b); err != nil {
				damaged++
				c.log.Warn("reindex: block skipped", "height", n.Height, "hash", n.Hash, "err", err)
				return nil
			}
			c.setStored(n, pos, b)
			if blocks++; blocks%1000 == 0 {
				c.log.Info("reindex", "blocks", blocks, "height", n.Height)
			}
		}
		for _, p := range waiting[n.Hash] {
			raw, err := c.blocks.Read(p.pos, uint32(p.size))
			if err != nil {
				return err
			}
			child, err := wire.ParseBlock(raw)
			if err != nil {
				return err
			}
			if err := add(p.pos, child); err != nil {
				return err
			}
		}
		delete(waiting, n.Hash)
		return nil
	}
	err := c.blocks.Scan(ctx, store.Pos{}, func(pos store.Pos, raw []byte) error {
		b, err := wire.ParseBlock(raw)
		if err != nil {
			damaged++
			c.log.Warn("reindex: a record in the block files is damaged and skipped", "at", pos, "err", err)
			return store.ErrNotRecord
		}
		if b.Hash() == c.net.GenesisHash {
			return nil
		}
		if c.tree.Lookup(b.Header.PrevBlock) == nil {
			waiting[b.Header.PrevBlock] = append(waiting[b.Header.PrevBlock], place{pos, len(raw)})
			return nil
		}
		return add(pos, b)
	})
	if err != nil {
		return err
	}
	c.log.Info("reindex: the index is rebuilt; connecting blocks", "blocks", blocks, "skipped", damaged, "best", c.tree.Best().Height)
	return c.writeIndex()
}

// ImportStats says how far an import has got.
type ImportStats struct {
	Blocks int   // read and submitted
	Bytes  int64 // in them
	Known  int   // of them had been known before
	Orphan int   // whose parents never came
}

const (
	// maxWaitingBytes is how many bytes of blocks an import keeps whose
	// parents have not been seen yet. A node that fetches from many peers
	// writes blocks at most a window of 1,024 out of order.
	maxWaitingBytes = 256 << 20
	// importLag is how many blocks an import lets wait for their outcome.
	importLag = 256
)

// Import reads blocks from r, in the form of block files (magic, length,
// block; anything between records is skipped), and submits them. progress, if
// not nil, is called after every block. It returns when all blocks have been
// dealt with, with the first error of a block that breaks a rule.
func (c *Chain) Import(ctx context.Context, r io.Reader, progress func(ImportStats)) (ImportStats, error) {
	var s ImportStats
	waiting := make(map[wire.Hash][][]byte)
	waitingBytes := 0
	outcomes := make(chan Outcome, importLag)
	inFlight := 0
	var first error
	collect := func(o Outcome) {
		inFlight--
		if o.Duplicate {
			s.Known++
		}
		if o.Err != nil && first == nil {
			first = o.Err
		}
	}

	submit := func(raw []byte, h *wire.Header) error {
		if _, _, err := c.AcceptHeaders([]wire.Header{*h}); err != nil {
			return err
		}
		for inFlight >= importLag {
			select {
			case o := <-outcomes:
				collect(o)
			case <-ctx.Done():
				return ctx.Err()
			case <-c.stopped:
				return ErrStopped
			}
		}
		inFlight++
		s.Blocks++
		s.Bytes += int64(len(raw))
		err := c.Submit(ctx, Incoming{Raw: raw, Requested: true, Done: func(o Outcome) { outcomes <- o }})
		if err == nil && progress != nil {
			progress(s)
		}
		return err
	}

	err := store.ScanReader(ctx, r, c.net.Magic, wire.MaxBlockSize, func(raw []byte) error {
		h, err := wire.DecodeHeader(raw)
		if err != nil {
			return store.ErrNotRecord
		}
		hash := h.Hash()
		if hash == c.net.GenesisHash {
			return nil
		}
		if c.tree.Lookup(h.PrevBlock) == nil {
			if waitingBytes += len(raw); waitingBytes > maxWaitingBytes {
				return errors.New("the file's blocks are too far out of order")
			}
			waiting[h.PrevBlock] = append(waiting[h.PrevBlock], raw)
			return nil
		}
		type item struct {
			raw []byte
			h   wire.Header
		}
		queue := []item{{raw, h}}
		for len(queue) > 0 {
			it := queue[0]
			queue = queue[1:]
			if err := submit(it.raw, &it.h); err != nil {
				return err
			}
			id := it.h.Hash()
			for _, child := range waiting[id] {
				waitingBytes -= len(child)
				if ch, err := wire.DecodeHeader(child); err == nil {
					queue = append(queue, item{child, ch})
				}
			}
			delete(waiting, id)
		}
		return nil
	})
	for err == nil && inFlight > 0 {
		select {
		case o := <-outcomes:
			collect(o)
		case <-ctx.Done():
			err = ctx.Err()
		case <-c.stopped:
			err = ErrStopped
		}
	}
	for _, w := range waiting {
		s.Orphan += len(w)
	}
	if err == nil {
		err = first
	}
	return s, err
}

// VerificationProgress estimates, between 0 and 1, how much of the work of
// validating the chain up to now is done, from the rate of transactions that
// the network's parameters give.
func (c *Chain) VerificationProgress(n *headertree.Node) float64 {
	done := float64(n.ChainTx())
	stats := c.net.TxStats
	now := c.clk.Now().Unix()
	var total float64
	if done <= float64(stats.Count) {
		total = float64(stats.Count) + float64(now-stats.Time)*stats.Rate
	} else {
		age := time.Duration(max(now-n.Time(), 0)) * time.Second
		total = done + age.Seconds()*stats.Rate
	}
	if total <= 0 {
		return 1
	}
	return min(done/total, 1)
}
