package consensus

import (
	"crypto/sha256"

	"starling/wire"
)

// MerkleRoot returns the root of the tree over ids. A level with an odd number
// of nodes has its last one paired with itself, which makes some lists of
// different length share a root (CVE-2012-2459); mutated reports that two
// neighbours that should differ are equal, so that ids may be such a list. The
// root of no ids is zero. ids is not changed.
func MerkleRoot(ids []wire.Hash) (root wire.Hash, mutated bool) {
	if len(ids) == 0 {
		return root, false
	}
	level := make([]byte, merkleScratch(len(ids)))
	for i := range ids {
		copy(level[i*wire.HashSize:], ids[i][:])
	}
	return foldMerkle(level, len(ids))
}

// BlockMerkleRoot returns the root over the ids of the block's transactions,
// and whether the list may have been mutated, see [MerkleRoot].
func BlockMerkleRoot(b *wire.Block) (root wire.Hash, mutated bool) {
	if len(b.Txs) == 0 {
		return root, false
	}
	level := make([]byte, merkleScratch(len(b.Txs)))
	for i := range b.Txs {
		id := b.Txs[i].TxID()
		copy(level[i*wire.HashSize:], id[:])
	}
	return foldMerkle(level, len(b.Txs))
}

// WitnessMerkleRoot returns the root over the witness ids of the block's
// transactions, in which the coinbase counts as zero (BIP141). Mutation is not
// reported: the tree of ids, which has the same shape, has shown it already.
func WitnessMerkleRoot(b *wire.Block) wire.Hash {
	if len(b.Txs) == 0 {
		return wire.Hash{}
	}
	level := make([]byte, merkleScratch(len(b.Txs)))
	for i := 1; i < len(b.Txs); i++ {
		id := b.Txs[i].WTxID()
		copy(level[i*wire.HashSize:], id[:])
	}
	root, _ := foldMerkle(level, len(b.Txs))
	return root
}

// merkleScratch returns the size in bytes of the scratch space for n leaves:
// the leaves, and room to double the last one.
func merkleScratch(n int) int { return (n + n&1) * wire.HashSize }

// foldMerkle computes the root over the n > 0 leaves at the start of level,
// which it overwrites level by level. Two neighbours lie side by side, so that
// a pair is hashed where it is.
func foldMerkle(level []byte, n int) (root wire.Hash, mutated bool) {
	for n > 1 {
		if n&1 == 1 {
			copy(level[n*wire.HashSize:(n+1)*wire.HashSize], level[(n-1)*wire.HashSize:])
		}
		half := (n + 1) / 2
		for i := range half {
			pair := level[i*2*wire.HashSize : (i+1)*2*wire.HashSize]
			if 2*i+1 < n && [wire.HashSize]byte(pair[:wire.HashSize]) == [wire.HashSize]byte(pair[wire.HashSize:]) {
				mutated = true
			}
			first := sha256.Sum256(pair)
			second := sha256.Sum256(first[:])
			copy(level[i*wire.HashSize:], second[:])
		}
		n = half
	}
	copy(root[:], level)
	return root, mutated
}

// hashPair returns the parent of two nodes of a merkle tree.
func hashPair(left, right *wire.Hash) wire.Hash {
	var pair [2 * wire.HashSize]byte
	copy(pair[:], left[:])
	copy(pair[wire.HashSize:], right[:])
	return wire.DoubleHash(pair[:])
}
