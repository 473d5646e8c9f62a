package telemetry

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"starling/chain"
	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/wire"
)

// stageBuckets, in seconds, reach from an empty block to the flush of a large
// cache.
var stageBuckets = []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 30}

// maxRejectReasons is how many reject reasons get a label of their own. The
// rules of blocks have fewer than 100; a series costs about 1 KB.
const maxRejectReasons = 100

// chainMetrics is what [chain.Observer] tells.
type chainMetrics struct {
	headers      prometheus.Counter
	connected    prometheus.Counter
	disconnected prometheus.Counter
	skipped      prometheus.Counter
	rejected     *prometheus.CounterVec
	reasons      bounded
	txs          prometheus.Counter
	inputs       prometheus.Counter
	bytes        prometheus.Counter
	flushed      prometheus.Counter

	parse, check, store, load, lookup, scripts, undo, apply, flush prometheus.Observer
}

func (c *chainMetrics) init(f factory) {
	c.headers = f.counter("headers_accepted_total", "Headers that joined the tree.")
	c.connected = f.counter("blocks_connected_total", "Blocks that joined the best chain.")
	c.disconnected = f.counter("blocks_disconnected_total", "Blocks that left the best chain in a reorganisation.")
	c.skipped = f.counter("blocks_without_scripts_total", "Connected blocks whose scripts were assumed valid.")
	c.rejected = f.counters("blocks_rejected_total", "Blocks that break a rule.", "reason")
	c.reasons.limit = maxRejectReasons
	c.txs = f.counter("transactions_connected_total", "Transactions in connected blocks.")
	c.inputs = f.counter("inputs_connected_total", "Inputs spent by connected blocks.")
	c.bytes = f.counter("block_bytes_connected_total", "Bytes of connected blocks.")
	c.flushed = f.counter("coins_flushed_total", "Changes of the UTXO set written to disk.")

	stages := f.histograms("block_stage_seconds", "Time that a stage of a block's way took.", stageBuckets, "stage")
	for name, o := range map[string]*prometheus.Observer{
		"parse": &c.parse, "check": &c.check, "store": &c.store,
		"load": &c.load, "lookup": &c.lookup, "scripts": &c.scripts, "undo": &c.undo, "apply": &c.apply,
		"flush": &c.flush,
	} {
		*o = stages.WithLabelValues(name)
	}
}

// HeadersAccepted implements [chain.Observer].
func (m *Metrics) HeadersAccepted(added int, _ *headertree.Node) { m.chain.headers.Add(float64(added)) }

// BlockChecked implements [chain.Observer].
func (m *Metrics) BlockChecked(_ *headertree.Node, _ *wire.Block, took chain.CheckTimes) {
	m.chain.parse.Observe(took.Parse.Seconds())
	m.chain.check.Observe(took.Check.Seconds())
	m.chain.store.Observe(took.Store.Seconds())
}

// BlockConnected implements [chain.Observer].
func (m *Metrics) BlockConnected(_ *headertree.Node, s chain.ConnectStats) {
	c := &m.chain
	c.connected.Inc()
	c.txs.Add(float64(s.Txs))
	c.inputs.Add(float64(s.Inputs))
	c.bytes.Add(float64(s.Bytes))
	if !s.ScriptsChecked {
		c.skipped.Inc()
	}
	c.load.Observe(s.Load.Seconds())
	c.lookup.Observe(s.Lookup.Seconds())
	c.scripts.Observe(s.Scripts.Seconds())
	c.undo.Observe(s.Undo.Seconds())
	c.apply.Observe(s.Apply.Seconds())
}

// BlockDisconnected implements [chain.Observer].
func (m *Metrics) BlockDisconnected(*headertree.Node) { m.chain.disconnected.Inc() }

// BlockRejected implements [chain.Observer].
func (m *Metrics) BlockRejected(_ wire.Hash, err error) {
	reason := other
	if rule := (*consensus.RuleError)(nil); errors.As(err, &rule) {
		reason = m.chain.reasons.label(rule.Reason)
	}
	m.chain.rejected.WithLabelValues(reason).Inc()
}

// TipChanged implements [chain.Observer]. The tip is read when it is asked for.
func (m *Metrics) TipChanged(*headertree.Node) {}

// Flushed implements [chain.Observer].
func (m *Metrics) Flushed(coins int, took time.Duration) {
	m.chain.flushed.Add(float64(coins))
	m.chain.flush.Observe(took.Seconds())
}

// Chain is what [Metrics.Watch] reads of the chain.
type Chain interface {
	Tip() *headertree.Node
	Headers() *headertree.Tree
	VerificationProgress(*headertree.Node) float64
	IsInitialDownload() bool
}

// chainSource makes an interface fit into an atomic pointer.
type chainSource struct{ Chain }

// Watch shows height, progress and the like of c from now on. They are read
// whenever somebody collects the metrics. Until the first call they are zero.
func (m *Metrics) Watch(c Chain) { m.watched.Store(&chainSource{c}) }

func (m *Metrics) watch(f factory) {
	for _, g := range []struct {
		name, help string
		value      func(Chain) float64
	}{
		{"chain_height", "Height of the tip.", func(c Chain) float64 { return float64(c.Tip().Height) }},
		{"chain_tip_timestamp_seconds", "Time in the tip's header.", func(c Chain) float64 {
			return float64(c.Tip().Header.Timestamp)
		}},
		{"chain_headers_height", "Height of the header with the most work.", func(c Chain) float64 {
			return float64(c.Headers().Best().Height)
		}},
		{"chain_headers", "Known headers, on all branches.", func(c Chain) float64 { return float64(c.Headers().Len()) }},
		{"sync_progress", "Estimated part of the chain that is verified, from 0 to 1.", func(c Chain) float64 {
			return c.VerificationProgress(c.Tip())
		}},
		{"sync_initial_download", "1 during initial block download (IBD), until the node has caught up with the network.", func(c Chain) float64 {
			if c.IsInitialDownload() {
				return 1
			}
			return 0
		}},
	} {
		f.gaugeFunc(g.name, g.help, nil, func() float64 {
			if c := m.watched.Load(); c != nil {
				return g.value(c)
			}
			return 0
		})
	}
}
