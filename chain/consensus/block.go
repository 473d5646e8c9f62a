package consensus

import (
	"bytes"
	"errors"
	"math/bits"

	"starling/params"
	"starling/script"
	"starling/wire"
)

const (
	// MaxBlockWeight is the largest weight of a block (BIP141).
	MaxBlockWeight = 4_000_000
	// MaxSigOpsCost is the largest sum of signature operations in a block, in
	// units of which an operation outside a witness costs four (BIP141).
	MaxSigOpsCost = 80_000
	// MinTxWeight is the least weight of a transaction that can be valid: 60
	// bytes, none of them witness.
	MinTxWeight = wire.WitnessScale * 60
)

// CheckBlock checks everything that can be said of a block alone: its merkle
// root, size, the place of its coinbase, its transactions, the signature
// operations that need no spent outputs, and the solution of a signet block
// (BIP325). Proof of work is the header tree's to check.
//
// An error of kind [Mutated] speaks of these bytes only, every other one of
// the block that the header stands for.
func CheckBlock(b *wire.Block, net *params.Network) error {
	treeErr := checkMerkleRoot(b)
	if net.SignetChallenge != nil {
		if err := checkSignetSolution(b, net); err != nil {
			if treeErr != nil {
				// The solution is in the coinbase, which has not been shown
				// to belong to the header.
				err.Kind = Mutated
			}
			return err
		}
	}
	if treeErr != nil {
		return treeErr
	}
	if err := checkShape(b); err != nil {
		if ambiguous(b) {
			err.Kind = Mutated
		}
		return err
	}
	sigOps := 0
	for i := range b.Txs {
		if err := CheckTx(&b.Txs[i]); err != nil {
			var rule *RuleError
			if errors.As(err, &rule) {
				rule.Detail = "Transaction check failed (tx hash " + b.Txs[i].TxID().String() + ")"
			}
			return err
		}
		sigOps += script.LegacySigOps(&b.Txs[i])
	}
	if sigOps*wire.WitnessScale > MaxSigOpsCost {
		return Reject(Invalid, "bad-blk-sigops", "out-of-bounds SigOpCount")
	}
	return nil
}

// checkMerkleRoot checks that the transactions are those that the header
// commits to.
func checkMerkleRoot(b *wire.Block) error {
	root, mutated := BlockMerkleRoot(b)
	if root != b.Header.MerkleRoot {
		return Reject(Mutated, "bad-txnmrklroot", "hashMerkleRoot mismatch")
	}
	if mutated {
		return Reject(Mutated, "bad-txns-duplicate", "duplicate transaction")
	}
	return nil
}

// checkShape checks the size of the block without witnesses and the place of
// the coinbase.
func checkShape(b *wire.Block) *RuleError {
	if len(b.Txs) == 0 || len(b.Txs)*wire.WitnessScale > MaxBlockWeight || b.BaseSize()*wire.WitnessScale > MaxBlockWeight {
		return Reject(Invalid, "bad-blk-length", "size limits failed")
	}
	if !b.Txs[0].IsCoinbase() {
		return Reject(Invalid, "bad-cb-missing", "first tx is not coinbase")
	}
	for i := 1; i < len(b.Txs); i++ {
		if b.Txs[i].IsCoinbase() {
			return Reject(Invalid, "bad-cb-multiple", "more than one coinbase")
		}
	}
	return nil
}

// ambiguous reports whether the block's list of transactions might be an inner
// level of another block's merkle tree. An inner node is 64 bytes long, as a
// transaction may be, so a list of such transactions can have the root of a
// longer list. A coinbase in front rules it out: it would take a hash with 28
// zero bytes to look like one.
func ambiguous(b *wire.Block) bool {
	if len(b.Txs) == 0 || b.Txs[0].IsCoinbase() {
		return false
	}
	for i := range b.Txs {
		if b.Txs[i].BaseSize() == 2*wire.HashSize {
			return true
		}
	}
	return false
}

// IsMutated reports whether the bytes of the block are not proven to be those
// that its header commits to. segwit says whether witness commitments count at
// the block's height. It is a cheap first look at a block from a peer.
func IsMutated(b *wire.Block, segwit bool) bool {
	if checkMerkleRoot(b) != nil {
		return true
	}
	if len(b.Txs) == 0 || !b.Txs[0].IsCoinbase() {
		return ambiguous(b)
	}
	return checkWitness(b, segwit) != nil
}

// CheckBlockContext checks what depends on the block's place in the chain
// but on no coins: finality of the transactions (BIP113), the height in the
// coinbase (BIP34), the witness commitment (BIP141) and the weight.
// parentMedianTime is the median time that ends with the block before, in
// seconds. The block has passed [CheckBlock].
func CheckBlockContext(b *wire.Block, net *params.Network, height int32, parentMedianTime int64) error {
	cutoff := int64(b.Header.Timestamp)
	if height >= net.CSVHeight {
		cutoff = parentMedianTime
	}
	for i := range b.Txs {
		if !IsFinal(&b.Txs[i], height, cutoff) {
			return Reject(Invalid, "bad-txns-nonfinal", "non-final transaction")
		}
	}
	if height >= net.BIP34Height && !bytes.HasPrefix(b.Txs[0].In[0].Script, CoinbaseHeight(height)) {
		return Reject(Invalid, "bad-cb-height", "block height mismatch in coinbase")
	}
	if err := checkWitness(b, height >= net.SegwitHeight); err != nil {
		return err
	}
	// Only now: before, somebody could have added witness data on the way.
	if b.Weight() > MaxBlockWeight {
		return Reject(Invalid, "bad-blk-weight", "weight limit failed")
	}
	return nil
}

// CoinbaseHeight returns the script that a coinbase must start with at the
// given height since BIP34: the height as the shortest push of a number.
func CoinbaseHeight(height int32) []byte {
	const op1 = 0x51
	switch {
	case height <= 0:
		return []byte{0}
	case height <= 16:
		return []byte{op1 + byte(height) - 1}
	}
	// The highest bit is the sign, so a number that would set it takes a zero
	// byte more.
	n := bits.Len32(uint32(height))/8 + 1
	s := make([]byte, 1, 1+n)
	s[0] = byte(n)
	for range n {
		s = append(s, byte(height))
		height >>= 8
	}
	return s
}
