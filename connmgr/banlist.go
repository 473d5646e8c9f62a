package connmgr

import (
	"net/netip"
	"time"
)

// Banned returns the ban that an address falls under.
func (m *Manager) Banned(a netip.Addr) (Ban, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bans.Find(m.cfg.Clock.Now(), a)
}

// Bans returns the bans that have not ended, in the order of their addresses.
func (m *Manager) Bans() []Ban {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bans.Expire(m.cfg.Clock.Now())
	return m.bans.All()
}

// Ban bans a subnet until a given time, or for the default time if that is
// zero. If it is banned already, as an address also within a subnet, the error
// is ErrBanned. The caller ends the links that fall under it.
func (m *Manager) Ban(p netip.Prefix, until time.Time, reason string) error {
	m.mu.Lock()
	now := m.cfg.Clock.Now()
	if until.IsZero() {
		until = now.Add(m.cfg.BanTime)
	}
	ban := Ban{Subnet: normal(p), Created: now, Until: until, Reason: reason}
	m.bans.Expire(now)
	err := ErrBanned
	if !m.bans.covers(now, ban.Subnet) {
		err = m.bans.Add(ban)
	}
	if err == nil {
		m.obs.Banned(ban)
	}
	m.mu.Unlock()
	if err != nil {
		return err
	}
	return m.save()
}

// Unban lifts the ban of exactly this subnet, else the error is ErrNotBanned.
func (m *Manager) Unban(p netip.Prefix) error {
	m.mu.Lock()
	m.bans.Expire(m.cfg.Clock.Now())
	err := m.bans.Remove(p)
	if err == nil && p.IsSingleIP() {
		m.scores.Forget(p.Addr().Unmap().String())
	}
	m.mu.Unlock()
	if err != nil {
		return err
	}
	return m.save()
}

// ClearBans lifts all bans.
func (m *Manager) ClearBans() error {
	m.mu.Lock()
	m.bans.Clear()
	m.mu.Unlock()
	return m.save()
}

// saveDue returns when bans by score may be saved again. The caller holds mu.
func (m *Manager) saveDue(now time.Time) time.Time {
	if now.Before(m.savedAt) {
		return now // the clock was set back
	}
	return m.savedAt.Add(saveEvery)
}

// saveLate saves the ban list where nobody waits for the outcome.
func (m *Manager) saveLate() {
	if err := m.save(); err != nil {
		m.log.Error("ban list not saved", "err", err)
	}
}

// keepBans saves the bans by score if it is time for that, and returns when it
// will be; zero if all are saved.
func (m *Manager) keepBans() (next time.Time) {
	for {
		now := m.cfg.Clock.Now()
		m.mu.Lock()
		dirty, due := m.bans.Changed(), m.saveDue(now)
		m.mu.Unlock()
		switch {
		case !dirty:
			return next
		case now.Before(due):
			return due
		}
		m.saveLate()
	}
}

// lastSave saves what has not been saved yet.
func (m *Manager) lastSave() {
	m.mu.Lock()
	dirty := m.bans.Changed()
	m.mu.Unlock()
	if dirty {
		m.saveLate()
	}
}

// Close closes the ban file. Bans that are made afterwards open it again.
func (m *Manager) Close() error { return m.file.close() }
