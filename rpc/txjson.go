package rpc

import (
	"starling/address"
	"starling/chain/coins"
	"starling/params"
	"starling/script"
	"starling/wire"
)

type scriptSig struct {
	Asm string `json:"asm"`
	Hex Hex    `json:"hex"`
}

// scriptResult describes a public key script.
type scriptResult struct {
	Asm     string       `json:"asm" help:"the script as text"`
	Desc    string       `json:"desc" help:"a descriptor of it"`
	Hex     Hex          `json:"hex"`
	Address string       `json:"address,omitempty" help:"only if one address stands for it"`
	Type    script.Class `json:"type" help:"its standard form, or nonstandard"`
}

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

type prevoutResult struct {
	Generated bool         `json:"generated" help:"whether a coinbase made it"`
	Height    int32        `json:"height" help:"of the block that made it"`
	Value     Amount       `json:"value"`
	Script    scriptResult `json:"scriptPubKey"`
}

type inputResult struct {
	Coinbase  Hex            `json:"coinbase,omitempty" help:"the script of a coinbase input"`
	TxID      *wire.Hash     `json:"txid,omitempty" help:"the transaction whose output is spent"`
	Vout      *uint32        `json:"vout,omitempty" help:"the place of that output"`
	ScriptSig *scriptSig     `json:"scriptSig,omitempty"`
	Witness   []Hex          `json:"txinwitness,omitempty" help:"the witness stack"`
	Prevout   *prevoutResult `json:"prevout,omitempty" help:"the output that is spent"`
	Sequence  uint32         `json:"sequence"`
}

type outputResult struct {
	Value  Amount       `json:"value" help:"in coins"`
	N      int          `json:"n" help:"its place"`
	Script scriptResult `json:"scriptPubKey"`
}

// txResult describes a transaction.
type txResult struct {
	InActiveChain *bool          `json:"in_active_chain,omitempty" help:"whether the given block is in the best chain"`
	TxID          wire.Hash      `json:"txid"`
	Hash          wire.Hash      `json:"hash" help:"the id with witness"`
	Version       uint32         `json:"version"`
	Size          int            `json:"size" help:"in bytes"`
	VSize         int            `json:"vsize" help:"in virtual bytes (BIP141)"`
	Weight        int            `json:"weight"`
	LockTime      uint32         `json:"locktime"`
	Vin           []inputResult  `json:"vin"`
	Vout          []outputResult `json:"vout"`
	Fee           *Amount        `json:"fee,omitempty"`
	Hex           Hex            `json:"hex,omitempty" help:"the transaction's bytes"`

	BlockHash     *wire.Hash `json:"blockhash,omitempty"`
	Confirmations *int32     `json:"confirmations,omitempty"`
	Time          *int64     `json:"time,omitempty" help:"of the block"`
	BlockTime     *int64     `json:"blocktime,omitempty" help:"the same"`
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
