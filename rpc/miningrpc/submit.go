package miningrpc

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"

	"starling/chain"
	"starling/chain/consensus"
	"starling/rpc/jsonrpc"
	"starling/wire"
)

func (a *api) submitMethods() []*jsonrpc.Method {
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "submitblock", Category: "Mining",
			Summary:  "Gives the node a block.",
			Results:  []jsonrpc.Shape{{When: "if it was accepted"}, {When: "otherwise", Like: "", Help: "Why not"}},
			Examples: [][]any{{"00000020…"}}}, a.submitBlock),
		jsonrpc.Define(jsonrpc.Method{Name: "submitheader", Category: "Mining",
			Summary:  "Gives the node a block header, as a candidate for the best chain.",
			Examples: [][]any{{"00000020…"}}}, a.submitHeader),
	}
}

type submitBlockParams struct {
	Hex   string  `rpc:"hexdata" help:"The block in hexadecimal digits"`
	Dummy *string `rpc:"dummy" help:"Ignored, for clients that send it"`
}

// submitBlock answers null for a block that was accepted and the reason
// otherwise, in the words of BIP22.
func (a *api) submitBlock(ctx context.Context, p submitBlockParams) (any, error) {
	raw, err := hex.DecodeString(p.Hex)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Block decode failed")
	}
	b, err := wire.ParseBlock(raw)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Block decode failed")
	}
	if len(b.Txs) == 0 || !b.Txs[0].IsCoinbase() {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Block does not start with a coinbase")
	}
	b = a.withReservedValue(b)
	if n := a.Chain.Headers().Lookup(b.Hash()); n != nil {
		switch {
		case n.Failed():
			return "duplicate-invalid", nil
		case n.Data() != nil || n.Height == 0:
			return "duplicate", nil
		}
	}
	b.HashTxs()
	o := a.Chain.Process(ctx, chain.Incoming{Raw: b.Bytes(), Block: b, Requested: true})
	if o.Err == nil {
		// Whoever made it may have it nowhere else.
		o.Err = a.Chain.Keep(ctx)
	}
	var rule *consensus.RuleError
	switch {
	case errors.As(o.Err, &rule):
		return rule.Reason, nil
	case o.Err != nil:
		return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "%v", o.Err)
	case o.Duplicate:
		return "duplicate", nil
	case !o.Connected:
		// Accepted, but it does not lead to the best chain.
		return "inconclusive", nil
	}
	return nil, nil
}

type submitHeaderParams struct {
	Hex string `rpc:"hexdata" help:"The header in hexadecimal digits"`
}

func (a *api) submitHeader(_ context.Context, p submitHeaderParams) (jsonrpc.Null, error) {
	b, err := hex.DecodeString(p.Hex)
	if err != nil || len(b) < wire.HeaderSize {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Block header decode failed")
	}
	h, err := wire.DecodeHeader(b)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Block header decode failed")
	}
	if a.Chain.Headers().Lookup(h.PrevBlock) == nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "Must submit previous header (%v) first", h.PrevBlock)
	}
	_, _, err = a.Chain.AcceptHeaders([]wire.Header{h})
	var rule *consensus.RuleError
	if errors.As(err, &rule) {
		return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "%s", rule.Reason)
	}
	return nil, err
}

// withReservedValue returns the block with the witness of its coinbase (BIP141)
// if that is all that it lacks, as miners who know nothing of witnesses send
// blocks. It is 32 zero bytes in every template.
func (a *api) withReservedValue(b *wire.Block) *wire.Block {
	parent := a.Chain.Headers().Lookup(b.Header.PrevBlock)
	if parent == nil || parent.Height+1 < a.network().SegwitHeight || b.Txs[0].HasWitness() || consensus.FindWitnessCommitment(b) < 0 {
		return b
	}
	old := &b.Txs[0]
	in := slices.Clone(old.In)
	in[0].Witness = wire.NewWitness(make([]byte, wire.HashSize))
	txs := []*wire.Tx{wire.NewTx(old.Version, in, old.Out, old.LockTime)}
	for i := range b.Txs[1:] {
		txs = append(txs, &b.Txs[1+i])
	}
	return wire.NewBlock(b.Header, txs)
}
