package mempool

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"starling/store"
	"starling/wire"
)

// LoadStats says what became of a saved pool.
type LoadStats struct {
	Read     int // entries in the file
	Accepted int
	Expired  int // had waited too long
	Known    int // were in the pool already
	Failed   int // are not valid any more, or not worth it
}

// ErrNotLoaded is returned by [Pool.Save] while the pool that was saved before
// has not been read: writing would lose it.
var ErrNotLoaded = errors.New("the mempool was not loaded yet")

// Loaded reports whether Load has been through.
func (p *Pool) Loaded() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.loaded
}

// Load takes in what [Pool.Save] wrote and what the journal says of changes
// since. A damaged file is set aside and told of in the log; it is no error, nor
// is a missing one. The error is that of ctx or of the disk.
func (p *Pool) Load(ctx context.Context) (LoadStats, error) {
	var stats LoadStats
	s, err := p.readFile()
	if err != nil {
		return stats, err
	}
	if s != nil {
		if stats, err = p.restore(ctx, s); err != nil {
			return stats, err
		}
		p.cfg.Log.Info("loaded the mempool", "accepted", stats.Accepted, "failed", stats.Failed,
			"expired", stats.Expired, "already there", stats.Known)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loaded = true
	p.saver.wake() // what came meanwhile could not be saved
	return stats, nil
}

// readFile reads the file of the pool and its journal; nil if there is none that
// is of use.
func (p *Pool) readFile() (*saved, error) {
	if p.cfg.File == "" {
		return nil, nil
	}
	b, err := store.ReadFileChecked(p.cfg.FS, p.cfg.File, fileVersion)
	if errors.Is(err, fs.ErrNotExist) {
		return p.readJournal(nil, fileSum{})
	}
	var s *saved
	if err == nil {
		s, err = decodeSaved(b)
	}
	if unreadable(err) {
		if rerr := p.setAside(p.cfg.File); rerr != nil {
			return nil, rerr
		}
		p.cfg.Log.Warn("the saved mempool can not be read and was set aside; the pool starts empty", "err", store.WithoutAdvice(err), "aside", aside(p.cfg.File))
		return p.readJournal(nil, fileSum{})
	}
	if err != nil {
		return nil, err
	}
	return p.readJournal(s, sha256.Sum256(b))
}

// unreadable reports whether an error is about what a file holds, not about the
// disk.
func unreadable(err error) bool {
	var version *store.VersionError
	var corrupt *store.CorruptError
	var malformed *wire.DecodeError
	return errors.As(err, &version) || errors.As(err, &corrupt) || errors.As(err, &malformed)
}

// readJournal brings what was saved in the file of the pool, nil if nothing was,
// up to date with the journal, if there is one that belongs to it.
func (p *Pool) readJournal(s *saved, file fileSum) (*saved, error) {
	var r replay
	name := p.journalFile()
	l, err := journalFormat().OpenLog(p.cfg.FS, name, r.take)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil && !unreadable(err):
		return nil, err
	}
	torn := 0
	if err == nil {
		torn = l.Torn()
		if err := l.Close(); err != nil {
			return nil, err
		}
	}
	// Its end comes when the pool is next written, and no earlier: what is used
	// of it has to last until then.
	p.saver.touch()
	switch belongs := s != nil && r.appliesTo(file); {
	case err != nil && (belongs || !r.begun):
		p.cfg.Log.Warn("the journal of the mempool can not be read to its end; what comes before that is used, and the file is set aside",
			"err", store.WithoutAdvice(err), "aside", aside(name))
	case s != nil && !belongs && r.doneWith(file):
		return s, nil
	case !belongs:
		if err := p.setAside(name); err != nil {
			return nil, err
		}
		p.cfg.Log.Warn("there is a journal of another mempool than the one that was saved; it is not used and was set aside",
			"journal", name, "aside", aside(name))
		return s, nil
	case torn > 0:
		p.cfg.Log.Warn("the journal of the mempool was cut short, as by a crash; what comes before that is used", "bytes left out", torn)
	}
	if !r.begun {
		return s, nil
	}
	return s.with(&r), nil
}

// restore takes in what was saved, chunk by chunk, so that a transaction which
// another pays for comes together with it. Chunks are independent of those
// after them but may need those before; what comes too early is tried again.
func (p *Pool) restore(ctx context.Context, s *saved) (LoadStats, error) {
	stats := LoadStats{Read: len(s.entries)}
	for _, d := range s.deltas {
		p.Prioritise(d.TxID, d.Delta)
	}
	chunks := s.chunks()
	early, err := p.restoreAll(ctx, chunks, &stats, true)
	if err == nil && len(early) > 0 {
		_, err = p.restoreAll(ctx, early, &stats, false)
	}
	if err != nil {
		return stats, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range s.unbroadcast {
		if p.byTxID[id] != nil {
			p.unbroadcast[id] = struct{}{}
			p.saver.note(id)
		}
	}
	return stats, nil
}

// restoreAll takes in chunks: on all cores if spread is set, and then returns
// those that failed for want of their parents.
func (p *Pool) restoreAll(ctx context.Context, chunks [][]savedEntry, stats *LoadStats, spread bool) (early [][]savedEntry, err error) {
	workers := 1
	if spread {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var mu sync.Mutex // guards stats, late and err
	var late []int
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(chunks) {
					return
				}
				one, retry, rerr := p.restoreChunk(ctx, chunks[i], spread)
				mu.Lock()
				switch {
				case rerr != nil:
					err = rerr
				case retry:
					late = append(late, i)
				default:
					stats.Accepted += one.Accepted
					stats.Expired += one.Expired
					stats.Known += one.Known
					stats.Failed += one.Failed
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if cerr := ctx.Err(); cerr != nil {
		return nil, cerr
	}
	slices.Sort(late)
	for _, i := range late {
		early = append(early, chunks[i])
	}
	return early, err
}

// restoreChunk takes in one chunk. retry is true, if it may be, when inputs
// are missing.
func (p *Pool) restoreChunk(ctx context.Context, chunk []savedEntry, mayRetry bool) (stats LoadStats, retry bool, err error) {
	oldest := p.cfg.Clock.Now().Add(-p.cfg.Expiry)
	var cs []*candidate
	for i := range chunk {
		e := &chunk[i]
		if e.time.Before(oldest) {
			stats.Expired++
			continue
		}
		tx, err := wire.ParseTx(slices.Clone(e.raw))
		if err != nil {
			stats.Failed++
			continue
		}
		c, rej := p.candidate(tx, e.time, mode{packageFees: len(chunk) > 1})
		if rej != nil {
			stats.Failed++
			continue
		}
		p.setDelta(c.txid, e.delta)
		cs = append(cs, c)
	}
	if len(cs) > 1 {
		_, _, err := p.enterTogether(ctx, cs, AddOptions{})
		if err == nil {
			stats.Accepted += len(cs)
			p.makeRoom()
			return stats, false, nil
		}
	}
	// One by one, what is still valid may stay.
	for _, c := range cs {
		_, _, err := p.addOne(ctx, c.tx, AddOptions{Time: c.when}, mode{})
		var rej *Rejection
		switch {
		case err == nil:
			stats.Accepted++
		case !errors.As(err, &rej):
			return stats, false, err
		case rej.Kind == Known || rej.Kind == Conflict:
			stats.Known++
		case rej.Kind == InputsMissing && mayRetry && stats.Accepted == 0:
			return stats, true, nil
		default:
			stats.Failed++
		}
	}
	p.makeRoom()
	return stats, false, nil
}

// setDelta restores what prioritisation adds, unless there is something newer.
func (p *Pool) setDelta(txid wire.Hash, delta int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.deltas[txid]; !ok && delta != 0 && p.byTxID[txid] == nil {
		p.deltas[txid] = delta
		p.saver.note(txid)
	}
}

// makeRoom evicts what does not fit.
func (p *Pool) makeRoom() {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := len(p.byTxID)
	p.trim(p.cfg.Clock.Now())
	if len(p.byTxID) != before {
		p.changed()
	}
}
