package mempool

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"starling/store"
	"starling/store/journal"
	"starling/wire"
)

const (
	// saveDelay is how long after a change it is saved, and hurryDelay how long
	// after a transaction of this node's own users. If the whole pool is written
	// there is added to both the time that it takes at the rate that follows, in
	// bytes a second, so that a large pool does not keep the disk busy.
	saveDelay  = 5 * time.Second
	saveRate   = 1_000_000
	hurryDelay = 200 * time.Millisecond
	hurryRate  = 20_000_000

	// journalAbove is how many bytes more than the file of the pool the journal
	// may take before the pool is written whole. So what is written over time is
	// about twice what has changed, and a start reads no more than about twice
	// the pool; and a small pool is not written whole every few seconds.
	journalAbove = 8 << 20

	// maxNoted is of how many transactions it is noted that they have changed:
	// more than 10,000 a second, or several blocks at once. If there are more the
	// pool is written whole. They take 3.5 MB at most.
	maxNoted = 1 << 16
)

// saver knows what of the pool has changed since it was saved, and where.
type saver struct {
	dirty   atomic.Bool
	hurried atomic.Bool
	kick    chan struct{} // tells Run that one of these was set

	// changed holds what has changed since the pool was saved; if it is nil the
	// pool must be written whole. Pool.mu guards it: it is written with that
	// lock held for writing, or for reading and mu with it.
	changed map[wire.Hash]struct{}

	mu   sync.Mutex   // held while files are written; guards all below
	log  *journal.Log // nil if nothing has been written to it since the file was
	base fileSum      // what the file holds
	size int64        // and how much
}

func (s *saver) init() { s.kick = make(chan struct{}, 1) }

// note says that there is something new to be saved of a transaction. Pool.mu
// must be held for writing.
func (s *saver) note(id wire.Hash) {
	switch {
	case s.changed == nil:
	case len(s.changed) >= maxNoted:
		s.changed = nil
	default:
		s.changed[id] = struct{}{}
	}
	s.touch()
}

// touch says that there is something to be saved.
func (s *saver) touch() { s.set(&s.dirty) }

// hurry says that it is something that this node's users care for.
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

// any reports whether there is something to be saved.
func (s *saver) any() bool { return s.dirty.Load() || s.hurried.Load() }

// clean says that what there was is about to be saved.
func (s *saver) clean() {
	s.dirty.Store(false)
	s.hurried.Store(false)
	s.changed = make(map[wire.Hash]struct{})
}

// File returns Config.File.
func (p *Pool) File() string { return p.cfg.File }

// journalFile returns where the journal is.
func (p *Pool) journalFile() string { return p.cfg.File + journalSuffix }

// Save writes the whole pool to Config.File, in one step: after a crash there
// is what was saved before, or what is now. The error is ErrNotLoaded or that of
// the disk.
func (p *Pool) Save() error {
	if p.cfg.File == "" {
		return errors.New("the mempool has no file to be saved in")
	}
	p.saver.mu.Lock()
	defer p.saver.mu.Unlock()
	return p.saveWhole()
}

// saveWhole is Save with saver.mu held.
func (p *Pool) saveWhole() error {
	p.mu.RLock()
	if !p.loaded {
		p.mu.RUnlock()
		return ErrNotLoaded
	}
	p.saver.clean()
	s := p.snapshot()
	p.mu.RUnlock()
	err := p.writeWhole(s.encode(make([]byte, 0, s.size())))
	if err != nil {
		p.unsaved()
	}
	return err
}

// unsaved says that it is not known what is on disk. saver.mu must be held.
func (p *Pool) unsaved() {
	p.mu.RLock()
	p.saver.changed = nil
	p.mu.RUnlock()
	p.saver.dirty.Store(true)
}

// writeWhole writes what a file of the pool holds, and ends the journal.
// saver.mu must be held.
//
// Neither file alone says that the journal may go. So the journal is told first
// which file is to hold what it does; then the file is written; and until the
// journal is gone a start finds the two of one mind.
func (p *Pool) writeWhole(data []byte) error {
	s := &p.saver
	sum := fileSum(sha256.Sum256(data))
	remove, err := p.endJournal(sum)
	if err != nil {
		return err
	}
	if err := store.WriteFileAtomic(p.cfg.FS, p.cfg.File, fileVersion, data); err != nil {
		return err
	}
	if err := remove(); err != nil {
		return err
	}
	s.base, s.size = sum, int64(len(data))
	return nil
}

// endJournal tells the journal, if there is one, which file holds all that it
// does, and closes it. The function that it returns takes it away: it deletes
// it, or sets it aside if it is damaged.
func (p *Pool) endJournal(next fileSum) (remove func() error, err error) {
	s, name := &p.saver, p.journalFile()
	l := s.log
	s.log = nil
	if l == nil {
		// It may be from before the start.
		l, err = journalFormat().OpenLog(p.cfg.FS, name, new(replay).take)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return func() error { return nil }, nil
		case unreadable(err):
			return func() error { return p.setAside(name) }, nil
		case err != nil:
			return nil, err
		}
	}
	var b journal.Batch
	b.Set(keyNext, next[:])
	// What it can not be told, for want of a whole end or of room, makes it at
	// worst a file that belongs to no other, which is set aside at the start.
	_ = l.Append(&b)
	_ = l.Close()
	return func() error { return store.RemoveFile(p.cfg.FS, name) }, nil
}

// setAside renames a file of the pool so that it is not in the way.
func (p *Pool) setAside(name string) error {
	if err := p.cfg.FS.Rename(name, aside(name)); err != nil {
		return err
	}
	return store.SyncDir(p.cfg.FS, p.cfg.FS.PathDir(name))
}

// aside returns what a file is called that was set aside.
func aside(name string) string { return name + ".bad" }

// saveChanges writes what has changed to the journal, or the whole pool if that
// is not known or the journal would grow too large.
func (p *Pool) saveChanges() error {
	s := &p.saver
	s.mu.Lock()
	defer s.mu.Unlock()
	p.mu.RLock()
	if !p.loaded || s.changed == nil {
		p.mu.RUnlock()
		return p.saveWhole()
	}
	ids := s.changed
	s.clean()
	all := make([]noted, 0, len(ids))
	for id := range ids {
		all = append(all, noted{id: id, state: p.stateOf(id)})
	}
	p.mu.RUnlock()
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b noted) int { return compareIDs(a.id, b.id) })
	size := int64(0)
	if s.log != nil {
		size = s.log.Size()
	}
	for i := range all {
		size += int64(wire.HashSize + minJournalEntry + len(all[i].raw))
	}
	if size > s.size+journalAbove {
		return p.saveWhole()
	}
	err := p.commit(all)
	if err != nil {
		p.unsaved()
	}
	return err
}

// commit writes how transactions stand to the journal, which is made if it is
// not there. saver.mu must be held.
func (p *Pool) commit(all []noted) (err error) {
	s := &p.saver
	var b journal.Batch
	if s.log == nil {
		b.Set(keyBase, s.base[:])
	}
	for i := range all {
		all[i].record(&b)
	}
	if s.log == nil {
		s.log, err = journalFormat().CreateLog(p.cfg.FS, p.journalFile(), &b)
		return err
	}
	return s.log.Append(&b)
}

// saveIn returns how long to wait until the pool is saved.
func (p *Pool) saveIn() time.Duration {
	p.mu.Lock()
	usage, whole := p.sum.usage, p.saver.changed == nil
	p.mu.Unlock()
	at := func(rate int64) time.Duration {
		if !whole {
			return 0
		}
		return time.Duration(usage) * time.Second / time.Duration(rate)
	}
	if p.saver.hurried.Load() {
		return hurryDelay + at(hurryRate)
	}
	return saveDelay + at(saveRate)
}

func (p *Pool) saveIfDirty() {
	if p.cfg.File != "" && p.saver.any() {
		p.told(p.saveChanges())
	}
}

// saveLast writes the whole pool if the file is not up to date, and closes the
// journal.
func (p *Pool) saveLast() {
	if p.cfg.File == "" {
		return
	}
	s := &p.saver
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log != nil || s.any() {
		p.told(p.saveWhole())
	}
	if s.log != nil {
		_ = s.log.Close() // every commit is on disk already
		s.log = nil
	}
}

// told tells of a pool that could not be saved.
func (p *Pool) told(err error) {
	if err != nil && !errors.Is(err, ErrNotLoaded) {
		p.cfg.Log.Warn("the mempool can not be saved", "file", p.cfg.File, "err", err)
	}
}
