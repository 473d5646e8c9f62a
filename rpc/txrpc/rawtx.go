package txrpc

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"

	"starling/address"
	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/script"
	"starling/wire"
)

func (a *api) rawTxMethods() []*jsonrpc.Method {
	const category = "Rawtransactions"
	id := "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
	block := "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "getrawtransaction", Category: category,
			Summary: "Returns a transaction. It is looked for among the unconfirmed ones, in the block given, and in\nthe transaction index if the node keeps one.",
			Results: []jsonrpc.Shape{
				{When: "if verbosity is 0", Like: jsonrpc.Hex{}, Help: "The transaction's bytes"},
				{When: "if verbosity is 1 or 2", Like: rpctypes.Tx{}},
			},
			Examples: [][]any{{id}, {id, 1, block}}}, a.getRawTransaction),
		jsonrpc.Define(jsonrpc.Method{Name: "decoderawtransaction", Category: category,
			Summary: "Describes a transaction given in hexadecimal digits.", Results: []jsonrpc.Shape{{Like: rpctypes.Tx{}}},
			Examples: [][]any{{"0100000001…"}}}, a.decodeRawTransaction),
		jsonrpc.Define(jsonrpc.Method{Name: "decodescript", Category: category,
			Summary:  "Describes a script given in hexadecimal digits, and the addresses that would stand for it.",
			Examples: [][]any{{"76a91411b366edfc0a8b66feebae5c2e25a7b6a5d1cf3188ac"}}}, a.decodeScript),
	}
}

type rawTxParams struct {
	TxID      wire.Hash         `rpc:"txid" called:"parameter 1" help:"The transaction's id"`
	Verbosity jsonrpc.Verbosity `rpc:"verbosity|verbose" default:"0" help:"0 for the bytes, 1 for a description, 2 with what is spent"`
	Block     *wire.Hash        `rpc:"blockhash" called:"parameter 3" help:"The block to look in"`
}

func (a *api) getRawTransaction(ctx context.Context, p rawTxParams) (any, error) {
	if p.TxID == a.network().Genesis.Txs[0].TxID() && !a.network().GenesisSpendable {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved")
	}
	f, err := a.Txs.Find(ctx, p.TxID, p.Block)
	if err != nil {
		return nil, err
	}
	if p.Verbosity <= 0 {
		return jsonrpc.Hex(f.Tx.Bytes()), nil
	}
	d := describe.TxDescriber{Net: a.network()}
	if p.Verbosity >= 2 {
		d.Prevouts, d.Spent = true, a.Txs.SpentBy(f)
	}
	r := d.Describe(f.Tx, true)
	if f.Block == nil {
		return r, nil
	}
	tip := a.Tip()
	active := tip.Ancestor(f.Block.Height) == f.Block
	if p.Block != nil {
		r.InActiveChain = &active
	}
	confirmations := int32(0)
	if active {
		confirmations = tip.Height - f.Block.Height + 1
		t := f.Block.Time()
		r.Time, r.BlockTime = &t, &t
	}
	r.BlockHash, r.Confirmations = &f.Block.Hash, &confirmations
	return r, nil
}

type decodeTxParams struct {
	Hex       string `rpc:"hexstring" help:"The transaction in hexadecimal digits"`
	IsWitness *bool  `rpc:"iswitness" help:"Whether it has a witness; both are tried if left out"`
}

func (a *api) decodeRawTransaction(_ context.Context, p decodeTxParams) (any, error) {
	tx, ok := rpcargs.DecodeTxAs(p.Hex, p.IsWitness)
	if !ok {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.")
	}
	d := describe.TxDescriber{Net: a.network()}
	return d.Describe(tx, false), nil
}

type decodeScriptParams struct {
	Hex jsonrpc.HexArg `rpc:"hexstring" called:"argument" help:"The script in hexadecimal digits"`
}

func (a *api) decodeScript(_ context.Context, p decodeScriptParams) (rpctypes.DecodedScript, error) {
	s, net := []byte(p.Hex), a.network()
	d := describe.Script(s, net)
	r := rpctypes.DecodedScript{Asm: d.Asm, Desc: d.Desc, Address: d.Address, Type: d.Type}
	class, parts := script.Classify(s)
	if !wrappable(s, class) {
		return r, nil
	}
	r.P2SH = address.NewScriptHash(address.Hash160(s), net).String()
	var program []byte
	switch class {
	case script.PubKey:
		if len(parts[0]) != 33 {
			return r, nil
		}
		h := address.Hash160(parts[0])
		program = h[:]
	case script.PubKeyHash:
		program = parts[0]
	case script.MultiSig:
		for _, key := range parts[1 : len(parts)-1] {
			if len(key) != 33 {
				return r, nil
			}
		}
		program = sha256Of(s)
	case script.NonStandard:
		program = sha256Of(s)
	default:
		return r, nil // a witness program is not wrapped in another
	}
	inner := script.PayToWitness(0, program)
	seg := rpctypes.DecodedSegwit{Script: describe.Script(inner, net)}
	if body, _, _ := strings.Cut(d.Desc, "#"); strings.HasPrefix(body, "multi(") {
		seg.Desc = describe.WithChecksum("wsh(" + body + ")")
	}
	seg.P2SH = address.NewScriptHash(address.Hash160(inner), net).String()
	r.Segwit = &seg
	return r, nil
}

// wrappable reports whether a script makes sense behind a hash.
func wrappable(s []byte, class script.Class) bool {
	switch class {
	case script.MultiSig, script.NonStandard, script.PubKey, script.PubKeyHash, script.WitnessV0KeyHash, script.WitnessV0ScriptHash:
	default:
		return false
	}
	if script.IsUnspendable(s) {
		return false
	}
	ops, ok := rpcargs.Ops(s)
	return ok && !slices.ContainsFunc(ops, isSuccess)
}

// isSuccess reports whether an opcode is one that makes a tapscript succeed
// (BIP342).
func isSuccess(op byte) bool {
	return op == 80 || op == 98 || op >= 126 && op <= 129 || op >= 131 && op <= 134 || op >= 137 && op <= 138 ||
		op >= 141 && op <= 142 || op >= 149 && op <= 153 || op >= 187 && op <= 254
}

// sha256Of returns the SHA-256 of b.
func sha256Of(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}
