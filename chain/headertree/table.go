package headertree

import (
	"hash/maphash"

	"starling/wire"
)

// table finds nodes by hash. It is an open-addressing hash table of pointers
// to nodes, which carry their keys, so that an entry costs 8 bytes at a load
// of 3/8 to 3/4; a map with the hash as its key costs three to four times as
// much. The seed keeps others from choosing headers that collide.
type table struct {
	seed  maphash.Seed
	slots []*Node // a power of two
	count int
}

func newTable() table { return table{seed: maphash.MakeSeed(), slots: make([]*Node, 1024)} }

// slot returns where hash is, or the empty slot where it would go.
func (t *table) slot(hash *wire.Hash) int {
	mask := len(t.slots) - 1
	i := int(maphash.Bytes(t.seed, hash[:])) & mask
	for t.slots[i] != nil && t.slots[i].Hash != *hash {
		i = (i + 1) & mask
	}
	return i
}

// get returns the node with the given hash, or nil.
func (t *table) get(hash *wire.Hash) *Node { return t.slots[t.slot(hash)] }

// put adds a node whose hash is not in the table.
func (t *table) put(n *Node) {
	if 4*(t.count+1) > 3*len(t.slots) {
		old := t.slots
		t.slots = make([]*Node, 2*len(old))
		for _, o := range old {
			if o != nil {
				t.slots[t.slot(&o.Hash)] = o
			}
		}
	}
	t.slots[t.slot(&n.Hash)] = n
	t.count++
}
