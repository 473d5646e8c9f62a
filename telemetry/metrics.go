package telemetry

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"starling/chain"
	"starling/connmgr"
	"starling/mempool"
	"starling/netsync"
	"starling/peer"
)

// namespace starts the name of every metric of the node's own.
const namespace = "starling"

// other is the label of what has no name of its own.
const other = "other"

// Options describe the node that is measured. The zero value works.
type Options struct {
	Version string // of the program
	Network string // name of the network
}

// Metrics measures one node. It implements the observers of chain, peer,
// connmgr, netsync and mempool; all its methods may be called from any goroutine, at any time.
type Metrics struct {
	registry *prometheus.Registry

	chain   chainMetrics
	peers   peerMetrics
	conns   connMetrics
	sync    syncMetrics
	mempool mempoolMetrics
	mining  miningMetrics
	watched atomic.Pointer[chainSource]
}

var (
	_ chain.Observer   = (*Metrics)(nil)
	_ peer.Observer    = (*Metrics)(nil)
	_ connmgr.Observer = (*Metrics)(nil)
	_ netsync.Observer = (*Metrics)(nil)
	_ mempool.Observer = (*Metrics)(nil)
)

// New returns metrics that stand at zero.
func New(opts Options) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	f := factory{m.registry}
	f.gaugeFunc("build_info", "What is running; always 1.", prometheus.Labels{
		"version": opts.Version, "network": opts.Network,
	}, func() float64 { return 1 })
	m.chain.init(f)
	m.peers.init(f)
	m.conns.init(f)
	m.sync.init(f)
	m.mempool.init(f)
	m.mining.init(f)
	m.watch(f)
	return m
}

// factory makes metrics and registers them.
type factory struct{ r prometheus.Registerer }

func add[C prometheus.Collector](f factory, c C) C {
	f.r.MustRegister(c)
	return c
}

func (f factory) counter(name, help string) prometheus.Counter {
	return add(f, prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}))
}

func (f factory) counters(name, help string, labels ...string) *prometheus.CounterVec {
	return add(f, prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels))
}

func (f factory) gauge(name, help string) prometheus.Gauge {
	return add(f, prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}))
}

func (f factory) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return add(f, prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels))
}

func (f factory) gaugeFunc(name, help string, labels prometheus.Labels, fn func() float64) {
	add(f, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: name, Help: help, ConstLabels: labels}, fn))
}

func (f factory) histogram(name, help string, buckets []float64) prometheus.Histogram {
	return add(f, prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets}))
}

func (f factory) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return add(f, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels))
}

// bounded limits how many values a label may take. What comes after the limit
// is [other].
type bounded struct {
	limit int
	mu    sync.Mutex
	seen  map[string]struct{}
}

// label returns v, or other if v is one too many.
func (b *bounded) label(v string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.seen[v]; ok {
		return v
	}
	if len(b.seen) >= b.limit {
		return other
	}
	if b.seen == nil {
		b.seen = make(map[string]struct{})
	}
	b.seen[v] = struct{}{}
	return v
}
