package connmgr

import (
	"math/rand/v2"
	"slices"
	"time"

	"starling/addrmgr/netaddr"
)

const (
	// slotRetryMax is where the doubling of the wait for one address ends.
	// There are others; but where there are few this one is worth a look again.
	slotRetryMax = 10 * time.Minute
	// fewRetry is the longest wait while there are fewer links than wanted.
	fewRetry = 5 * time.Second
	// maxWaits bounds the addresses whose failures are remembered, in some 100
	// kB. The one whose wait ends first is forgotten first.
	maxWaits = 1000
)

// waits keeps addresses that failed from being dialled again at once.
type waits struct{ list []wait }

type wait struct {
	addr     netaddr.Addr
	failures int // in a row
	failed   time.Time
	until    time.Time
}

func (w *waits) index(a netaddr.Addr) int {
	return slices.IndexFunc(w.list, func(x wait) bool { return x.addr == a })
}

// failed notes a failure. The wait doubles with each one and is shortened by
// chance, so that nodes which lost the same peer do not come back at once.
func (w *waits) failed(now time.Time, a netaddr.Addr, rng *rand.Rand) {
	i := w.index(a)
	if i < 0 {
		if len(w.list) >= maxWaits {
			first := 0
			for j := range w.list {
				if w.list[j].until.Before(w.list[first].until) {
					first = j
				}
			}
			w.list = slices.Delete(w.list, first, first+1)
		}
		i = len(w.list)
		w.list = append(w.list, wait{addr: a})
	}
	x := &w.list[i]
	d := slotRetryMax
	if x.failures < 10 { // 2^10 seconds are more than slotRetryMax
		d = min(retryMin<<x.failures, slotRetryMax)
	}
	x.failures++
	x.failed = now
	x.until = now.Add(time.Duration(float64(d) * (1 - retryJitter*rng.Float64())))
}

// waiting reports whether an address is not to be dialled yet. Few is true
// where waits are cut short.
func (w *waits) waiting(now time.Time, a netaddr.Addr, few bool) bool {
	i := w.index(a)
	if i < 0 {
		return false
	}
	x := w.list[i]
	return now.Before(x.until) && !(few && now.Sub(x.failed) >= fewRetry)
}

// forget drops what is known of an address.
func (w *waits) forget(a netaddr.Addr) {
	if i := w.index(a); i >= 0 {
		w.list = slices.Delete(w.list, i, i+1)
	}
}
