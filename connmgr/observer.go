package connmgr

import (
	"net/netip"

	ma "github.com/multiformats/go-multiaddr"
)

// Observer is told what happens, for metrics. Its methods must not block and
// not call the Manager.
type Observer interface {
	// DialStarted: an address is being dialled.
	DialStarted(addr ma.Multiaddr)
	// DialEnded: a dial failed, or the link that came of it has ended.
	DialEnded(addr ma.Multiaddr, wasUp bool, err error)
	// Refused: a link that somebody has opened was closed before it became a
	// session, and why.
	Refused(addr ma.Multiaddr, why error)
	// Offended: a host has misbehaved and has the given score now.
	Offended(host netip.Addr, o Offence, score float64)
	// Banned: a subnet was banned.
	Banned(ban Ban)
}

// NoObserver ignores everything.
type NoObserver struct{}

// DialStarted implements [Observer].
func (NoObserver) DialStarted(ma.Multiaddr) {}

// DialEnded implements [Observer].
func (NoObserver) DialEnded(ma.Multiaddr, bool, error) {}

// Refused implements [Observer].
func (NoObserver) Refused(ma.Multiaddr, error) {}

// Offended implements [Observer].
func (NoObserver) Offended(netip.Addr, Offence, float64) {}

// Banned implements [Observer].
func (NoObserver) Banned(Ban) {}

// Observers tells all of them what it is told.
type Observers []Observer

// DialStarted implements [Observer].
func (all Observers) DialStarted(addr ma.Multiaddr) {
	for _, o := range all {
		o.DialStarted(addr)
	}
}

// DialEnded implements [Observer].
func (all Observers) DialEnded(addr ma.Multiaddr, wasUp bool, err error) {
	for _, o := range all {
		o.DialEnded(addr, wasUp, err)
	}
}

// Refused implements [Observer].
func (all Observers) Refused(addr ma.Multiaddr, why error) {
	for _, o := range all {
		o.Refused(addr, why)
	}
}

// Offended implements [Observer].
func (all Observers) Offended(host netip.Addr, what Offence, score float64) {
	for _, o := range all {
		o.Offended(host, what, score)
	}
}

// Banned implements [Observer].
func (all Observers) Banned(ban Ban) {
	for _, o := range all {
		o.Banned(ban)
	}
}
