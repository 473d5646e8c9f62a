package index

import (
	"encoding/binary"
	"errors"

	"starling/chain/headertree"
	"starling/store"
	"starling/wire"
)

// Keys that begin with keyFrame are the frame's own; the rest is the indexer's.
const keyFrame = 0x00

// keyTip holds the position: version of the records (16 bits), height (32 bits)
// and hash of the block that they stand for.
var keyTip = []byte{keyFrame, 't'}

const tipSize = 2 + 4 + wire.HashSize

// The trail is the hash of each of the last blocks up to the position, by
// height. It is there for the start after a power cut that has taken the last
// headers from the chain: the position is then a block that nobody knows, and
// the trail tells which ones were before it.
const trailLength = 20_000 // the chain writes its headers when 10,000 wait, so it loses fewer

func trailKey(height int32) []byte {
	return binary.BigEndian.AppendUint32([]byte{keyFrame, 'h'}, uint32(height))
}

// setTip makes n the position in b.
func setTip(b *store.Batch, version uint16, n *headertree.Node) {
	v := binary.LittleEndian.AppendUint16(make([]byte, 0, tipSize), version)
	v = binary.LittleEndian.AppendUint32(v, uint32(n.Height))
	b.Set(keyTip, append(v, n.Hash[:]...))
}

// errStale means that a database cannot be gone on with, but made anew.
var errStale = errors.New("index: must be built anew")

// loadPosition returns the block that the records of db stand for, nil if there
// are none yet, and whether the position on disk is that block; if it is not,
// the chain has lost what came after.
func loadPosition(db *store.DB, version uint16, headers *headertree.Tree) (n *headertree.Node, exact bool, err error) {
	v, ok, err := db.Get(keyTip)
	if err != nil || !ok {
		return nil, true, err
	}
	if len(v) != tipSize || binary.LittleEndian.Uint16(v) != version {
		return nil, false, errStale
	}
	height := int32(binary.LittleEndian.Uint32(v[2:]))
	if n := headers.Lookup(wire.Hash(v[6:])); n != nil {
		return n, true, nil
	}
	for h := height - 1; h >= 0; h-- {
		hash, ok, err := db.Get(trailKey(h))
		if err != nil {
			return nil, false, err
		}
		if !ok || len(hash) != wire.HashSize {
			break
		}
		if n := headers.Lookup(wire.Hash(hash)); n != nil {
			return n, false, nil
		}
	}
	return nil, false, errStale
}
