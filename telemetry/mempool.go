package telemetry

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"starling/chain/headertree"
	"starling/mempool"
	"starling/netsync/txdownload"
)

// Mempool is what [Metrics.WatchMempool] reads of the transactions that wait.
type Mempool interface {
	Info() mempool.Info
}

// TxDownload is what [Metrics.WatchMempool] reads of those on their way.
type TxDownload interface {
	Stats() txdownload.Stats
}

// mempoolMetrics is what [mempool.Observer] tells, and what is read whenever
// somebody collects the metrics.
type mempoolMetrics struct {
	added   prometheus.Counter
	removed *prometheus.CounterVec
	source  atomic.Pointer[mempoolSource]
}

// mempoolSource makes interfaces fit into an atomic pointer.
type mempoolSource struct {
	pool     Mempool
	download TxDownload
}

func (c *mempoolMetrics) init(f factory) {
	c.added = f.counter("mempool_added_total", "Transactions that entered the mempool.")
	c.removed = f.counters("mempool_removed_total", "Transactions that left the mempool.", "reason")
	for _, g := range []struct {
		name, help string
		value      func(mempool.Info) float64
	}{
		{"mempool_transactions", "Transactions that wait for a block.", func(i mempool.Info) float64 { return float64(i.Count) }},
		{"mempool_virtual_bytes", "Sum of their virtual sizes.", func(i mempool.Info) float64 { return float64(i.VSize) }},
		{"mempool_memory_bytes", "Memory that the mempool takes.", func(i mempool.Info) float64 { return float64(i.Usage) }},
		{"mempool_min_fee_satoshi_per_kvb", "What a transaction must pay to enter now.", func(i mempool.Info) float64 { return float64(i.MinFee) }},
	} {
		f.gaugeFunc(g.name, g.help, nil, func() float64 {
			if s := c.source.Load(); s != nil {
				return g.value(s.pool.Info())
			}
			return 0
		})
	}
	for _, g := range []struct {
		name, help string
		value      func(txdownload.Stats) float64
	}{
		{"tx_announced", "Transactions that peers have announced and that have not arrived.", func(s txdownload.Stats) float64 { return float64(s.Tracked) }},
		{"tx_in_flight", "Those of them that a peer was asked for.", func(s txdownload.Stats) float64 { return float64(s.InFlight) }},
		{"tx_orphans", "Transactions that wait for their parents.", func(s txdownload.Stats) float64 { return float64(s.Orphans) }},
		{"tx_orphans_weight", "Sum of their weights.", func(s txdownload.Stats) float64 { return float64(s.OrphanWeight) }},
	} {
		f.gaugeFunc(g.name, g.help, nil, func() float64 {
			if s := c.source.Load(); s != nil {
				return g.value(s.download.Stats())
			}
			return 0
		})
	}
}

// WatchMempool shows the size of a mempool and of what is on its way there from
// now on. Until the first call they are zero.
func (m *Metrics) WatchMempool(pool Mempool, download TxDownload) {
	m.mempool.source.Store(&mempoolSource{pool, download})
}

// TxAdded implements [mempool.Observer].
func (m *Metrics) TxAdded(*mempool.Entry) { m.mempool.added.Inc() }

// TxRemoved implements [mempool.Observer].
func (m *Metrics) TxRemoved(_ *mempool.Entry, why mempool.RemovalReason) {
	m.mempool.removed.WithLabelValues(why.String()).Inc()
}

// TipMoved implements [mempool.Observer]. What a block takes was counted by
// [Metrics.TxRemoved].
func (m *Metrics) TipMoved(*headertree.Node, []*headertree.Node) {}
