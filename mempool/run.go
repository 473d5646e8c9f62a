package mempool

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"starling/store"
)

const (
	// expireEvery is how often what has waited too long is looked for, beside
	// each time that a transaction comes.
	expireEvery = 10 * time.Minute

	// saveDelay is how long after a change the pool is saved, and hurryDelay
	// how long after a transaction of this node's own users. To both is added
	// the time that the pool takes to write at the rate that follows, in bytes
	// a second, so that a large pool does not keep the disk busy.
	saveDelay  = 5 * time.Second
	saveRate   = 1_000_000
	hurryDelay = 200 * time.Millisecond
	hurryRate  = 20_000_000
)

// saver knows whether the pool has changed since it was saved.
type saver struct {
	dirty   atomic.Bool
	hurried atomic.Bool
	kick    chan struct{} // tells Run that one of these was set

	mu sync.Mutex // held while the file is written
}

func (s *saver) init() { s.kick = make(chan struct{}, 1) }

// touch says that the pool has changed.
func (s *saver) touch() { s.set(&s.dirty) }

// hurry says that it has changed in what this node's users care for.
func (s *saver) hurry() { s.set(&s.hurried) }

func (s *saver) set(flag *atomic.Bool) {
	if flag.Load() || flag.Swap(true) {
		return
	}
	s.wake()
}

// wake has Run look at the flags again.
func (s *saver) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// File returns Config.File.
func (p *Pool) File() string { return p.cfg.File }

// Save writes the pool to Config.File, in one step: after a crash either the
// old or the new content is there. The error is ErrNotLoaded or that of the
// disk.
func (p *Pool) Save() error {
	if p.cfg.File == "" {
		return errors.New("the mempool has no file to be saved in")
	}
	p.saver.mu.Lock()
	defer p.saver.mu.Unlock()
	p.mu.RLock()
	if !p.loaded {
		p.mu.RUnlock()
		return ErrNotLoaded
	}
	p.saver.dirty.Store(false)
	p.saver.hurried.Store(false)
	s := p.snapshot()
	p.mu.RUnlock()
	err := store.WriteFileAtomic(p.cfg.FS, p.cfg.File, fileVersion, s.encode(make([]byte, 0, s.size())))
	if err != nil {
		p.saver.dirty.Store(true)
	}
	return err
}

// Run drops what has waited too long and saves the pool a few seconds after a
// change, until ctx ends; then it saves the pool a last time and returns. A
// pool that can not be written is told of in the log. It is called once.
func (p *Pool) Run(ctx context.Context) error {
	expire := p.cfg.Clock.NewTimer(expireEvery)
	defer expire.Stop()
	save := p.cfg.Clock.NewTimer(0)
	defer save.Stop()
	for {
		select {
		case <-ctx.Done():
			p.saveIfDirty()
			return nil
		case <-expire.C:
			p.makeRoom()
			p.saveIfDirty() // if it failed before
			expire.Reset(expireEvery)
		case <-save.C:
			p.saveIfDirty()
		case <-p.saver.kick:
			save.Reset(p.saveIn())
		}
	}
}

// saveIn returns how long to wait until the pool is saved.
func (p *Pool) saveIn() time.Duration {
	p.mu.RLock()
	usage := p.sum.usage
	p.mu.RUnlock()
	at := func(rate int64) time.Duration { return time.Duration(usage) * time.Second / time.Duration(rate) }
	if p.saver.hurried.Load() {
		return hurryDelay + at(hurryRate)
	}
	return saveDelay + at(saveRate)
}

func (p *Pool) saveIfDirty() {
	if p.cfg.File == "" || !p.saver.dirty.Load() && !p.saver.hurried.Load() {
		return
	}
	if err := p.Save(); err != nil && !errors.Is(err, ErrNotLoaded) {
		p.cfg.Log.Warn("the mempool can not be saved", "file", p.cfg.File, "err", err)
	}
}
