package connmgr

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
	"starling/store/journal"
)

const (
	// saveEvery is how long it takes at least from one time that the bans by
	// score are saved to the next, so that somebody who gets address after
	// address banned does not keep the disk busy. Bans by hand are saved at once.
	saveEvery = 10 * time.Second

	// oldFileVersion is the version of the content of the older file, which was
	// written whole each time.
	oldFileVersion = 1
)

// banFormat is that of the ban file: a ban is written behind the others, so that
// however many there are, one more costs one more.
func banFormat() journal.Format {
	return journal.Format{
		Magic:  "STARLING BANS\n\x00\x00",
		Name:   "ban list",
		Advice: "move it away to start without bans",
	}
}

// banFile is the ban list on disk. Its zero value keeps none.
type banFile struct {
	fs        vfs.FS
	path, old string // old is a file of the older form, which is taken over

	mu sync.Mutex // one writer at a time
	f  *journal.File
}

// savedBan is how a ban is written; in the new file the subnet is the key.
type savedBan struct {
	Subnet  netip.Prefix `json:"subnet,omitzero"`
	Created int64        `json:"created"` // seconds since 1970
	Until   int64        `json:"until"`
	Reason  string       `json:"reason,omitempty"`
	ByScore bool         `json:"by_score,omitempty"`
}

func (s savedBan) ban(subnet netip.Prefix) Ban {
	return Ban{subnet, time.Unix(s.Created, 0), time.Unix(s.Until, 0), s.Reason, s.ByScore}
}

// load returns the bans that were saved.
func (b *banFile) load() (*Bans, error) {
	bans := NewBans()
	if b.path == "" {
		return bans, nil
	}
	f, err := banFormat().Open(b.fs, b.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bans, b.takeOver(bans)
	case err != nil:
		return bans, fmt.Errorf("ban list: %w", err)
	}
	for key, value := range f.All("") {
		var s savedBan
		p, err := netip.ParsePrefix(key)
		if err == nil {
			err = json.Unmarshal(value, &s)
		}
		if err != nil {
			return bans, errors.Join(fmt.Errorf("ban list %s: %q: %w", b.path, key, err), f.Close())
		}
		_ = bans.Add(s.ban(p)) // a repeated entry is no news
	}
	_, kept := f.Torn()
	b.tidy(kept)
	b.f = f
	bans.saved()
	return bans, nil
}

// tidy removes what is superseded: a file of the older form that a crash kept from
// being removed once it was taken over, which would come back in the place of a
// newer one, and all files set aside but the last. What cannot be removed is tried
// again at the next start.
func (b *banFile) tidy(kept string) {
	if b.old != "" {
		_ = b.fs.Remove(b.old)
	}
	if kept == "" {
		return
	}
	aside, _ := journal.Aside(b.fs, b.path)
	for _, name := range aside {
		if name != kept {
			_ = b.fs.Remove(name)
		}
	}
}

// takeOver reads a file of the older form, if there is one, and writes what it
// holds to a new one, which takes its place.
func (b *banFile) takeOver(bans *Bans) error {
	if b.old == "" {
		return nil
	}
	data, err := store.ReadFileChecked(b.fs, b.old, oldFileVersion)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ban list: %w", err)
	}
	var saved []savedBan
	if err := json.Unmarshal(data, &saved); err != nil {
		return fmt.Errorf("ban list %s: %w", b.old, err)
	}
	for _, s := range saved {
		if s.Subnet.IsValid() { // what makes no sense is left out
			_ = bans.Add(s.ban(s.Subnet))
		}
	}
	if err := b.write(bans.changes()); err != nil {
		return fmt.Errorf("ban list: %w", err)
	}
	bans.saved()
	return b.fs.Remove(b.old)
}

// write adds changes to the file. It returns once they are on disk.
func (b *banFile) write(changes *journal.Batch) (err error) {
	if b.path == "" || changes.Len() == 0 {
		return nil
	}
	if b.f == nil {
		// The first ban, or the disk has failed and may work again.
		b.f, err = banFormat().Open(b.fs, b.path)
		if errors.Is(err, fs.ErrNotExist) {
			b.f, err = banFormat().Create(b.fs, b.path, changes)
			return err
		}
		if err != nil {
			return err
		}
	}
	if err = b.f.Commit(changes); err != nil {
		// What is in it is known again only when it is opened anew.
		err = errors.Join(err, b.f.Close())
		b.f = nil
	}
	return err
}

func (b *banFile) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.f
	if b.f = nil; f == nil {
		return nil
	}
	return f.Close()
}

// load reads the ban file, if there is one.
func (m *Manager) load() error {
	m.file = banFile{fs: m.cfg.FS, path: m.cfg.BanFile, old: m.cfg.OldBanFile}
	bans, err := m.file.load()
	if err != nil {
		return err
	}
	if f := m.file.f; f != nil {
		if n, kept := f.Torn(); n > 0 {
			m.log.Warn("the end of the ban list was cut short by a crash; the file as it was is kept beside it", "bytes", n, "kept", kept)
		}
	}
	bans.Expire(m.cfg.Clock.Now())
	m.bans = bans
	return nil
}

// save writes what has changed in the ban list.
func (m *Manager) save() error {
	m.file.mu.Lock()
	defer m.file.mu.Unlock()
	m.mu.Lock()
	m.bans.Expire(m.cfg.Clock.Now())
	m.savedAt = m.cfg.Clock.Now()
	changes, names := m.bans.changes(), m.bans.changed
	m.bans.saved()
	m.mu.Unlock()
	err := m.file.write(changes)
	if err != nil {
		m.mu.Lock()
		m.bans.unsaved(names)
		m.mu.Unlock()
	}
	return err
}
