package telemetry

import "sync/atomic"

// HashRater tells how many hashes a second the search for blocks computes, and
// whether one goes on.
type HashRater interface {
	HashRate() (perSecond float64, searching bool)
}

// miningMetrics is what [Metrics.WatchMiner] reads.
type miningMetrics struct{ source atomic.Pointer[hashSource] }

// hashSource makes an interface fit into an atomic pointer.
type hashSource struct{ HashRater }

// WatchMiner shows the hash rate of w from now on. Until the first call it is
// zero.
func (m *Metrics) WatchMiner(w HashRater) { m.mining.source.Store(&hashSource{w}) }

func (c *miningMetrics) init(f factory) {
	f.gaugeFunc("mining_hashes_per_second", "Hashes that the search for a block computes in a second; 0 while none goes on.", nil, func() float64 {
		if s := c.source.Load(); s != nil {
			if rate, on := s.HashRate(); on {
				return rate
			}
		}
		return 0
	})
}
