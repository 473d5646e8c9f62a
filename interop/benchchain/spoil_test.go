package benchchain

import (
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// spoil flips a bit in the signature of the first input of kind k.
func spoil(txs []*wire.MsgTx, k kind) bool {
	for _, tx := range txs {
		for _, in := range tx.TxIn {
			var sig []byte
			switch {
			case k == pkh && len(in.Witness) == 0:
				sig = in.SignatureScript[1:]
			case k == tr && len(in.Witness) == 1, k == wpkh && len(in.Witness) == 2:
				sig = in.Witness[0]
			case k == wsh && len(in.Witness) == 4:
				sig = in.Witness[2]
			default:
				continue
			}
			sig[40] ^= 1 // inside the second half of either form
			return true
		}
	}
	return false
}

// rebuild makes the commitments of a block fit its transactions again. The
// caller's chain must not ask for work.
func rebuild(t *testing.T, block *wire.MsgBlock) *wire.MsgBlock {
	t.Helper()
	coinbase := block.Transactions[0]
	coinbase.TxOut = coinbase.TxOut[:1]
	if err := commit(coinbase, block.Transactions[1:]); err != nil {
		t.Fatal(err)
	}
	ids := make([]chainhash.Hash, 0, len(block.Transactions))
	for _, tx := range block.Transactions {
		ids = append(ids, tx.TxHash())
	}
	block.Header.MerkleRoot = merkleRoot(ids)
	return block
}
