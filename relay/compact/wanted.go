package compact

import (
	"fmt"

	"starling/wire"
)

// wanted finds the place of a transaction in a block from its short id. Most
// transactions of a pool are not in a given block, so a bitmap that fits into
// the fastest cache answers for nearly all of them before the map is asked.
type wanted struct {
	key    Key
	places map[uint64]uint16 // the map's own secret keeps its buckets even
	filter [filterBits / 64]uint64
}

// filterBits is the size of the bitmap: 8 KB, of which a block of 4,000
// transactions sets a sixteenth.
const filterBits = 1 << 16

// newWanted returns what is wanted of a block, whose prefilled transactions are
// in txs already. It fails if two short ids are the same: one of the two
// would be looked for in vain.
func newWanted(m *wire.MsgCmpctBlock, txs []*wire.Tx) (*wanted, error) {
	w := &wanted{key: NewKey(&m.Header, m.Nonce), places: make(map[uint64]uint16, len(m.ShortIDs))}
	at := 0
	for _, id := range m.ShortIDs {
		for txs[at] != nil {
			at++
		}
		if _, twice := w.places[id]; twice {
			return nil, fmt.Errorf("%w: two transactions have the short id %012x", ErrFailed, id)
		}
		w.places[id] = uint16(at)
		w.filter[id%filterBits/64] |= 1 << (id % 64)
		at++
	}
	return w, nil
}

func (w *wanted) len() int { return len(w.places) }

// find returns the place of the transaction with this witness id.
func (w *wanted) find(wtxid *wire.Hash) (at uint16, ok bool) {
	id := w.key.ShortID(wtxid)
	if w.filter[id%filterBits/64]&(1<<(id%64)) == 0 {
		return 0, false
	}
	at, ok = w.places[id]
	return at, ok
}
