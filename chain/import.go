package chain

import (
	"context"
	"errors"
	"io"

	"starling/chain/consensus"
	"starling/store"
	"starling/wire"
)

// ImportStats says how far an import has got.
type ImportStats struct {
	Found  int   // blocks that the file holds, as far as their headers tell
	Blocks int   // read and submitted
	Bytes  int64 // in them
	Known  int   // of them had been known before
	Orphan int   // not submitted, because their ancestors are not in the file
}

// importLag is how many blocks an import lets wait for their outcome.
const importLag = 256

// Import reads blocks from r, in the form of block files (magic, length,
// block; anything between records is skipped), and submits them. It reads
// twice: first the headers, so that blocks may lie in any order and what the
// chain knows of its own future, such as the assume-valid block, counts from
// the start; then the blocks. progress, if not nil, is called after every
// block. Import returns when all blocks have been dealt with, with the first
// error of a block that breaks a rule.
func (c *Chain) Import(ctx context.Context, r io.ReadSeeker, progress func(ImportStats)) (ImportStats, error) {
	im := importer{c: c, outcomes: make(chan Outcome, importLag)}
	if err := im.headers(ctx, r); err != nil {
		return im.stats, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return im.stats, err
	}
	err := store.ScanReader(ctx, r, c.net.Magic, wire.MaxBlockSize, func(raw []byte) error {
		if err := im.submit(ctx, raw); err != nil {
			return err
		}
		if progress != nil {
			progress(im.stats)
		}
		return nil
	})
	for err == nil && im.inFlight > 0 {
		err = im.collect(ctx)
	}
	return im.stats, errors.Join(err, im.first)
}

// importer is the state of one import.
type importer struct {
	c        *Chain
	stats    ImportStats
	outcomes chan Outcome
	inFlight int
	first    error // of a block
}

// headers adds the headers of all blocks of r to the tree. Those that lie in
// front of their parents wait; a header takes 80 bytes.
func (im *importer) headers(ctx context.Context, r io.Reader) error {
	waiting := make(map[wire.Hash][]wire.Header) // by parent
	return store.ScanReader(ctx, r, im.c.net.Magic, wire.MaxBlockSize, func(raw []byte) error {
		h, err := wire.DecodeHeader(raw)
		if err != nil {
			return store.ErrNotRecord
		}
		im.stats.Found++
		queue := []wire.Header{h}
		for len(queue) > 0 {
			h, queue = queue[0], queue[1:]
			_, _, err := im.c.AcceptHeaders([]wire.Header{h})
			if isRuleKind(err, consensus.MissingParent) {
				waiting[h.PrevBlock] = append(waiting[h.PrevBlock], h)
				continue
			}
			if err != nil && im.first == nil {
				im.first = err
			}
			hash := h.Hash()
			queue = append(queue, waiting[hash]...)
			delete(waiting, hash)
		}
		return nil
	})
}

// submit hands one block over, once not too many wait.
func (im *importer) submit(ctx context.Context, raw []byte) error {
	h, err := wire.DecodeHeader(raw)
	if err != nil {
		return store.ErrNotRecord
	}
	n := im.c.tree.Lookup(h.Hash())
	if n == nil {
		im.stats.Orphan++
		return nil
	}
	if n == im.c.tree.Genesis() {
		return nil
	}
	for im.inFlight >= importLag {
		if err := im.collect(ctx); err != nil {
			return err
		}
	}
	im.inFlight++
	im.stats.Blocks++
	im.stats.Bytes += int64(len(raw))
	return im.c.Submit(ctx, Incoming{Raw: raw, Requested: true, Done: func(o Outcome) { im.outcomes <- o }})
}

// collect waits for the outcome of one block.
func (im *importer) collect(ctx context.Context) error {
	select {
	case o := <-im.outcomes:
		im.inFlight--
		if o.Duplicate {
			im.stats.Known++
		}
		if o.Err != nil && im.first == nil {
			im.first = o.Err
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-im.c.stopped:
		return ErrStopped
	}
}

// isRuleKind reports whether err is a broken rule of the given kind.
func isRuleKind(err error, kind consensus.Kind) bool {
	var rule *consensus.RuleError
	return errors.As(err, &rule) && rule.Kind == kind
}
