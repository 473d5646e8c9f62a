package addrmgr

import (
	"encoding/binary"
	"errors"
	"hash/crc64"

	"starling/addrmgr/netaddr"
	"starling/internal/siphash"
	"starling/wire"
)

// errBook means that data is no book.
var errBook = errors.New("not an address book")

// maxBook bounds the entries that are read: both tables full.
const maxBook = (DefaultNewBuckets + DefaultTriedBuckets) * bucketSize

// layout stands for all that decides on places. A book that was written with
// another one is laid out anew.
func (o *Options) layout() uint64 {
	var b []byte
	for _, n := range []int{o.NewBuckets, o.TriedBuckets, o.BucketsPerSource, o.BucketsPerGroup} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	if o.Grouper.CountLocal {
		b = append(b, 1)
	}
	b = o.Grouper.ASMap.AppendChecksum(b)
	return crc64.Checksum(b, crc64.MakeTable(crc64.ECMA))
}

// Encode returns the book as it is kept in a file, places and key included.
func (b *Book) Encode() []byte {
	le := binary.LittleEndian
	dst := make([]byte, 0, 32+96*len(b.all))
	dst = le.AppendUint64(dst, b.key.K0)
	dst = le.AppendUint64(dst, b.key.K1)
	dst = le.AppendUint64(dst, b.opts.layout())
	dst = le.AppendUint32(dst, uint32(len(b.all)))
	places := b.placesOf()
	for _, e := range b.all {
		dst = e.addr.AppendKey(dst)
		dst = e.source.AppendKey(dst)
		dst = le.AppendUint64(dst, uint64(e.services))
		for _, t := range []int64{e.seen, e.lastTry, e.lastSuccess} {
			dst = le.AppendUint64(dst, uint64(t))
		}
		dst = le.AppendUint32(dst, uint32(e.attempts))
		if e.tried {
			dst = append(dst, 1)
			continue
		}
		dst = append(dst, 0, byte(len(places[e])))
		for _, bucket := range places[e] {
			dst = le.AppendUint16(dst, uint16(bucket))
		}
	}
	return dst
}

// placesOf returns the buckets of the new table in which each entry is.
func (b *Book) placesOf() map[*entry][]int {
	places := make(map[*entry][]int, len(b.all))
	b.fresh.each(func(bucket, _ int, e *entry) { places[e] = append(places[e], bucket) })
	return places
}

// DecodeBook reads a book that [Book.Encode] wrote. Its key is kept; chance is
// decided by the new seed.
func DecodeBook(data []byte, seed [32]byte, opts Options) (*Book, error) {
	b := NewBook(seed, opts)
	le := binary.LittleEndian
	if len(data) < 28 {
		return nil, errBook
	}
	b.key = siphash.Key{K0: le.Uint64(data), K1: le.Uint64(data[8:])}
	same := le.Uint64(data[16:]) == b.opts.layout()
	n := le.Uint32(data[24:])
	if n > maxBook {
		return nil, errBook
	}
	data = data[28:]
	for range n {
		e, places, rest, ok := decodeEntry(data)
		if !ok || b.byAddr[e.addr] != nil {
			return nil, errBook
		}
		data = rest
		if b.opts.Grouper.IsUsable(e.addr) {
			b.restore(e, places, same)
		}
	}
	if len(data) != 0 {
		return nil, errBook
	}
	return b, nil
}

// decodeEntry reads an entry and the buckets that it is in.
func decodeEntry(data []byte) (e *entry, places []int, rest []byte, ok bool) {
	le := binary.LittleEndian
	e = new(entry)
	if e.addr, data, ok = netaddr.DecodeKey(data); !ok {
		return nil, nil, nil, false
	}
	if e.source, data, ok = netaddr.DecodeKey(data); !ok || len(data) < 37 {
		return nil, nil, nil, false
	}
	e.services = wire.ServiceFlag(le.Uint64(data))
	e.seen, e.lastTry, e.lastSuccess = int64(le.Uint64(data[8:])), int64(le.Uint64(data[16:])), int64(le.Uint64(data[24:]))
	e.attempts = int(le.Uint32(data[32:]))
	e.tried = data[36] == 1
	data = data[37:]
	if e.tried {
		return e, nil, data, true
	}
	if len(data) < 1 || len(data) < 1+2*int(data[0]) {
		return nil, nil, nil, false
	}
	for i := range int(data[0]) {
		places = append(places, int(le.Uint16(data[1+2*i:])))
	}
	return e, places, data[1+2*int(data[0]):], true
}

// restore gives an entry that was read its places: those that it had if the
// layout is the same, else one anew.
func (b *Book) restore(e *entry, places []int, same bool) {
	e.index = len(b.all)
	b.byAddr[e.addr] = e
	b.all = append(b.all, e)
	if e.tried {
		if at := b.triedSpot(e.addr); at.get() == nil {
			at.put(e)
			b.add(e.addr.Network(), 0, 1)
			return
		}
		e.tried = false // its place is another's now
	}
	take := func(at spot) {
		if at.get() == nil && e.refs < b.opts.References {
			at.put(e)
			e.refs++
		}
	}
	for _, i := range places {
		if same && i < b.opts.NewBuckets {
			take(b.newSpot(e.addr, i))
		}
	}
	if e.refs == 0 {
		take(b.spotBy(e.addr, e.source))
	}
	if e.refs == 0 {
		b.drop(e)
		return
	}
	b.add(e.addr.Network(), 1, 0)
}
