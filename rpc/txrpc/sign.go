package txrpc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strings"

	"starling/address"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/rpc/signing"
	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/sign"
	"starling/wire"
)

func (a *api) signMethods() []*jsonrpc.Method {
	const category = "Rawtransactions"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "signrawtransactionwithkey", Category: category,
			Summary: "Signs the inputs of a transaction with private keys. What the inputs spend is looked up, and may be\n" +
				"given where the node does not know it, with scripts that hashes stand for.",
			Examples: [][]any{{"0200000001…", []string{"private key"}}}}, a.signRawTransactionWithKey),
		jsonrpc.Define(jsonrpc.Method{Name: "combinerawtransaction", Category: category,
			Summary:  "Puts the signatures together that several copies of one transaction have.",
			Returns:  "The transaction in hexadecimal digits",
			Examples: [][]any{{[]string{"0200000001…", "0200000001…"}}}}, a.combineRawTransaction),
	}
}

type signKeyParams struct {
	Hex      string           `rpc:"hexstring" help:"The transaction in hexadecimal digits"`
	Keys     []string         `rpc:"privkeys" item:"privatekey" help:"Private keys in wallet import format"`
	PrevTxs  []signing.PrevTx `rpc:"prevtxs,optional" item:"output" help:"Outputs that the inputs spend"`
	HashType *string          `rpc:"sighashtype" help:"What signatures cover: DEFAULT, ALL, NONE or SINGLE, perhaps with |ANYONECANPAY; DEFAULT for taproot and ALL otherwise if left out"`
}

func (a *api) signRawTransactionWithKey(_ context.Context, p signKeyParams) (r rpctypes.SignedTx, err error) {
	tx, ok := rpcargs.DecodeTx(p.Hex)
	if !ok {
		return r, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.")
	}
	ring, known := new(sign.Ring), descriptor.Known{}
	for _, text := range p.Keys {
		key, _, err := a.parsePrivateKey(text)
		if err != nil {
			return r, err
		}
		ring.Add(key)
		known.AddPrivate(key)
		// A witness program behind a script hash follows from the key.
		pub := address.Hash160(key.PubKey().SerializeCompressed())
		known.AddScript(script.PayToWitness(0, pub[:]))
	}
	s, err := signing.NewSignable(a.Txs, tx, p.PrevTxs, true)
	if err != nil {
		return r, err
	}
	hashType, err := signing.ParseHashType(p.HashType)
	if err != nil {
		return r, err
	}
	known.Add(&s.Known)
	return s.Run(s.Job(tx, ring, hashType, known.Solve)), nil
}

type combineTxParams struct {
	Txs []string `rpc:"txs" item:"hexstring" help:"Copies of one transaction in hexadecimal digits"`
}

func (a *api) combineRawTransaction(_ context.Context, p combineTxParams) (jsonrpc.Hex, error) {
	if len(p.Txs) == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Missing transactions")
	}
	txs := make([]*wire.Tx, len(p.Txs))
	for i, text := range p.Txs {
		tx, ok := rpcargs.DecodeTx(text)
		if !ok {
			return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed for tx %d. Make sure the tx has at least one input.", i)
		}
		txs[i] = tx
	}
	first := txs[0]
	spent := make([]wire.TxOut, len(first.In))
	for i := range first.In {
		out, ok, err := a.Txs.Output(first.In[i].PrevOut)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "Input not found or already spent")
		}
		spent[i] = out
	}
	ins := append([]wire.TxIn(nil), first.In...)
	outputs, have := make([]descriptor.Output, len(ins)), make([]sign.Signatures, len(ins))
	for i := range outputs {
		outputs[i].Script = spent[i].Script
	}
	for _, tx := range txs {
		if len(tx.In) != len(ins) {
			continue
		}
		signer := sign.New(tx, spent, sign.Options{})
		for i := range ins {
			if tx.In[i].PrevOut == ins[i].PrevOut {
				found := signer.Recover(i, &outputs[i])
				have[i].Merge(&found)
			}
		}
	}
	signer := sign.New(first, spent, sign.Options{})
	for i := range ins {
		if sigScript, witness, _ := signer.Finish(&outputs[i], &have[i]); sigScript != nil || witness != nil {
			ins[i].Script, ins[i].Witness = sigScript, wire.NewWitness(witness...)
		}
	}
	return wire.NewTx(first.Version, ins, first.Out, first.LockTime).Bytes(), nil
}

// multisigParams are those of createmultisig.
type multisigParams struct {
	Need int64    `rpc:"nrequired" help:"How many signatures are needed"`
	Keys []string `rpc:"keys" item:"key" help:"Public keys in hexadecimal digits"`
	Type string   `rpc:"address_type" default:"\"legacy\"" help:"legacy, p2sh-segwit or bech32"`
}

func (a *api) multisigMethods() []*jsonrpc.Method {
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "createmultisig", Category: "Util",
			Summary:  "Makes an address that asks for several signatures, and the script behind it.",
			Examples: [][]any{{2, []string{"03789ed0bb717d88f7d321a368d905e7430207ebbd82bd342cf11ae157a7ace5fd", "03dbc6764b8884a92e871274b87583e6d5c2a58819473e17e107ef3f6aa5a61626"}}}}, a.createMultisig),
	}
}

func (a *api) createMultisig(_ context.Context, p multisigParams) (r rpctypes.Multisig, err error) {
	compressed := true
	for _, k := range p.Keys {
		b, err := hex.DecodeString(k)
		switch {
		case err != nil:
			return r, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Pubkey \"%s\" must be a hex string", k)
		case len(b) != 33 && len(b) != 65:
			return r, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Pubkey \"%s\" must have a length of either 33 or 65 bytes", k)
		}
		if _, err := descriptor.Parse("pk("+k+")", a.network()); err != nil {
			return r, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Pubkey \"%s\" must be cryptographically valid.", k)
		}
		compressed = compressed && len(b) == 33
	}
	const most = 20
	n := int64(len(p.Keys))
	switch {
	case p.Need < 1:
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "a multisignature address must require at least one key to redeem")
	case n < p.Need:
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "not enough keys supplied (got %d keys, but need at least %d to redeem)", n, p.Need)
	case n > most:
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Number of keys involved in the multisignature address creation > %d\nReduce the number", most)
	}
	number, err := json.Marshal(p.Need)
	if err != nil {
		return r, err
	}
	body := "multi(" + string(number) + "," + strings.Join(p.Keys, ",") + ")"
	form := "sh(" + body + ")"
	switch p.Type {
	case descriptor.TypeLegacy:
	case descriptor.TypeP2SHSegwit:
		form = "sh(wsh(" + body + "))"
	case descriptor.TypeBech32:
		form = "wsh(" + body + ")"
	case descriptor.TypeBech32m:
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "createmultisig cannot create bech32m multisig addresses")
	default:
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Unknown address type '%s'", p.Type)
	}
	if !compressed && p.Type != descriptor.TypeLegacy {
		form = "sh(" + body + ")"
		r.Warnings = []string{"Unable to make chosen address type, please ensure no uncompressed public keys are present."}
	}
	d, err := descriptor.ParseOne(form, a.network())
	if err != nil {
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "%v", multisigError(err))
	}
	outs, err := d.Expand(0)
	if err != nil {
		return r, err
	}
	o := &outs[0]
	addr, _ := address.FromScript(o.Script, a.network())
	r.Address, r.Descriptor, r.Redeem = addr.String(), d.String(), o.Leaf()
	return r, nil
}

// multisigError puts the one thing that can still be wrong into Core's words
// for it.
func multisigError(err error) string {
	s := err.Error()
	if size, ok := strings.CutPrefix(s, "P2SH script is too large, "); ok {
		if n, _, ok := strings.Cut(size, " "); ok {
			return "redeemScript exceeds size limit: " + n + " > 520"
		}
	}
	return s
}
