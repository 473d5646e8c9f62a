package telemetry

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"starling/peer"
	"starling/peer/await"
	"starling/wire"
)

// handleBuckets, in seconds, reach from a ping to a block that fills a window.
var handleBuckets = []float64{.00001, .0001, .001, .01, .1, 1, 10}

// pingBuckets, in seconds, reach from the next desk to a satellite with a queue.
var pingBuckets = []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60}

// maxDisconnectReasons is how many reasons for which sessions end, and outcomes
// of dials, get a label of their own; there are about 35.
const maxDisconnectReasons = 50

// peerMetrics is what [peer.Observer] tells.
type peerMetrics struct {
	peers       *prometheus.GaugeVec
	handshakes  *prometheus.CounterVec
	messages    *prometheus.CounterVec
	bytes       *prometheus.CounterVec
	handling    *prometheus.HistogramVec
	ping        prometheus.Histogram
	disconnects *prometheus.CounterVec
	unanswered  *prometheus.CounterVec
	reasons     bounded

	// commands holds the series of each known command, so that counting a
	// message takes one look-up and two additions.
	commands sync.Map // string → *commandSeries
	unknown  *commandSeries

	mu    sync.Mutex
	ready map[*peer.Peer]struct{} // sessions that count as peers
}

// commandSeries are the series of one command.
type commandSeries struct {
	messages, bytes [2]prometheus.Counter // by direction
	handling        prometheus.Observer
}

func (p *peerMetrics) init(f factory) {
	p.peers = f.gauges("peers", "Sessions whose handshake is done.", "kind")
	p.handshakes = f.counters("peer_handshakes_total", "Handshakes that succeeded.", "kind")
	p.messages = f.counters("peer_messages_total", "Messages received (in) and sent (out).", "direction", "command")
	p.bytes = f.counters("peer_bytes_total", "Bytes of messages with their frames.", "direction", "command")
	p.handling = f.histograms("peer_message_seconds", "Time that the node took over a message.", handleBuckets, "command")
	p.ping = f.histogram("peer_ping_seconds", "Time that peers took to answer a ping.", pingBuckets)
	p.disconnects = f.counters("peer_disconnects_total", "Sessions that ended.", "reason")
	p.unanswered = f.counters("peer_unanswered_total", "Requests of which peers took no notice, where that is all there is to it.", "request")
	p.reasons.limit = maxDisconnectReasons
	p.ready = make(map[*peer.Peer]struct{})
	p.unknown = p.newSeries(other)
	for k := peer.Inbound; k <= peer.Manual; k++ {
		p.peers.WithLabelValues(k.String())
	}
}

func (p *peerMetrics) newSeries(command string) *commandSeries {
	s := &commandSeries{handling: p.handling.WithLabelValues(command)}
	for _, d := range []peer.Direction{peer.In, peer.Out} {
		s.messages[d] = p.messages.WithLabelValues(d.String(), command)
		s.bytes[d] = p.bytes.WithLabelValues(d.String(), command)
	}
	return s
}

// series returns where a command is counted: commands that the protocol does
// not know are counted together.
func (p *peerMetrics) series(command string) *commandSeries {
	if s, ok := p.commands.Load(command); ok {
		return s.(*commandSeries)
	}
	if m, _ := wire.Decode(command, nil); m != nil {
		if _, unknown := m.(*wire.MsgUnknown); unknown {
			return p.unknown
		}
	}
	// Whoever comes first decides; all get the same series from the registry.
	s, _ := p.commands.LoadOrStore(command, p.newSeries(command))
	return s.(*commandSeries)
}

// Message implements [peer.Observer].
func (m *Metrics) Message(_ *peer.Peer, dir peer.Direction, command string, _ []byte, size int) {
	s := m.peers.series(command)
	s.messages[dir].Inc()
	s.bytes[dir].Add(float64(size))
}

// Handled implements [peer.Observer].
func (m *Metrics) Handled(_ *peer.Peer, command string, took time.Duration) {
	m.peers.series(command).handling.Observe(took.Seconds())
}

// Handshake implements [peer.Observer].
func (m *Metrics) Handshake(p *peer.Peer) {
	kind := p.Kind().String()
	m.peers.handshakes.WithLabelValues(kind).Inc()
	m.peers.mu.Lock()
	defer m.peers.mu.Unlock()
	if _, ok := m.peers.ready[p]; !ok {
		m.peers.ready[p] = struct{}{}
		m.peers.peers.WithLabelValues(kind).Inc()
	}
}

// Ping implements [peer.Observer].
func (m *Metrics) Ping(_ *peer.Peer, took time.Duration) { m.peers.ping.Observe(took.Seconds()) }

// Unanswered implements [peer.Observer]. The table of requests bounds the labels.
func (m *Metrics) Unanswered(_ *peer.Peer, r await.Rule) {
	m.peers.unanswered.WithLabelValues(r.Request).Inc()
}

// Disconnected implements [peer.Observer].
func (m *Metrics) Disconnected(p *peer.Peer, d *peer.Disconnect) {
	reason := other
	if d != nil {
		reason = m.peers.reasons.label(string(d.Reason))
	}
	m.peers.disconnects.WithLabelValues(reason).Inc()
	m.peers.mu.Lock()
	defer m.peers.mu.Unlock()
	if _, ok := m.peers.ready[p]; ok {
		delete(m.peers.ready, p)
		m.peers.peers.WithLabelValues(p.Kind().String()).Dec()
	}
}
