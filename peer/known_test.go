package peer

import (
	"encoding/binary"
	"testing"

	"starling/wire"
)

func hashOf(i int) (h wire.Hash) {
	binary.LittleEndian.PutUint64(h[:], uint64(i))
	return h
}

func TestKnown(t *testing.T) {
	var k Known
	if k.Has(hashOf(1)) || k.cur != nil {
		t.Error("an empty set knows something, or costs something")
	}
	if !k.Add(hashOf(1)) || k.Add(hashOf(1)) || !k.Has(hashOf(1)) || k.Has(hashOf(2)) {
		t.Error("a set of one is wrong")
	}
	for i := range 10 * knownGeneration {
		k.Add(hashOf(i))
		if len(k.cur)+len(k.old) > 2*knownGeneration {
			t.Fatal("the set grows without bound")
		}
		if !k.Has(hashOf(max(0, i-knownGeneration+1))) {
			t.Fatalf("a hash is forgotten after fewer than %d more", knownGeneration)
		}
	}
	if k.Has(hashOf(2)) {
		t.Error("the oldest hash is still known")
	}
}
