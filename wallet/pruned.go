package wallet

import (
	"errors"
	"fmt"
	"time"

	"starling/chain/headertree"
)

// PrunedError says that a wallet would have to read blocks that were deleted to
// save space.
type PrunedError struct {
	From, To int32     // heights of the first block that is to be read and of the last one that is gone
	Since    time.Time // the earliest birthday with which none that is gone is to be read
	Resumes  bool      // From is where the wallet had got to
	Loaded   bool      // it is loaded all the same
}

// Error implements the error interface. It says what to do.
func (e *PrunedError) Error() string {
	s := "Prune: "
	if e.Resumes {
		s += "last wallet synchronisation goes beyond pruned data: "
	}
	s += fmt.Sprintf("blocks %d to %d have yet to be read, and this node has deleted them", e.From, e.To)
	if e.Loaded {
		s += ", so that it is not known what the wallet has. Its keys can be used"
	}
	if !e.Resumes {
		since := e.Since.UTC().Truncate(time.Minute)
		s += fmt.Sprintf(". If nothing was paid before %s, give that time: --birthday %s, or %d where seconds are asked for",
			since.Format("2006-01-02 15:04 MST"), since.Format("2006-01-02T15:04Z"), since.Unix())
	}
	return s + ". To have the blocks fetched again, start the node with --prune 0 --reindex"
}

// pruned returns an error if one of the blocks of the best chain from a height
// on, with a time of at least since, is not stored any more.
func (w *Wallet) pruned(from int32, since int64) *PrunedError {
	e := &PrunedError{From: -1}
	for n := w.chain.Tip(); n != nil && n.Height >= max(from, 1); n = n.Parent {
		if n.Time() < since {
			continue
		}
		e.From = n.Height
		if e.To == 0 && isGone(n) {
			e.To, e.Since = n.Height, time.Unix(n.Time(), 0).Add(birthdayMargin+time.Minute)
		}
	}
	if e.To == 0 {
		return nil
	}
	return e
}

// isGone reports whether a block of the best chain was pruned.
func isGone(n *headertree.Node) bool { return n.Height > 0 && n.Data() == nil }

// holdBlocks keeps the blocks that the wallet has yet to read from being pruned,
// and reports whether some have been. If so it holds nothing: it can not go on,
// whatever else is kept for it.
func (w *Wallet) holdBlocks() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.at.Height + 1
	if w.scan >= 0 {
		next = min(next, w.scan)
	}
	w.hold = w.chain.HoldBlocks("wallet "+w.name, next-1)
	since := w.birthdayFromLocked()
	if w.scan >= 0 {
		since = 0 // a scan reads them all
	}
	e := w.pruned(next, since)
	if e == nil {
		return nil
	}
	w.letGo()
	return e
}

// moveHold says how far the wallet has got on disk. The caller holds mu.
func (w *Wallet) moveHold() {
	height := w.at.Height
	if w.scan >= 0 {
		height = min(height, w.scan-1)
	}
	w.hold.Move(height)
}

// letGo ends what holdBlocks began. The caller holds mu.
func (w *Wallet) letGo() {
	w.hold.Release()
	w.hold = nil
}

// strand takes note of what keeps the wallet from following the chain, nil for
// nothing. One that has missed blocks holds no others back any more.
func (w *Wallet) strand(err error) {
	var gone *PrunedError
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trouble = err
	switch {
	case errors.As(err, &gone):
		gone.Resumes, gone.Loaded = true, true
		w.letGo()
	case err == nil && w.hold == nil && !w.closed:
		// It goes on, as a scan that came too late was given up.
		w.hold = w.chain.HoldBlocks("wallet "+w.name, w.at.Height)
	}
}

// Trouble returns what keeps the wallet from following the chain, nil for
// nothing. Its keys can be used all the same.
func (w *Wallet) Trouble() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trouble
}
