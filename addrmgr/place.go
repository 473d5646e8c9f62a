package addrmgr

import (
	"encoding/binary"

	"starling/addrmgr/netaddr"
)

// What a hash under the key is for, so that none serves for two things.
const (
	hashSourcePart = iota + 1 // which of a source group's buckets
	hashNewBucket
	hashAddrPart // which of an address group's buckets
	hashTriedBucket
	hashNewPosition
	hashTriedPosition
)

// newBucket returns the bucket of the new table for an address that source told
// of.
func (b *Book) newBucket(a, source netaddr.Addr) int {
	buf := make([]byte, 0, 128)
	group := b.opts.Grouper.AppendGroup(buf, source)
	part := b.hash(hashSourcePart, b.opts.Grouper.AppendGroup(group, a)) % uint64(b.opts.BucketsPerSource)
	return int(b.hash(hashNewBucket, binary.LittleEndian.AppendUint64(group, part)) % uint64(b.opts.NewBuckets))
}

// triedBucket returns the bucket of the tried table for an address.
func (b *Book) triedBucket(a netaddr.Addr) int {
	var key [64]byte
	part := b.hash(hashAddrPart, a.AppendKey(key[:0])) % uint64(b.opts.BucketsPerGroup)
	group := b.opts.Grouper.AppendGroup(make([]byte, 0, 64), a)
	return int(b.hash(hashTriedBucket, binary.LittleEndian.AppendUint64(group, part)) % uint64(b.opts.TriedBuckets))
}

// position returns the place of an address in a bucket.
func (b *Book) position(fresh bool, bucket int, a netaddr.Addr) int {
	what := hashTriedPosition
	if fresh {
		what = hashNewPosition
	}
	buf := binary.LittleEndian.AppendUint32(make([]byte, 0, 64), uint32(bucket))
	return int(b.hash(what, a.AppendKey(buf)) % bucketSize)
}

// hash is a hash of data under the book's key for one purpose.
func (b *Book) hash(what int, data []byte) uint64 {
	k := b.key
	k.K1 ^= uint64(what) << 56
	return k.Sum64(data)
}

// newSpot returns the place of an address in a bucket of the new table.
func (b *Book) newSpot(a netaddr.Addr, bucket int) spot {
	return spot{b.fresh, bucket, b.position(true, bucket, a)}
}

// spotBy returns the place in the new table that an address has by who told of
// it.
func (b *Book) spotBy(a, source netaddr.Addr) spot { return b.newSpot(a, b.newBucket(a, source)) }

// triedSpot returns the place of an address in the tried table.
func (b *Book) triedSpot(a netaddr.Addr) spot {
	i := b.triedBucket(a)
	return spot{b.tried, i, b.position(false, i, a)}
}

// vacate takes whatever is at a place of the new table away from it, and out of
// the book if that was its last one.
func (b *Book) vacate(at spot) {
	e := at.get()
	if e == nil {
		return
	}
	at.clear()
	e.refs--
	if e.refs == 0 {
		b.add(e.addr.Network(), -1, 0)
		b.drop(e)
	}
}

// vacateAll takes an entry away from all of its places in the new table, but
// keeps it. Where they are hangs on who told of it, of whom the first alone is
// kept; most entries have that place and no other.
func (b *Book) vacateAll(e *entry) {
	if at := b.spotBy(e.addr, e.source); at.get() == e {
		at.clear()
		e.refs--
	}
	for i := 0; i < b.opts.NewBuckets && e.refs > 0; i++ {
		if at := b.newSpot(e.addr, i); at.get() == e {
			at.clear()
			e.refs--
		}
	}
	b.add(e.addr.Network(), -1, 0)
}
