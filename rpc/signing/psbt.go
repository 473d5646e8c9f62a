package signing

import (
	"context"
	"errors"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/rpc/txfind"
	"starling/script/descriptor"
	"starling/wallet/partial"
	"starling/wallet/sign"
	"starling/wire"
)

// fillPSBT adds the outputs that a partially signed transaction spends, as far
// as the node knows them: the whole transaction from the index or the mempool,
// else the unspent output if witness says that a witness spends it.
func fillPSBT(ctx context.Context, f *txfind.Finder, p *partial.Packet, witness func(wire.TxOut) bool) error {
	for i := range p.In {
		if p.In[i].Previous != nil {
			continue
		}
		op := p.Tx.In[i].PrevOut
		prev := f.Unconfirmed(op.Hash)
		if prev == nil {
			tx, _, ok, err := f.Confirmed(ctx, op.Hash)
			if err != nil {
				return err
			}
			if ok {
				prev = tx
			}
		}
		if prev != nil {
			// A transaction that the packet contradicts is left out.
			if p.SetPrevious(i, prev) == nil {
				continue
			}
		}
		coin, ok, _, err := f.Chain.Coin(op)
		if err != nil {
			return err
		}
		if out := (wire.TxOut{Value: coin.Value, Script: coin.Script}); ok && p.In[i].Spent == nil && witness(out) {
			p.SetSpent(i, out)
		}
	}
	return nil
}

// UpdatePSBT adds what the node and a collection of knowledge tell.
func UpdatePSBT(ctx context.Context, f *txfind.Finder, p *partial.Packet, known *descriptor.Known, origins bool) error {
	err := fillPSBT(ctx, f, p, func(out wire.TxOut) bool {
		o := known.Solve(out.Script)
		return partial.IsWitness(&o)
	})
	if err != nil {
		return err
	}
	for i := range p.In {
		if out, ok := p.SpentBy(i); ok && !p.In[i].Final() {
			o := known.Solve(out.Script)
			p.DescribeInput(i, &o, origins)
			if p.In[i].Spent == nil && partial.IsWitness(&o) {
				p.SetSpent(i, out)
			}
		}
	}
	for i := range p.Out {
		o := known.Solve(p.Tx.Out[i].Script)
		p.DescribeOutput(i, &o, origins)
	}
	return nil
}

// SignPSBT signs a partially signed transaction and describes the result.
func SignPSBT(p *partial.Packet, keys sign.Keys, known *descriptor.Known, hashType *uint32, finalize bool) (r rpctypes.ProcessedPSBT, err error) {
	solve := func(outScript []byte) *descriptor.Output {
		o := known.Solve(outScript)
		return &o
	}
	if _, err := p.SignAll(keys, solve, hashType, sign.Options{}); err != nil {
		return r, psbtError(err)
	}
	if finalize {
		p.Finalize()
	}
	p.DropPrevious()
	r.Complete = p.Complete()
	r.PSBT = p.Base64()
	if r.Complete {
		tx, err := p.Extract()
		if err != nil {
			return r, err
		}
		r.Hex = tx.Bytes()
	}
	return r, nil
}

// psbtError turns an error of signing into Core's.
func psbtError(err error) error {
	if errors.Is(err, partial.ErrHashType) {
		return jsonrpc.Errorf(jsonrpc.CodeDeserialization, "%v", partial.ErrHashType)
	}
	return jsonrpc.Errorf(jsonrpc.CodeVerify, "%v", err)
}
