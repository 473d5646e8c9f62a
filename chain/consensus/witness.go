package consensus

import (
	"crypto/sha256"

	"starling/wire"
)

// witnessCommitmentSize is the least length of a commitment script: OP_RETURN,
// a push of 36 bytes, four bytes of magic and a hash.
const witnessCommitmentSize = 38

// witnessCommitmentPrefix is what a commitment script starts with.
const witnessCommitmentPrefix = "\x6a\x24\xaa\x21\xa9\xed"

// FindWitnessCommitment returns which output of the coinbase holds the witness
// commitment (BIP141), the last one if several look like it, or -1.
func FindWitnessCommitment(b *wire.Block) int {
	if len(b.Txs) == 0 {
		return -1
	}
	out := b.Txs[0].Out
	for i := len(out) - 1; i >= 0; i-- {
		s := out[i].Script
		if len(s) >= witnessCommitmentSize && string(s[:len(witnessCommitmentPrefix)]) == witnessCommitmentPrefix {
			return i
		}
	}
	return -1
}

// WitnessCommitment returns the hash that a commitment output carries: over
// the witness merkle root and the reserved value, the coinbase's only witness
// item, 32 bytes.
func WitnessCommitment(root wire.Hash, reserved []byte) wire.Hash {
	h := sha256.New()
	h.Write(root[:])
	h.Write(reserved)
	var first [sha256.Size]byte
	h.Sum(first[:0])
	return sha256.Sum256(first[:])
}

// WitnessCommitmentScript returns the output script that commits to a hash
// from [WitnessCommitment].
func WitnessCommitmentScript(commitment wire.Hash) []byte {
	return append([]byte(witnessCommitmentPrefix), commitment[:]...)
}

// checkWitness checks that the witnesses are those that the block commits to,
// and that there are none if it commits to none. Whatever it finds is a matter
// of these bytes, since neither the header nor a transaction id covers them.
func checkWitness(b *wire.Block, segwit bool) error {
	if segwit {
		if at := FindWitnessCommitment(b); at >= 0 {
			// A block in which a commitment was found has a coinbase with an
			// input.
			w := b.Txs[0].In[0].Witness
			if w.Len() != 1 || len(w.Item(0)) != wire.HashSize {
				return Reject(Mutated, "bad-witness-nonce-size", "invalid witness reserved value size")
			}
			got := WitnessCommitment(WitnessMerkleRoot(b), w.Item(0))
			want := b.Txs[0].Out[at].Script[len(witnessCommitmentPrefix):]
			if got != wire.Hash(want[:wire.HashSize]) {
				return Reject(Mutated, "bad-witness-merkle-match", "witness merkle commitment mismatch")
			}
			return nil
		}
	}
	for i := range b.Txs {
		if b.Txs[i].HasWitness() {
			return Reject(Mutated, "unexpected-witness", "unexpected witness data found")
		}
	}
	return nil
}
