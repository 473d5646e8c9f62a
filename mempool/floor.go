package mempool

import (
	"math"
	"time"

	"starling/mempool/policy"
)

const (
	// floorHalfLife is how long the floor takes to fall by half while the pool
	// is at least half full; it falls twice as fast below that, and four times
	// below a quarter. Core's figures.
	floorHalfLife = 12 * time.Hour
	// floorEvery is how often the floor is computed anew at most.
	floorEvery = 10 * time.Second
)

// floor is the fee rate that evictions leave behind: who pays less would be
// evicted next. It falls only once a block has made room.
type floor struct {
	rate    float64
	updated time.Time
	block   bool // whether a block has come since the rate last rose
}

// raise lifts the floor to a rate that was just evicted.
func (f *floor) raise(r FeeRate) {
	if float64(r) > f.rate {
		f.rate = float64(r)
		f.block = false
	}
}

// blockCame lets the floor fall from now on.
func (f *floor) blockCame(now time.Time) {
	f.updated = now
	f.block = true
}

// at returns the floor, for a pool of which used of limit bytes are taken.
func (f *floor) at(now time.Time, used, limit int64, incremental FeeRate) FeeRate {
	if !f.block || f.rate == 0 {
		return FeeRate(math.Round(f.rate))
	}
	if age := now.Sub(f.updated); age > floorEvery {
		half := floorHalfLife
		switch {
		case used < limit/4:
			half /= 4
		case used < limit/2:
			half /= 2
		}
		f.rate /= math.Pow(2, age.Seconds()/half.Seconds())
		f.updated = now
		if f.rate < float64(incremental)/2 {
			f.rate = 0
			return 0
		}
	}
	return max(FeeRate(math.Round(f.rate)), incremental)
}

// minFee returns what a transaction must pay now. The lock must be held for
// writing.
func (p *Pool) minFee(now time.Time) FeeRate {
	return max(p.floor.at(now, p.sum.usage, p.cfg.MaxBytes, p.cfg.IncrementalFee), p.cfg.MinRelayFee)
}

// trim evicts what is worth least until the pool has room, and what has waited
// too long.
func (p *Pool) trim(now time.Time) {
	if p.moves.active {
		return // it would change what the chain's moves refer to; they end with it
	}
	p.expire(now)
	for p.sum.usage > p.cfg.MaxBytes {
		c, ok := p.graph.Worst()
		if !ok {
			return
		}
		rate := policy.Rate(c.Rate.Fee, policy.VSize(c.Rate.Size))
		p.floor.raise(rate + p.cfg.IncrementalFee)
		p.remove(owners(c.Txs), RemovedSizeLimit)
	}
}

// expire removes what has waited too long, with all that depends on it.
func (p *Pool) expire(now time.Time) {
	if p.moves.active {
		return
	}
	limit := now.Add(-p.cfg.Expiry)
	for len(p.byAge) > 0 && p.byAge[0].e.Time.Before(limit) {
		p.remove(p.withDescendants(p.byAge[0]), RemovedExpiry)
	}
}
