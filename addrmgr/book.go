package addrmgr

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"starling/addrmgr/netaddr"
	"starling/internal/siphash"
	"starling/wire"
)

// The sizes of the book, which are Bitcoin Core's. The whole book holds 81,920
// addresses at most, in some 16 MB.
const (
	// DefaultNewBuckets is how many buckets the table of heard addresses has.
	DefaultNewBuckets = 1024
	// DefaultTriedBuckets is how many buckets the table of reached addresses has.
	DefaultTriedBuckets = 256
	// DefaultBucketsPerSource is how many buckets of the new table one group of
	// tellers can fill: a sixteenth of it.
	DefaultBucketsPerSource = 64
	// DefaultBucketsPerGroup is how many buckets of the tried table the
	// addresses of one group can fill: a thirty-second of it.
	DefaultBucketsPerGroup = 8
	// DefaultReferences is how many places in the new table an address can have
	// when several groups tell of it, each half as likely as the one before.
	DefaultReferences = 8
	// DefaultCollisions is how many addresses wait for a place in the tried
	// table at a time.
	DefaultCollisions = 10
)

// Options are the limits of a [Book]. Zero values take the defaults.
type Options struct {
	NewBuckets, TriedBuckets int
	BucketsPerSource         int
	BucketsPerGroup          int
	References               int
	Collisions               int
	// NoTest lets an address that was reached drive another out of its place
	// without that one being looked at first.
	NoTest bool
	// Grouper tells network groups, and whether local addresses count.
	Grouper netaddr.Grouper
}

func (o *Options) fill() {
	o.NewBuckets = cmp.Or(o.NewBuckets, DefaultNewBuckets)
	o.TriedBuckets = cmp.Or(o.TriedBuckets, DefaultTriedBuckets)
	o.BucketsPerSource = min(cmp.Or(o.BucketsPerSource, DefaultBucketsPerSource), o.NewBuckets)
	o.BucketsPerGroup = min(cmp.Or(o.BucketsPerGroup, DefaultBucketsPerGroup), o.TriedBuckets)
	o.References = cmp.Or(o.References, DefaultReferences)
	o.Collisions = cmp.Or(o.Collisions, DefaultCollisions)
}

// Address is what one node tells another of a third.
type Address struct {
	Addr     netaddr.Addr
	Services wire.ServiceFlag
	Seen     time.Time // by whom ever, to the second
}

// Entry is what the book knows of an address.
type Entry struct {
	Address
	Source      netaddr.Addr // who told of it first
	LastTry     time.Time    // zero for never
	LastSuccess time.Time    // zero for never
	Attempts    int          // that failed, since the last success
	Tried       bool         // in the tried table
	Bucket      int          // one of its places in that table
	Position    int
}

// Counts says how many addresses of a network there are in each table.
type Counts struct{ New, Tried int }

// entry is an address with its places. Times are seconds since 1970, 0 for
// never.
type entry struct {
	addr, source netaddr.Addr
	services     wire.ServiceFlag
	seen         int64
	lastTry      int64
	lastCounted  int64 // the last attempt that was counted
	lastSuccess  int64
	attempts     int
	refs         int // places in the new table
	tried        bool
	index        int // in Book.all
}

// Book is the address book. See the package comment.
type Book struct {
	opts Options
	key  siphash.Key
	rng  *rand.Rand

	byAddr     map[netaddr.Addr]*entry
	all        []*entry // in an order of chance
	fresh      *table   // the new table
	tried      *table
	counts     map[wire.NetworkID]Counts
	collisions []*entry // reached, and wait for a place, the oldest first
	lastGood   int64    // when an address was last reached
}

// NewBook returns an empty book. The key decides on the places of addresses and
// must be known to nobody else; the other half of the seed decides on chance.
func NewBook(seed [32]byte, opts Options) *Book {
	opts.fill()
	return &Book{
		opts: opts, key: siphash.NewKey((*[16]byte)(seed[:16])), rng: rand.New(rand.NewChaCha8(seed)),
		byAddr: make(map[netaddr.Addr]*entry), counts: make(map[wire.NetworkID]Counts),
		fresh: newTable(opts.NewBuckets), tried: newTable(opts.TriedBuckets),
		// So that the first failure after the start counts.
		lastGood: 1,
	}
}

// Len returns how many addresses there are.
func (b *Book) Len() int { return len(b.all) }

// Counts returns how many addresses of each network there are.
func (b *Book) Counts() map[wire.NetworkID]Counts {
	m := make(map[wire.NetworkID]Counts, len(b.counts))
	for n, c := range b.counts {
		if c != (Counts{}) {
			m[n] = c
		}
	}
	return m
}

// count returns how many addresses of the wanted networks there are.
func (b *Book) count(want Networks) (c Counts) {
	for n, k := range b.counts {
		if want.Has(n) {
			c.New += k.New
			c.Tried += k.Tried
		}
	}
	return c
}

func (b *Book) add(n wire.NetworkID, fresh, tried int) {
	c := b.counts[n]
	b.counts[n] = Counts{c.New + fresh, c.Tried + tried}
}

// Get returns what is known of an address.
func (b *Book) Get(a netaddr.Addr) (Entry, bool) {
	e := b.byAddr[a]
	if e == nil {
		return Entry{}, false
	}
	return b.describe(e), true
}

// All returns all entries, in the order of their addresses.
func (b *Book) All() []Entry {
	list := make([]Entry, len(b.all))
	for i, e := range b.all {
		list[i] = b.describe(e)
	}
	slices.SortFunc(list, func(x, y Entry) int { return x.Addr.Compare(y.Addr) })
	return list
}

// Table is a table of the book.
type Table uint8

// The two tables.
const (
	TableNew Table = iota
	TableTried
)

// Entries returns what one table holds, place by place: an address that has
// several is there as often.
func (b *Book) Entries(t Table) []Entry {
	table := b.fresh
	if t == TableTried {
		table = b.tried
	}
	var list []Entry
	table.each(func(bucket, pos int, e *entry) {
		d := b.describe(e)
		d.Bucket, d.Position = bucket, pos
		list = append(list, d)
	})
	return list
}

func (b *Book) describe(e *entry) Entry {
	d := Entry{
		Address: Address{e.addr, e.services, unix(e.seen)}, Source: e.source,
		LastTry: unix(e.lastTry), LastSuccess: unix(e.lastSuccess), Attempts: e.attempts, Tried: e.tried,
	}
	if e.tried {
		d.Bucket = b.triedBucket(e.addr)
	} else {
		d.Bucket = b.newBucket(e.addr, e.source)
	}
	d.Position = b.position(!e.tried, d.Bucket, e.addr)
	return d
}

func unix(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0)
}

// insert makes an entry that has no place yet.
func (b *Book) insert(a netaddr.Addr, source netaddr.Addr) *entry {
	e := &entry{addr: a, source: source, index: len(b.all)}
	b.byAddr[a] = e
	b.all = append(b.all, e)
	return e
}

// drop takes an entry without a place out of the book.
func (b *Book) drop(e *entry) {
	last := len(b.all) - 1
	b.swap(e.index, last)
	b.all[last] = nil
	b.all = b.all[:last]
	delete(b.byAddr, e.addr)
	if i := slices.Index(b.collisions, e); i >= 0 {
		b.collisions = slices.Delete(b.collisions, i, i+1)
	}
}

func (b *Book) swap(i, j int) {
	b.all[i], b.all[j] = b.all[j], b.all[i]
	b.all[i].index, b.all[j].index = i, j
}
