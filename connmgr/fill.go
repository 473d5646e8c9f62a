package connmgr

import (
	"context"
	"sync"
	"time"

	"starling/addrmgr/netaddr"
	"starling/peer"
	"starling/transport"
)

// SetLagging tells whether blocks or announcements come late, so that further
// links are opened.
func (m *Manager) SetLagging(lagging bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lagging != lagging {
		m.lagging = lagging
		m.kick()
	}
}

// SetSynced tells whether the chain is as good as that of the peers.
func (m *Manager) SetSynced(synced bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.synced != synced {
		m.synced = synced
		m.kick()
	}
}

// Wake has addresses looked for at once, because there are new ones.
func (m *Manager) Wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slots != nil {
		m.slots.Wake()
		m.kick()
	}
}

// Targets returns how many full links and how many for blocks alone there are to
// be now.
func (m *Manager) Targets() (full, blockRelay int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slots == nil {
		return 0, 0
	}
	return m.slots.Target(), m.slots.BlockRelayTarget()
}

// fill dials for the slots that are free and returns when to look again.
func (m *Manager) fill(ctx context.Context, links *sync.WaitGroup) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slots == nil || !m.active {
		return time.Time{}
	}
	now := m.cfg.Clock.Now()
	at := m.situation(now)
	for _, d := range m.slots.Due(now, at) {
		ctx, cancel := context.WithCancel(ctx)
		m.autoCancel[d.ID] = cancel
		links.Go(func() { m.serveSlot(ctx, d) })
	}
	return m.slots.NextDue(now, at)
}

// situation describes the rest of the node to the slots.
func (m *Manager) situation(now time.Time) Situation {
	at := Situation{Lagging: m.lagging, Synced: m.synced, Wanted: m.cfg.Wanted}
	for _, s := range m.out.List() {
		if a, ok := netaddr.OfLink(s.Addr); ok {
			at.Asked = append(at.Asked, a)
		}
	}
	if m.cfg.Manual != nil {
		at.Manual = m.cfg.Manual()
	}
	at.Refused = func(a netaddr.Addr) bool {
		if m.cfg.Own != nil && m.cfg.Own(a) {
			return true
		}
		ip, ok := a.IP()
		if !ok {
			return false
		}
		_, banned := m.bans.Find(now, ip)
		return banned || m.discouraged.Has(discouragedKey(ip))
	}
	return at
}

// serveSlot is the life of one dial for a slot.
func (m *Manager) serveSlot(ctx context.Context, d SlotDial) {
	addr := d.Addr.Multiaddr()
	m.obs.DialStarted(addr)
	wasUp := false
	err := m.cfg.Dialer.Connect(ctx, addr, d.Kind, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		wasUp = true
		m.slots.Up(m.cfg.Clock.Now(), d.ID)
		m.kick() // a dial less is under way
	})
	m.mu.Lock()
	m.obs.DialEnded(addr, wasUp, err)
	called := ctx.Err() != nil
	m.autoCancel[d.ID]()
	delete(m.autoCancel, d.ID)
	m.slots.Down(m.cfg.Clock.Now(), d.ID, called)
	m.kick()
	m.mu.Unlock()
	if !wasUp && !called && d.Kind != peer.Feeler {
		m.log.Debug("peer cannot be reached", "addr", transport.FormatAddr(addr), "kind", d.Kind, "reason", err)
	}
}

// earlier returns the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
