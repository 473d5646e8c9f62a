package telemetry

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"starling/connmgr"
	"starling/peer"
	"starling/transport"
	"starling/transport/socks5"
)

// maxOffences is how many offences get a label of their own; package connmgr
// has 12.
const maxOffences = 50

// connMetrics is what [connmgr.Observer] tells.
type connMetrics struct {
	dials    prometheus.Counter
	ended    *prometheus.CounterVec
	offences *prometheus.CounterVec
	bans     *prometheus.CounterVec
	names    bounded // of offences
}

func (c *connMetrics) init(f factory) {
	c.dials = f.counter("conn_dials_total", "Dials that were started.")
	c.ended = f.counters("conn_dials_ended_total", "Dials that are over: those that failed, by reason, and links that had come of one (connected).", "result")
	c.names.limit = maxOffences
	c.offences = f.counters("conn_offences_total", "What peers did that no honest peer does.", "offence")
	c.bans = f.counters("conn_bans_total", "Subnets that were banned, by the offence that was one too many, or by hand.", "reason")
}

// DialStarted implements [connmgr.Observer].
func (m *Metrics) DialStarted(ma.Multiaddr) { m.conns.dials.Inc() }

// DialEnded implements [connmgr.Observer].
func (m *Metrics) DialEnded(_ ma.Multiaddr, wasUp bool, err error) {
	result := "connected"
	if !wasUp {
		result = m.dialResult(err)
	}
	m.conns.ended.WithLabelValues(result).Inc()
}

// dialResult returns the label of a failed dial. The text of an error may hold
// names that others chose, so only its kind counts.
func (m *Metrics) dialResult(err error) string {
	var session *peer.Disconnect
	var proxy *socks5.Error
	var dns *net.DNSError
	var late net.Error
	switch {
	case errors.As(err, &session): // reached, and not up before it ended
		return m.peers.reasons.label(string(session.Reason))
	case errors.As(err, &proxy):
		return "proxy"
	case errors.Is(err, context.Canceled):
		return "called off"
	case errors.As(err, &dns):
		return "name not found"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return "no answer"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	case errors.Is(err, transport.ErrAddress):
		return "no transport"
	}
	return other
}

// Offended implements [connmgr.Observer].
func (m *Metrics) Offended(_ netip.Addr, o connmgr.Offence, _ float64) {
	m.conns.offences.WithLabelValues(m.conns.names.label(o.String())).Inc()
}

// Banned implements [connmgr.Observer]. What a person gives as the reason is
// that person's own.
func (m *Metrics) Banned(b connmgr.Ban) {
	reason := "by hand"
	if b.ByScore {
		reason = m.conns.names.label(b.Reason)
	}
	m.conns.bans.WithLabelValues(reason).Inc()
}
