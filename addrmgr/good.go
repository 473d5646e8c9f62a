package addrmgr

import (
	"slices"
	"time"

	"starling/addrmgr/netaddr"
)

const (
	// connectedUpdate is how often the time at which a peer was seen is renewed
	// at most, so that others cannot tell from it when a link ended.
	connectedUpdate = 20 * time.Minute
	// replaceAfter is for how long the holder of a place in the tried table
	// keeps it against others after it was reached, and within which it must have been
	// tried to lose it.
	replaceAfter = 4 * time.Hour
	// testPatience is how long a try gets before it counts as failed.
	testPatience = time.Minute
	// testWindow is how long an address waits for a place whose holder is not
	// tried; then it takes it.
	testWindow = 40 * time.Minute
)

// Attempt notes that an address is being dialled. Count is false if this node
// has no way out to the network, so that the failure says nothing of the address; and
// failures count only once for each time that another address was reached.
func (b *Book) Attempt(now time.Time, a netaddr.Addr, count bool) {
	e := b.byAddr[a]
	if e == nil {
		return
	}
	e.lastTry = now.Unix()
	if count && e.lastCounted < b.lastGood {
		e.lastCounted = e.lastTry
		e.attempts++
	}
}

// Good notes that an address was reached and that a node of this network
// answered there. It is put in the tried table; if its place there is taken, it waits until
// the holder was looked at, see [Book.Resolve]. It reports whether the
// address has moved.
func (b *Book) Good(now time.Time, a netaddr.Addr) bool {
	return b.good(now.Unix(), a, !b.opts.NoTest)
}

func (b *Book) good(now int64, a netaddr.Addr, test bool) bool {
	b.lastGood = now
	e := b.byAddr[a]
	if e == nil {
		return false
	}
	e.lastSuccess, e.lastTry, e.attempts = now, now, 0
	if e.tried || e.refs == 0 {
		return false
	}
	if test && b.triedSpot(a).get() != nil {
		if len(b.collisions) < b.opts.Collisions && !slices.Contains(b.collisions, e) {
			b.collisions = append(b.collisions, e)
		}
		return false
	}
	b.makeTried(e)
	return true
}

// makeTried moves an entry to the tried table. Whoever holds its place goes
// back to the new table.
func (b *Book) makeTried(e *entry) {
	b.vacateAll(e)
	at := b.triedSpot(e.addr)
	if old := at.get(); old != nil {
		at.clear()
		old.tried = false
		b.add(old.addr.Network(), 0, -1)
		back := b.spotBy(old.addr, old.source)
		b.vacate(back)
		back.put(old)
		old.refs = 1
		b.add(old.addr.Network(), 1, 0)
	}
	at.put(e)
	e.tried = true
	b.add(e.addr.Network(), 0, 1)
}

// Connected notes that a link with an address has stood until now. It is called
// when the link ends.
func (b *Book) Connected(now time.Time, a netaddr.Addr) {
	if e := b.byAddr[a]; e != nil && now.Unix()-e.seen > int64(connectedUpdate/time.Second) {
		e.seen = now.Unix()
	}
}

// Resolve decides for the addresses that wait for a place in the tried table
// whether they get it: the holder keeps it if it was reached of late, loses
// it if it was tried and not reached, and else is to be tried.
func (b *Book) Resolve(now time.Time) {
	t := now.Unix()
	since := func(at int64) time.Duration { return time.Duration(t-at) * time.Second }
	for _, e := range slices.Clone(b.collisions) {
		if b.byAddr[e.addr] != e || e.tried {
			b.endCollision(e)
			continue
		}
		old := b.triedSpot(e.addr).get()
		switch {
		case old == nil:
			b.endCollision(e)
			b.makeTried(e)
		case old.lastSuccess != 0 && since(old.lastSuccess) < replaceAfter:
			b.endCollision(e)
		case old.lastTry != 0 && since(old.lastTry) < replaceAfter:
			if since(old.lastTry) > testPatience {
				b.endCollision(e)
				b.makeTried(e)
			}
		case since(e.lastSuccess) > testWindow:
			b.endCollision(e)
			b.makeTried(e)
		}
	}
}

func (b *Book) endCollision(e *entry) {
	if i := slices.Index(b.collisions, e); i >= 0 {
		b.collisions = slices.Delete(b.collisions, i, i+1)
	}
}

// ToTest returns an address in the tried table that has to be tried because
// another one wants its place, if there is one.
func (b *Book) ToTest() (Entry, bool) {
	if len(b.collisions) == 0 {
		return Entry{}, false
	}
	e := b.collisions[b.rng.IntN(len(b.collisions))]
	old := b.triedSpot(e.addr).get()
	if old == nil {
		return Entry{}, false
	}
	return b.describe(old), true
}
