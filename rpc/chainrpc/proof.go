package chainrpc

import (
	"context"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/rpc/jsonrpc"
	"starling/wire"
)

func (a *api) proofMethods() []*jsonrpc.Method {
	const category = "Blockchain"
	id := "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "gettxoutproof", Category: category,
			Summary:  "Returns a proof that transactions are in a block: its header and the hashes that lead to its\nmerkle root. Without a block, one of the transactions must have unspent outputs, or the node an index.",
			Returns:  "The proof",
			Examples: [][]any{{[]string{id}, "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"}}}, a.getTxOutProof),
		jsonrpc.Define(jsonrpc.Method{Name: "verifytxoutproof", Category: category,
			Summary:  "Returns the transactions that a proof proves to be in a block of the best chain.",
			Returns:  "Their ids; none if the proof is bad",
			Examples: [][]any{{"01000000…"}}}, a.verifyTxOutProof),
	}
}

type proofParams struct {
	TxIDs []wire.Hash `rpc:"txids" item:"txid" help:"The transactions"`
	Block *wire.Hash  `rpc:"blockhash" help:"The block that they are in"`
}

// maxBlockOutputs bounds the outputs of one transaction: a block of the
// largest size holds no more.
const maxBlockOutputs = consensus.MaxBlockWeight / (wire.WitnessScale * 9)

func (a *api) getTxOutProof(ctx context.Context, p proofParams) (jsonrpc.Hex, error) {
	if len(p.TxIDs) == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Parameter 'txids' cannot be empty")
	}
	wanted := make(map[wire.Hash]struct{}, len(p.TxIDs))
	for _, id := range p.TxIDs {
		if _, again := wanted[id]; again {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, duplicated txid: %v", id)
		}
		wanted[id] = struct{}{}
	}
	n, err := a.blockOf(ctx, p)
	if err != nil {
		return nil, err
	}
	b, err := a.block(n)
	if err != nil {
		return nil, err
	}
	ids := make([]wire.Hash, len(b.Txs))
	found := 0
	for i := range b.Txs {
		ids[i] = b.Txs[i].TxID()
		if _, ok := wanted[ids[i]]; ok {
			found++
		}
	}
	if found != len(wanted) {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Not all transactions found in specified or retrieved block")
	}
	tree := consensus.NewPartialMerkleTree(ids, func(i int) bool { _, ok := wanted[ids[i]]; return ok })
	return tree.Append(n.Header.Append(nil)), nil
}

// blockOf returns the block given, or one that has one of the transactions.
func (a *api) blockOf(ctx context.Context, p proofParams) (*headertree.Node, error) {
	if p.Block != nil {
		return a.lookup(*p.Block)
	}
	for _, id := range p.TxIDs {
		for i := range uint32(maxBlockOutputs) {
			c, ok, at, err := a.Chain.Coin(wire.OutPoint{Hash: id, Index: i})
			if err != nil {
				return nil, err
			}
			if ok {
				return at.Ancestor(c.Height), nil
			}
		}
	}
	for _, id := range p.TxIDs {
		_, hash, ok, err := a.Txs.Confirmed(ctx, id)
		if err != nil {
			return nil, err
		}
		if ok {
			return a.lookup(hash)
		}
	}
	return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Transaction not yet in block")
}

type verifyProofParams struct {
	Proof jsonrpc.HexArg `rpc:"proof" help:"The proof in hexadecimal digits"`
}

func (a *api) verifyTxOutProof(_ context.Context, p verifyProofParams) ([]wire.Hash, error) {
	c := wire.NewCursor(p.Proof, "proof")
	h := c.Header()
	tree := consensus.ReadPartialMerkleTree(&c)
	if err := c.End(); err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Proof decode failed")
	}
	ids := []wire.Hash{}
	root, matches, err := tree.Extract()
	if err != nil || root != h.MerkleRoot {
		return ids, nil
	}
	n := a.Chain.Headers().Lookup(h.Hash())
	if n == nil || !a.Chain.Contains(n) || n.ChainTx() == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Block not found in chain")
	}
	// A tree of another size could name an inner node as a transaction.
	if n.Txs() != tree.Total {
		return ids, nil
	}
	for _, m := range matches {
		ids = append(ids, m.ID)
	}
	return ids, nil
}
