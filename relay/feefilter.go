package relay

import (
	"math/rand/v2"
	"slices"
	"time"

	"starling/mempool"
	"starling/wire"
)

const (
	// filterInterval is the mean time between fee filters to one peer.
	filterInterval = 10 * time.Minute
	// filterHurry is how soon one is sent at the latest if what it says has
	// changed by a third or more.
	filterHurry = 5 * time.Minute
	// filterCheck is how often that is looked at.
	filterCheck = time.Minute

	// Fee filters are rounded to steps of a tenth, up to maxFilter satoshi per
	// 1,000 virtual bytes, and drawn from two neighbours, so that they do not
	// give the exact state of the pool away.
	filterStep = 1.1
	maxFilter  = 1e7

	// maxMoney is the rate that nothing pays: no transaction is wanted.
	maxMoney mempool.FeeRate = 21_000_000 * 100_000_000
)

// filterRounder rounds fee filters.
type filterRounder []mempool.FeeRate

func newFilterRounder(incremental mempool.FeeRate) filterRounder {
	steps := filterRounder{0}
	for s := max(1, float64(incremental)/2); s <= maxFilter; s *= filterStep {
		if r := mempool.FeeRate(s); r > steps[len(steps)-1] {
			steps = append(steps, r)
		}
	}
	return steps
}

// round returns one of the two steps around a rate, more often the lower one.
func (r filterRounder) round(rng *rand.Rand, rate mempool.FeeRate) mempool.FeeRate {
	i, _ := slices.BinarySearch(r, rate)
	if i == len(r) || i > 0 && rng.IntN(3) != 0 {
		i--
	}
	return r[i]
}

// top returns what the greatest rate is rounded to.
func (r filterRounder) top() mempool.FeeRate { return r[len(r)-1] }

// sendFilter tells a peer which fee rate a transaction must have to be of use
// here, if it is time.
func (m *Manager) sendFilter(now time.Time, l *link, s State, out []Action) []Action {
	if !l.info.SendFilter {
		return out
	}
	rate := s.MinFee
	if s.InitialDownload {
		rate = maxMoney
	} else if l.filterSent == m.filters.top() {
		l.filterDue = now // it was told to send nothing; that is over
	}
	if now.Before(l.filterDue) {
		changed := rate < l.filterSent*3/4 || rate > l.filterSent*4/3
		if changed && l.filterDue.Sub(now) > filterHurry {
			l.filterDue = now.Add(time.Duration(m.rng.Int64N(int64(filterHurry))))
		}
		return out
	}
	if rate > m.minRelay {
		rate = max(m.filters.round(m.rng, rate), m.minRelay)
	}
	if rate != l.filterSent {
		l.filterSent = rate
		out = append(out, Action{l.id, &wire.MsgFeeFilter{FeeRate: int64(rate)}})
	}
	l.filterDue = now.Add(m.draw(filterInterval))
	return out
}
