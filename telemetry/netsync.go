package telemetry

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"starling/netsync"
	"starling/wire"
)

// arrivalBuckets, in seconds, reach from the next desk to the time after which
// a block is given up.
var arrivalBuckets = []float64{.01, .05, .1, .25, .5, 1, 2, 5, 15, 60, 600}

// syncMetrics is what [netsync.Observer] tells.
type syncMetrics struct {
	headers    prometheus.Counter
	gateHeight *prometheus.GaugeVec
	requested  prometheus.Counter
	repeated   prometheus.Counter
	unasked    prometheus.Counter
	arrival    prometheus.Histogram
	stall      prometheus.Gauge
	dropped    *prometheus.CounterVec
	compact    *prometheus.CounterVec
}

func (s *syncMetrics) init(f factory) {
	s.headers = f.counter("sync_headers_received_total", "Headers that peers sent, new or not.")
	s.gateHeight = f.gauges("sync_gate_height", "How far the last chain without the minimum work has been walked.", "pass")
	s.requested = f.counter("sync_blocks_requested_total", "Requests for blocks.")
	s.repeated = f.counter("sync_blocks_requested_again_total", "Requests for blocks that another peer was asked for already.")
	s.unasked = f.counter("sync_blocks_unasked_total", "Blocks that came without having been asked for.")
	s.arrival = f.histogram("sync_block_arrival_seconds", "Time from the request of a block to its arrival.", arrivalBuckets)
	s.stall = f.gauge("sync_stall_timeout_seconds", "How long a peer may hold up the download window.")
	s.compact = f.counters("sync_compact_blocks_total", "Compact blocks by what came of rebuilding them, at once or with transactions that were asked for.", "result", "asked")
	s.dropped = f.counters("sync_peers_dropped_total", "Peers that were given up because they did not deliver.", "reason")
}

// HeadersReceived implements [netsync.Observer].
func (m *Metrics) HeadersReceived(_ netsync.PeerID, count, _ int) { m.sync.headers.Add(float64(count)) }

// GateMoved implements [netsync.Observer].
func (m *Metrics) GateMoved(_ netsync.PeerID, height int32, second bool) {
	pass := "1"
	if second {
		pass = "2"
	}
	m.sync.gateHeight.WithLabelValues(pass).Set(float64(height))
}

// BlockRequested implements [netsync.Observer].
func (m *Metrics) BlockRequested(_ netsync.PeerID, _ wire.Hash, copies int) {
	m.sync.requested.Inc()
	if copies > 1 {
		m.sync.repeated.Inc()
	}
}

// BlockReceived implements [netsync.Observer].
func (m *Metrics) BlockReceived(_ netsync.PeerID, _ wire.Hash, took time.Duration) {
	if took == 0 {
		m.sync.unasked.Inc()
		return
	}
	m.sync.arrival.Observe(took.Seconds())
}

// CompactRead implements [netsync.Observer].
func (m *Metrics) CompactRead(_ netsync.PeerID, _ wire.Hash, r netsync.CompactResult, asked bool) {
	m.sync.compact.WithLabelValues(r.String(), strconv.FormatBool(asked)).Inc()
}

// StallTimeout implements [netsync.Observer].
func (m *Metrics) StallTimeout(d time.Duration) { m.sync.stall.Set(d.Seconds()) }

// Dropped implements [netsync.Observer].
func (m *Metrics) Dropped(_ netsync.PeerID, why netsync.Reason) {
	m.sync.dropped.WithLabelValues(why.Error()).Inc()
}
