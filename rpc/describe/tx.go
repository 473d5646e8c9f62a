package describe

import (
	"starling/address"
	"starling/chain/coins"
	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/script"
	"starling/wire"
)

// Script describes the script of an output.
func Script(s []byte, net *params.Network) rpctypes.Script {
	class, parts := script.Classify(s)
	r := rpctypes.Script{Asm: script.Asm(s), Desc: inferDescriptor(s, class, parts, net), Hex: s, Type: string(class)}
	if s == nil {
		r.Hex = jsonrpc.Hex{}
	}
	if a, ok := address.FromScript(s, net); ok {
		r.Address = a.String()
	}
	return r
}

// TxDescriber describes transactions.
type TxDescriber struct {
	Net      *params.Network
	Spent    []coins.Coin // what the inputs spend, if known
	Prevouts bool         // show it
}

// Describe describes a transaction, with its bytes if they are asked for.
func (d *TxDescriber) Describe(tx *wire.Tx, withHex bool) rpctypes.Tx {
	r := rpctypes.Tx{
		TxID: tx.TxID(), Hash: tx.WTxID(), Version: uint32(tx.Version),
		Size: tx.Size(), VSize: tx.VSize(), Weight: tx.Weight(), LockTime: tx.LockTime,
		Vin: make([]rpctypes.TxIn, len(tx.In)), Vout: make([]rpctypes.TxOut, len(tx.Out)),
	}
	known := len(d.Spent) == len(tx.In) && len(tx.In) > 0
	fee := rpctypes.Amount(0)
	for i := range tx.In {
		in := &tx.In[i]
		v := rpctypes.TxIn{Sequence: in.Sequence}
		if tx.IsCoinbase() {
			v.Coinbase = jsonrpc.Hex(in.Script)
		} else {
			v.TxID, v.Vout = &in.PrevOut.Hash, &in.PrevOut.Index
			v.ScriptSig = &rpctypes.ScriptSig{Asm: script.AsmSig(in.Script), Hex: in.Script}
		}
		for item := range in.Witness.Items() {
			v.Witness = append(v.Witness, item)
		}
		if known {
			c := &d.Spent[i]
			fee += rpctypes.Amount(c.Value)
			if d.Prevouts {
				v.Prevout = &rpctypes.PrevOut{Generated: c.Coinbase, Height: c.Height, Value: rpctypes.Amount(c.Value), Script: Script(c.Script, d.Net)}
			}
		}
		r.Vin[i] = v
	}
	for i := range tx.Out {
		o := &tx.Out[i]
		fee -= rpctypes.Amount(o.Value)
		r.Vout[i] = rpctypes.TxOut{Value: rpctypes.Amount(o.Value), N: i, Script: Script(o.Script, d.Net)}
	}
	if known {
		r.Fee = &fee
	}
	if withHex {
		r.Hex = tx.Bytes()
	}
	return r
}
