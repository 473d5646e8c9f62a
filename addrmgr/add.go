package addrmgr

import (
	"time"

	"starling/addrmgr/netaddr"
	"starling/wire"
)

const (
	// currentlyOnline is how new news of an address must be for it to count as
	// on line, and updateOnline and updateOffline how much newer than what is known
	// to be worth taking note of.
	currentlyOnline = 24 * time.Hour
	updateOnline    = time.Hour
	updateOffline   = 24 * time.Hour

	// When an address is terrible; see [Book.terrible].
	future      = 10 * time.Minute
	horizon     = 30 * 24 * time.Hour
	retries     = 3
	maxFailures = 10
	minFail     = 7 * 24 * time.Hour
	justTried   = time.Minute
)

// Add takes in what source tells, and returns how many addresses of it are new
// to the book. The penalty is taken off the times at which they were seen, for who
// passes on what others have told; a source that tells of itself is believed.
func (b *Book) Add(now time.Time, source netaddr.Addr, penalty time.Duration, addrs ...Address) (added int) {
	for _, a := range addrs {
		if b.addOne(now.Unix(), source, penalty, a) {
			added++
		}
	}
	return added
}

func (b *Book) addOne(now int64, source netaddr.Addr, penalty time.Duration, a Address) (isNew bool) {
	if !b.opts.Grouper.IsUsable(a.Addr) {
		return false
	}
	if a.Addr.SameHost(source) { // it has connected from some port or other
		penalty = 0
	}
	seen := a.Seen.Unix()
	pen := int64(penalty / time.Second)
	e := b.byAddr[a.Addr]
	if e != nil {
		if !b.hearAgain(e, now, seen, pen, a.Services) {
			return false
		}
	} else {
		e = b.insert(a.Addr, source)
		e.services, e.seen = a.Services, max(0, seen-pen)
		isNew = true
	}
	return b.giveNewPlace(e, now, source) && isNew
}

// hearAgain takes note of further news of an address, and reports whether it
// may have one more place.
func (b *Book) hearAgain(e *entry, now, seen, penalty int64, services wire.ServiceFlag) bool {
	after := int64(updateOffline / time.Second)
	if now-seen < int64(currentlyOnline/time.Second) {
		after = int64(updateOnline / time.Second)
	}
	if e.seen < seen-after-penalty {
		e.seen = max(0, seen-penalty)
	}
	e.services |= services
	if seen <= e.seen || e.tried || e.refs >= b.opts.References {
		return false
	}
	// Each place is half as likely as the one before it.
	return b.rng.IntN(1<<e.refs) == 0
}

// giveNewPlace puts an entry in the place that it has by this source, if that
// is free or its holder is not worth it. An entry that is left without a place is
// dropped.
func (b *Book) giveNewPlace(e *entry, now int64, source netaddr.Addr) bool {
	at := b.spotBy(e.addr, source)
	holder := at.get()
	if holder == e {
		return false
	}
	if holder == nil || b.terrible(holder, now) || holder.refs > 1 && e.refs == 0 {
		b.vacate(at)
		at.put(e)
		if e.refs++; e.refs == 1 {
			b.add(e.addr.Network(), 1, 0)
		}
		return true
	}
	if e.refs == 0 && !e.tried {
		b.drop(e)
	}
	return false
}

// terrible reports whether an address is not worth telling others of, and gives
// way to any other. One that was tried a minute ago is not judged: what
// became of it is not known yet.
func (b *Book) terrible(e *entry, now int64) bool {
	since := func(t int64) time.Duration { return time.Duration(now-t) * time.Second }
	switch {
	case e.lastTry != 0 && since(e.lastTry) <= justTried:
		return false
	case since(e.seen) < -future, since(e.seen) > horizon:
		return true
	case e.lastSuccess == 0 && e.attempts >= retries:
		return true
	}
	return since(e.lastSuccess) > minFail && e.attempts >= maxFailures
}

// SetServices notes which services an address itself says that it has.
func (b *Book) SetServices(a netaddr.Addr, s wire.ServiceFlag) {
	if e := b.byAddr[a]; e != nil {
		e.services = s
	}
}
