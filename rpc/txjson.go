package rpc

import (
	"starling/address"
	"starling/chain/coins"
	"starling/params"
	"starling/script"
	"starling/wire"
)

func describeScript(s []byte, net *params.Network) scriptResult {
	class, parts := script.Classify(s)
	r := scriptResult{Asm: script.Asm(s), Desc: inferDescriptor(s, class, parts, net), Hex: s, Type: class}
	if s == nil {
		r.Hex = Hex{}
	}
	if a, ok := address.FromScript(s, net); ok {
		r.Address = a.String()
	}
	return r
}

// txDescriber describes transactions.
type txDescriber struct {
	net      *params.Network
	spent    []coins.Coin // what the inputs spend, if known
	prevouts bool         // show it
}

func (d *txDescriber) describe(tx *wire.Tx, withHex bool) txResult {
	r := txResult{
		TxID: tx.TxID(), Hash: tx.WTxID(), Version: uint32(tx.Version),
		Size: tx.Size(), VSize: tx.VSize(), Weight: tx.Weight(), LockTime: tx.LockTime,
		Vin: make([]inputResult, len(tx.In)), Vout: make([]outputResult, len(tx.Out)),
	}
	known := len(d.spent) == len(tx.In) && len(tx.In) > 0
	fee := Amount(0)
	for i := range tx.In {
		in := &tx.In[i]
		v := inputResult{Sequence: in.Sequence}
		if tx.IsCoinbase() {
			v.Coinbase = Hex(in.Script)
		} else {
			v.TxID, v.Vout = &in.PrevOut.Hash, &in.PrevOut.Index
			v.ScriptSig = &scriptSig{Asm: script.AsmSig(in.Script), Hex: in.Script}
		}
		for item := range in.Witness.Items() {
			v.Witness = append(v.Witness, item)
		}
		if known {
			c := &d.spent[i]
			fee += Amount(c.Value)
			if d.prevouts {
				v.Prevout = &prevoutResult{c.Coinbase, c.Height, Amount(c.Value), describeScript(c.Script, d.net)}
			}
		}
		r.Vin[i] = v
	}
	for i := range tx.Out {
		o := &tx.Out[i]
		fee -= Amount(o.Value)
		r.Vout[i] = outputResult{Amount(o.Value), i, describeScript(o.Script, d.net)}
	}
	if known {
		r.Fee = &fee
	}
	if withHex {
		r.Hex = tx.Bytes()
	}
	return r
}
