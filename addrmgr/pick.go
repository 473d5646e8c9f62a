package addrmgr

import (
	"math"
	"time"

	"starling/wire"
)

// Networks is a set of networks. The zero value is all of them.
type Networks uint16

// NetworkSet returns the set of the given networks.
func NetworkSet(ids ...wire.NetworkID) (s Networks) {
	for _, n := range ids {
		s |= 1 << n
	}
	return s
}

// Has reports whether a network is in the set.
func (s Networks) Has(n wire.NetworkID) bool { return s == 0 || n < 16 && s>>n&1 == 1 }

const (
	// recentTry is for how long after a try an address is hardly ever chosen,
	// and recentChance how likely it is beside others.
	recentTry    = 10 * time.Minute
	recentChance = 0.01
	// failChance is what each failed attempt leaves of the chance, and
	// maxFailChance how many of them count.
	failChance    = 0.66
	maxFailChance = 8
	// lowerBar is by how much the bar drops with each address that was not
	// chosen, so that one is found soon however bad they all are.
	lowerBar = 1.2
	// sampleLeast is how many addresses a sample may hold whatever part of the
	// book that is: a network of a dozen nodes is found as a whole, and there is
	// nothing to learn from it.
	sampleLeast = 32
)

// Select chooses an address to try, among the networks that are wanted: of the
// tables with even odds, and there by chance, which falls with recent and with failed
// attempts. With newOnly it is one that was never reached.
func (b *Book) Select(now time.Time, newOnly bool, want Networks) (Entry, bool) {
	c := b.count(want)
	if newOnly {
		c.Tried = 0
	}
	var tried bool
	switch {
	case c.New+c.Tried == 0:
		return Entry{}, false
	case c.New == 0:
		tried = true
	case c.Tried > 0:
		tried = b.rng.IntN(2) == 0
	}
	table := b.fresh
	if tried {
		table = b.tried
	}
	for bar := 1.0; ; {
		i := table.used[b.rng.IntN(len(table.used))]
		e, pos := table.buckets[i].scan(b.rng.IntN(bucketSize), want)
		if e == nil {
			continue
		}
		if b.rng.Float64() < bar*b.chance(e, now.Unix()) {
			d := b.describe(e)
			d.Bucket, d.Position = i, pos
			return d, true
		}
		bar *= lowerBar
	}
}

// scan returns the first entry of a wanted network in a bucket, from a position
// on and around.
func (k *bucket) scan(first int, want Networks) (*entry, int) {
	for i := range bucketSize {
		pos := (first + i) % bucketSize
		if e := k.entries[pos]; e != nil && want.Has(e.addr.Network()) {
			return e, pos
		}
	}
	return nil, 0
}

// chance returns how likely an address is to be chosen when it comes up, from 0
// to 1.
func (b *Book) chance(e *entry, now int64) float64 {
	c := 1.0
	if e.lastTry != 0 && time.Duration(now-e.lastTry)*time.Second < recentTry {
		c = recentChance
	}
	return c * math.Pow(failChance, float64(min(e.attempts, maxFailChance)))
}

// Sample returns addresses to tell others of, in an order of chance: at most
// limit of them and at most a percentage of the book, 0 for no such bound, but of
// a small book any number; of the networks that are wanted and worth it.
func (b *Book) Sample(now time.Time, limit, percent int, want Networks) []Address {
	n := len(b.all)
	if percent > 0 {
		n = max(n*percent/100, min(n, sampleLeast))
	}
	if limit > 0 {
		n = min(n, limit)
	}
	var list []Address
	for i := 0; i < len(b.all) && len(list) < n; i++ {
		b.swap(i, i+b.rng.IntN(len(b.all)-i))
		e := b.all[i]
		if want.Has(e.addr.Network()) && !b.terrible(e, now.Unix()) {
			list = append(list, Address{e.addr, e.services, unix(e.seen)})
		}
	}
	return list
}
