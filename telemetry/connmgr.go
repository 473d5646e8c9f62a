package telemetry

import (
	"net/netip"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"starling/connmgr"
)

// maxOffences is how many offences get a label of their own, more than package
// connmgr has.
const maxOffences = 50

// connMetrics is what [connmgr.Observer] tells.
type connMetrics struct {
	dials    prometheus.Counter
	ended    *prometheus.CounterVec
	refused  *prometheus.CounterVec
	offences *prometheus.CounterVec
	bans     *prometheus.CounterVec
	names    bounded // of offences
}

func (c *connMetrics) init(f factory) {
	c.dials = f.counter("conn_dials_total", "Dials that were started.")
	c.ended = f.counters("conn_dials_ended_total", "Dials that are over: those that failed, by reason, and links that had come of one (connected).", "result")
	c.refused = f.counters("conn_refused_total", "Links that others opened and that were closed before they became sessions.", "reason")
	c.names.limit = maxOffences
	c.offences = f.counters("conn_offences_total", "What peers did that no honest peer does.", "offence")
	c.bans = f.counters("conn_bans_total", "Subnets that were banned, by the offence that was one too many, or by hand.", "reason")
}

// DialStarted implements [connmgr.Observer].
func (m *Metrics) DialStarted(ma.Multiaddr) { m.conns.dials.Inc() }

// DialEnded implements [connmgr.Observer].
func (m *Metrics) DialEnded(_ ma.Multiaddr, wasUp bool, err error) {
	// Among the outcomes are the reasons for which sessions end.
	m.conns.ended.WithLabelValues(m.peers.reasons.label(connmgr.DialOutcome(wasUp, err))).Inc()
}

// Refused implements [connmgr.Observer].
func (m *Metrics) Refused(_ ma.Multiaddr, why error) {
	m.conns.refused.WithLabelValues(connmgr.Refusal(why)).Inc()
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
