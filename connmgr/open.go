package connmgr

import (
	"context"
	"sync"

	ma "github.com/multiformats/go-multiaddr"

	"starling/peer"
	"starling/transport"
)

// maxOpens is how many links may be asked for with [Manager.Open] and not be
// dialled yet.
const maxOpens = 64

// open is a link of some kind that was asked for.
type open struct {
	addr ma.Multiaddr
	kind peer.Kind
}

// Open has one link of a kind made to an address, beside those that the node
// opens by itself. It is dialled once and not again when it ends.
func (m *Manager) Open(addr ma.Multiaddr, kind peer.Kind) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !m.active:
		return ErrInactive
	case len(m.opens) >= maxOpens:
		return ErrTooMany
	}
	m.opens = append(m.opens, open{addr, kind})
	m.kick()
	return nil
}

// dialOpens dials what was asked for.
func (m *Manager) dialOpens(ctx context.Context, links *sync.WaitGroup) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.opens {
		ctx, cancel := context.WithCancel(ctx)
		m.openID++
		id := m.openID
		m.openCancel[id] = cancel
		links.Go(func() { m.serveOpen(ctx, id, o) })
	}
	m.opens = nil
}

// serveOpen is the life of one such link.
func (m *Manager) serveOpen(ctx context.Context, id uint64, o open) {
	m.obs.DialStarted(o.addr)
	wasUp := false
	err := m.cfg.Dialer.Connect(ctx, o.addr, o.kind, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		wasUp = true
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.obs.DialEnded(o.addr, wasUp, err)
	m.openCancel[id]()
	delete(m.openCancel, id)
	if !wasUp {
		m.log.Debug("peer cannot be reached", "addr", transport.FormatAddr(o.addr), "kind", o.kind, "reason", err)
	}
}
