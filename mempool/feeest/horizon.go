package feeest

import (
	"math"
	"slices"
)

// The buckets, as Core has them: bounds in satoshi per 1,000 virtual bytes.
const (
	minBucket     = 100
	maxBucket     = 1e7
	bucketSpacing = 1.05
	// infinite stands above all rates: the bound of the last bucket.
	infinite = 1e99
)

// buckets returns the upper bounds of all buckets, lowest first.
func buckets() []float64 {
	var out []float64
	for b := float64(minBucket); b <= maxBucket; b *= bucketSpacing {
		out = append(out, b)
	}
	return append(out, infinite)
}

// Horizon is how far back an estimate looks, and how far ahead.
type Horizon int

// The three horizons. Each counts confirmations in periods of some blocks.
const (
	Short  Horizon = iota // to 12 blocks; forgets half in 18 blocks
	Medium                // to 48 blocks; forgets half in a day
	Long                  // to 1,008 blocks; forgets half in a week
)

// String returns Core's name.
func (h Horizon) String() string { return [...]string{"short", "medium", "long"}[h] }

// shapes holds Core's constants of the horizons.
var shapes = [...]struct {
	periods, scale int // a period is scale blocks
	decay          float64
	// enough is how many transactions per block a range of buckets must have
	// seen to say anything.
	enough float64
}{
	Short:  {12, 1, .962, 0.5},
	Medium: {24, 2, .9952, 0.1},
	Long:   {42, 24, .99931, 0.1},
}

// negligible is what counts as nothing: numbers that are much smaller are slow
// to compute with.
const negligible = 1e-100

// MaxTarget is the most blocks that an estimate can look ahead.
const MaxTarget = 42 * 24

// stats counts what happened, over one horizon.
type stats struct {
	bounds  []float64 // of all horizons; not changed
	periods int
	scale   int
	decay   float64
	enough  float64

	// Moving sums by bucket: they shrink by decay with each block.
	seen   []float64   // transactions that were confirmed
	rates  []float64   // the sum of their rates
	within [][]float64 // by period: confirmed by the end of it
	failed [][]float64 // by period: still there at the end of it, and never confirmed

	// used says that something was ever counted: without, there is nothing to
	// fade, and a first synchronisation is not held up by it.
	used bool

	// Transactions that wait, by bucket: waiting by the height at which they
	// came, modulo its length; older have come before that.
	waiting [][]int32
	older   []int32
}

func newStats(h Horizon, bounds []float64) *stats {
	sh, n := shapes[h], len(bounds)
	s := &stats{
		bounds: bounds, periods: sh.periods, scale: sh.scale, decay: sh.decay, enough: sh.enough,
		seen: make([]float64, n), rates: make([]float64, n),
		within: make([][]float64, sh.periods), failed: make([][]float64, sh.periods),
		waiting: make([][]int32, sh.periods*sh.scale), older: make([]int32, n),
	}
	for i := range s.within {
		s.within[i], s.failed[i] = make([]float64, n), make([]float64, n)
	}
	for i := range s.waiting {
		s.waiting[i] = make([]int32, n)
	}
	return s
}

// reach returns the most blocks that it looks ahead.
func (s *stats) reach() int { return s.periods * s.scale }

// slot returns where transactions of a height wait.
func (s *stats) slot(height int32) []int32 {
	n := int32(len(s.waiting))
	return s.waiting[(height%n+n)%n]
}

// block begins a new block: the sums fade, and what came as many blocks ago as
// are told apart joins the older ones.
func (s *stats) block(height int32) {
	if !s.used {
		return
	}
	w := s.slot(height)
	for b := range w {
		s.older[b] += w[b]
		w[b] = 0
	}
	fade := func(v []float64) {
		for i := range v {
			if v[i] *= s.decay; v[i] < negligible {
				v[i] = 0
			}
		}
	}
	fade(s.seen)
	fade(s.rates)
	for i := range s.within {
		fade(s.within[i])
		fade(s.failed[i])
	}
}

// came counts a transaction that begins to wait.
func (s *stats) came(height int32, bucket int) {
	s.slot(height)[bucket]++
	s.used = true
}

// left takes back came. A transaction that was not confirmed counts as failed
// for all periods that it has waited through.
func (s *stats) left(height, best int32, bucket int, confirmed bool) {
	ago := max(0, int(best-height))
	where := s.older
	if ago < len(s.waiting) {
		where = s.slot(height)
	}
	if where[bucket] > 0 {
		where[bucket]--
	}
	if confirmed {
		return
	}
	for i := range min(ago/s.scale, s.periods) {
		s.failed[i][bucket]++
	}
}

// confirmed counts a transaction that got into the blocks-th block since it
// came.
func (s *stats) confirmed(blocks, bucket int, rate float64) {
	for i := (blocks+s.scale-1)/s.scale - 1; i < s.periods; i++ {
		s.within[i][bucket]++
	}
	s.seen[bucket]++
	s.rates[bucket] += rate
}

// Range is what was seen in a range of buckets that were looked at together.
type Range struct {
	Start, End     float64 // bounds in satoshi per 1,000 virtual bytes
	WithinTarget   float64 // confirmed in time
	TotalConfirmed float64
	InMempool      float64 // still waiting, for as long at least
	LeftMempool    float64 // never confirmed, after as long at least
}

// verdict is the outcome of [stats.estimate].
type verdict struct {
	rate       float64 // below 0 if there is none
	pass, fail *Range  // the last range that passed, and the first below it that did not
}

// estimate finds the lowest range of buckets that is good enough for a target
// in blocks: at least share of its transactions were confirmed in time, and
// of those in all ranges above it.
func (s *stats) estimate(target int, share float64, best int32) verdict {
	period := (target + s.scale - 1) / s.scale
	need := s.enough / (1 - s.decay)
	stuck := s.stuck(target, best)

	var sum Range    // since the last range that passed
	var part float64 // confirmed since the last range that was judged
	var v verdict
	top := len(s.bounds) - 1 // where the range began
	passTop, passBottom := -1, -1
	fresh := true // a range begins with the next bucket
	passing := true
	note := func(bottom int) *Range {
		r := sum
		r.Start, r.End = s.lower(bottom), s.bounds[top]
		return &r
	}
	for b := len(s.bounds) - 1; b >= 0; b-- {
		if fresh {
			top, fresh = b, false
		}
		sum.WithinTarget += s.within[period-1][b]
		sum.TotalConfirmed += s.seen[b]
		sum.LeftMempool += s.failed[period-1][b]
		sum.InMempool += float64(stuck[b])
		part += s.seen[b]
		if part < need {
			continue
		}
		part = 0
		if sum.WithinTarget/(sum.TotalConfirmed+sum.LeftMempool+sum.InMempool) < share {
			if passing {
				v.fail = note(b)
			}
			passing = false
			continue
		}
		v.pass, v.fail = note(b), nil
		passTop, passBottom = top, b
		passing, fresh = true, true
		sum = Range{}
	}
	if passing && !fresh { // the lowest buckets have too little data
		v.fail = note(0)
	}
	v.rate = s.median(passBottom, passTop)
	return v
}

// lower returns the lower bound of a bucket.
func (s *stats) lower(b int) float64 {
	if b == 0 {
		return 0
	}
	return s.bounds[b-1]
}

// stuck counts by bucket the transactions that have waited for target blocks
// or longer.
func (s *stats) stuck(target int, best int32) []int32 {
	n := slices.Clone(s.older)
	for ago := target; ago < s.reach(); ago++ {
		for b, w := range s.slot(best - int32(ago)) {
			n[b] += w
		}
	}
	return n
}

// median returns the average rate in the bucket that holds the median
// transaction of a range; -1 if there are none.
func (s *stats) median(bottom, top int) float64 {
	if bottom < 0 {
		return -1
	}
	var half float64
	for b := bottom; b <= top; b++ {
		half += s.seen[b]
	}
	half /= 2
	if half == 0 {
		return -1
	}
	for b := bottom; b <= top; b++ {
		if s.seen[b] >= half {
			return s.rates[b] / s.seen[b]
		}
		half -= s.seen[b]
	}
	return -1
}

// valid reports whether all sums are numbers that can come about.
func (s *stats) valid() bool {
	ok := true
	look := func(v []float64) {
		for _, x := range v {
			ok = ok && x >= 0 && !math.IsInf(x, 0) // false for NaN, too
		}
	}
	look(s.seen)
	look(s.rates)
	for i := range s.within {
		look(s.within[i])
		look(s.failed[i])
	}
	return ok
}
