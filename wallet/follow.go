package wallet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"starling/chain/headertree"
	"starling/internal/cputime"
	"starling/wallet/ledger"
	"starling/wire"
)

const (
	// birthdayMargin is how far before the birthday blocks are read, as the
	// times of blocks are not exact. It is Bitcoin Core's figure.
	birthdayMargin = 2 * time.Hour

	// saveEvery is after how many blocks without news for the wallet its
	// position is written: what is read again at most after a crash.
	saveEvery = 144
	// maxUnsaved and maxUnsavedBytes are how many transactions may wait to be
	// written while the wallet is more than nearTip blocks behind, and how large
	// they may be together. That is what they cost in memory, twice while they
	// are written.
	maxUnsaved      = 200
	maxUnsavedBytes = 8 << 20
	nearTip         = 6
)

// maxLag is how many blocks a wallet may be behind for callers to wait for it:
// it reads them within some seconds.
const maxLag = 1000

// Behind reports whether the wallet has so much to read that callers do not
// wait for it, and how far it is.
func (w *Wallet) Behind() (height, tip int32, behind bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	height, tip = w.at.Height, w.chain.Tip().Height
	return height, tip, tip-height > maxLag
}

// Keep brings the wallet to where the chain and the pool stand, as Sync does,
// unless it is far behind: then that goes on in the background, and the error
// says why it does not.
func (w *Wallet) Keep(ctx context.Context) error {
	if _, _, behind := w.Behind(); behind {
		return w.Trouble()
	}
	return w.Sync(ctx)
}

// keepToPay is Keep for payments, which need to know what there is.
func (w *Wallet) keepToPay(ctx context.Context) error {
	if height, tip, behind := w.Behind(); behind {
		if err := w.Trouble(); err != nil {
			return err
		}
		return paymentErrorf("The wallet is still reading the chain: it is at block %d of %d", height, tip)
	}
	return w.Sync(ctx)
}

// Sync brings the wallet to where the chain and the pool stood when it was
// called. It works in the caller's goroutine if nobody else is at it.
func (w *Wallet) Sync(ctx context.Context) error {
	goal := w.chain.Tip()
	w.followMu.Lock()
	defer w.followMu.Unlock()
	w.deliver()
	for {
		more, err := w.step(ctx)
		if err != nil {
			return err
		}
		if !more || w.at.Height >= goal.Height && w.chain.Contains(w.at) {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	w.deliver()
	if err := w.flush(); err != nil {
		return err
	}
	w.resend(ctx)
	return nil
}

// step moves the wallet by one block towards the tip. more is false if it
// stands there. The caller holds followMu.
func (w *Wallet) step(ctx context.Context) (more bool, err error) {
	at := w.at
	if !w.chain.Contains(at) {
		return true, w.disconnect(at)
	}
	if at == w.chain.Tip() {
		return false, nil
	}
	next := w.chain.At(at.Height + 1)
	if next == nil || next.Parent != at {
		// The chain moves just now: look again.
		return w.chain.Tip() != at, ctx.Err()
	}
	if next.Time() < w.birthdayFrom() {
		return true, w.skip(next)
	}
	if isGone(next) {
		if e := w.pruned(next.Height, w.birthdayFrom()); e != nil {
			e.Resumes, e.Loaded = true, true
			return false, e
		}
	}
	b, err := w.block(next)
	if err != nil {
		return false, fmt.Errorf("wallet %s: block at height %d: %w", w.name, next.Height, err)
	}
	return true, w.connect(next, b)
}

// block reads a block. The one at height 0 counts only where its outputs may
// be spent.
func (w *Wallet) block(n *headertree.Node) (*wire.Block, error) {
	if n.Height > 0 {
		return w.chain.ParsedBlock(n)
	}
	net := w.chain.Network()
	if net.GenesisSpendable {
		return net.Genesis, nil
	}
	return &wire.Block{}, nil
}

// birthdayFrom returns the time before which no block is read.
func (w *Wallet) birthdayFrom() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.birthdayFromLocked()
}

// birthdayFromLocked is birthdayFrom for callers that hold mu.
func (w *Wallet) birthdayFromLocked() int64 {
	return w.meta.birthday - int64(birthdayMargin/time.Second)
}

// connect takes in the block that follows the one the wallet stands on.
func (w *Wallet) connect(n *headertree.Node, b *wire.Block) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readBlock(n, b)
	w.at = n
	return w.saveIfDue()
}

// skip moves to a block that is too old to matter, and on over all others like
// it.
func (w *Wallet) skip(n *headertree.Node) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := w.birthdayFromLocked()
	for w.at = n; ; {
		next := w.chain.At(w.at.Height + 1)
		if next == nil || next.Parent != w.at || next.Time() >= from {
			return w.saveIfDue()
		}
		w.at = next
	}
}

// disconnect goes back from the block the wallet stands on.
func (w *Wallet) disconnect(n *headertree.Node) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ledger.Disconnect(n.Hash)
	w.at = n.Parent
	return w.saveIfDue()
}

// readBlock takes in what a block holds for the wallet. It may be called again
// for the same block.
func (w *Wallet) readBlock(n *headertree.Node, b *wire.Block) {
	for {
		grew := false
		for i := range b.Txs {
			at := ledger.Place{Block: n.Hash, Height: n.Height, Index: int32(i), Time: n.Time()}
			if w.ledger.Connect(&b.Txs[i], at, w.now()) {
				grew = w.markUsed(&b.Txs[i]) || grew
				w.bornBefore(n.Time())
			}
		}
		if !grew {
			return
		}
		// Addresses that are watched from now on may be paid by this very
		// block.
	}
}

// bornBefore notes a payment from a time before the birthday, which was said to be
// later than it is. The caller holds mu.
func (w *Wallet) bornBefore(t int64) {
	if t < w.meta.birthday {
		w.meta.birthday = t
		w.changes.Set(keyMeta, w.meta.append(nil))
	}
}

// scanOne reads the next block of a scan. more is false if there is none. The
// caller holds followMu, and the wallet stands on the tip.
func (w *Wallet) scanOne() (more bool, err error) {
	w.mu.Lock()
	at, height := w.at, w.scan
	w.mu.Unlock()
	if height < 0 {
		return false, nil
	}
	if height > at.Height || w.scanned(height) {
		return false, w.endScan()
	}
	n := w.chain.At(height)
	if n == nil {
		return true, nil // the tip has moved; step finds out
	}
	if isGone(n) {
		// It goes on if the blocks are fetched again.
		if e := w.pruned(height, 0); e != nil {
			e.Resumes, e.Loaded = true, true
			return false, e
		}
	}
	b, err := w.block(n)
	if err != nil {
		err = fmt.Errorf("wallet %s: rescan of block at height %d: %w", w.name, height, err)
		w.failScan(err)
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.scan != height || !w.chain.Contains(n) {
		return true, nil
	}
	w.readBlock(n, b)
	w.scan++
	if w.scanning != nil {
		w.scanning.last = height
	}
	return true, w.saveIfDue()
}

// scanned reports whether a scan has all that was asked for when it is about to
// read the block at a height.
func (w *Wallet) scanned(height int32) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.scanning != nil && w.scanning.to != nil && height > *w.scanning.to
}

// saveIfDue writes what has changed: at once near the tip, and now and then
// while there is much to read, which after a crash is read again. The caller
// holds mu.
func (w *Wallet) saveIfDue() error {
	w.sinceSave++
	news, bytes := w.ledger.Unsaved()
	if news == 0 && w.hasChanges() {
		news = 1
	}
	most := 0
	if w.scan >= 0 || w.chain.Tip().Height-w.at.Height > nearTip {
		most = maxUnsaved
	}
	if news <= most && bytes <= maxUnsavedBytes && w.sinceSave < saveEvery {
		return nil
	}
	return w.save()
}

// flush writes what has changed.
func (w *Wallet) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.hasChanges() {
		return nil
	}
	return w.save()
}

// Progress says how far a rescan has got.
type Progress struct {
	From, Height, To int32
	For              time.Duration
}

// scanState is a rescan that somebody waits for.
type scanState struct {
	from  int32
	to    *int32 // the last block to read; nil for the tip
	last  int32  // the last block that was read; -1 for none
	watch cputime.Stopwatch
	done  chan struct{} // closed at the end
	err   error         // set before done is closed
}

// startScan makes the wallet read the chain again from a height on, to a height
// or, if to is nil, the tip. The caller holds mu.
func (w *Wallet) startScan(from int32, to *int32) (*scanState, error) {
	if w.scanning != nil {
		return nil, ErrScanning
	}
	from = max(0, from)
	w.hold.Move(min(from-1, w.at.Height))
	if e := w.pruned(from, 0); e != nil {
		w.moveHold()
		return nil, e
	}
	if w.scan >= 0 {
		to = nil // one that was interrupted goes on to the tip
	}
	if w.scan < 0 || from < w.scan {
		w.scan = from
	}
	w.scanning = &scanState{from: w.scan, to: to, last: -1, watch: cputime.Start(), done: make(chan struct{})}
	w.touchPosition()
	return w.scanning, w.save()
}

// endScan is called when a scan has reached where the wallet stands.
func (w *Wallet) endScan() error {
	w.mu.Lock()
	w.scan = -1
	s := w.scanning
	w.scanning = nil
	w.touchPosition()
	err := w.save()
	w.mu.Unlock()
	// What was found may be spent by transactions that nobody told of while
	// it was not known to be ours.
	w.lookThroughPool()
	if s != nil {
		s.err = err
		close(s.done)
	}
	return err
}

// failScan ends a scan that can not go on.
func (w *Wallet) failScan(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.scanning
	w.scan, w.scanning = -1, nil
	w.touchPosition()
	err = errors.Join(err, w.save())
	if s != nil {
		s.err = err
		close(s.done)
	}
}

// ScanProgress returns how far a rescan is; ok is false if there is none.
func (w *Wallet) ScanProgress() (p Progress, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.scan < 0 {
		return p, false
	}
	p = Progress{From: w.scan, Height: w.scan, To: w.at.Height}
	if w.scanning != nil {
		p.From = w.scanning.from
		if to := w.scanning.to; to != nil {
			p.To = min(p.To, *to)
		}
		s := w.scanning.watch
		p.For = s.Lap()
	}
	return p, true
}

// AbortRescan ends a rescan. It reports whether there was one.
func (w *Wallet) AbortRescan() bool {
	w.mu.Lock()
	waiting := w.scan >= 0
	w.mu.Unlock()
	if waiting {
		w.failScan(ErrScanAborted)
	}
	return waiting
}

// Rescan reads the blocks of the best chain again from height from on, and
// returns when it has read the one at height to or, if that is nil, the tip. It
// returns the height of the last block that it read, -1 for none. It goes on, to
// the tip, after a restart if it is interrupted by one.
func (w *Wallet) Rescan(ctx context.Context, from int32, to *int32) (last int32, err error) {
	w.mu.Lock()
	s, err := w.startScan(from, to)
	w.mu.Unlock()
	if err != nil {
		return -1, err
	}
	err = w.awaitScan(ctx, s)
	w.mu.Lock()
	defer w.mu.Unlock()
	return s.last, err
}

// awaitScan works towards the end of a scan and waits for it.
func (w *Wallet) awaitScan(ctx context.Context, s *scanState) error {
	for {
		select {
		case <-s.done:
			return s.err
		default:
		}
		if _, err := w.advance(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// advance goes to the tip and reads one block of a scan, if there is one.
// more is false if there is nothing left to read.
func (w *Wallet) advance(ctx context.Context) (more bool, err error) {
	w.followMu.Lock()
	defer w.followMu.Unlock()
	for {
		more, err := w.step(ctx)
		if err != nil {
			return false, err
		}
		if !more {
			return w.scanOne()
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
	}
}

// heightOfTime returns the height of the first block of the best chain with a
// time of at least t, in seconds since 1970, less the margin that the times of
// blocks need; the height after the tip's if there is none.
func (w *Wallet) heightOfTime(t int64) int32 {
	t -= int64(birthdayMargin / time.Second)
	tip := w.chain.Tip()
	first := tip.Height + 1
	for n := tip; n != nil; n = n.Parent {
		if n.Time() >= t {
			first = n.Height
		}
	}
	return first
}
