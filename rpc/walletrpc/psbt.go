package walletrpc

import (
	"context"
	"errors"

	"starling/address"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/rpc/signing"
	"starling/script/descriptor"
	"starling/wallet"
	"starling/wallet/message"
	"starling/wallet/partial"
	"starling/wallet/sign"
	"starling/wire"
)

func (a *api) walletSignMethods() []*jsonrpc.Method {
	const category = walletCategory
	to := "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	ins, outs := []any{jsonrpc.Object{{Name: "txid", Value: exampleID}, {Name: "vout", Value: 0}}}, []any{jsonrpc.Object{{Name: to, Value: 0.01}}}
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "signrawtransactionwithwallet", Category: category,
			Summary:  "Signs the inputs of a transaction that the wallet has keys for.",
			Examples: [][]any{{"0200000001…"}}}, a.signRawTransactionWithWallet),
		jsonrpc.Define(jsonrpc.Method{Name: "fundrawtransaction", Category: category,
			Summary: "Adds inputs to a transaction until they pay for its outputs, and change. Its own inputs and outputs\n" +
				"stay as they are. It is not signed.",
			Examples: [][]any{{"0200000000…"}}}, a.fundRawTransaction),
		jsonrpc.Define(jsonrpc.Method{Name: "walletcreatefundedpsbt", Category: category,
			Summary: "Makes a partially signed transaction (BIP174) with enough of the wallet's coins for its outputs. It is\n" +
				"not signed.",
			Examples: [][]any{{ins, outs}, {[]any{}, outs}}}, a.walletCreateFundedPSBT),
		jsonrpc.Define(jsonrpc.Method{Name: "walletprocesspsbt", Category: category,
			Summary:  "Adds to a partially signed transaction what the wallet knows, and signs with its keys.",
			Examples: [][]any{{"cHNidP8…"}}}, a.walletProcessPSBT),
		jsonrpc.Define(jsonrpc.Method{Name: "psbtbumpfee", Category: category,
			Summary:  "Makes a replacement with a higher fee for an unconfirmed payment of the wallet, as a partially signed\ntransaction.",
			Examples: [][]any{{exampleID}}}, a.psbtBumpFee),
		jsonrpc.Define(jsonrpc.Method{Name: "signmessage", Category: category,
			Summary: "Signs a text with the key of an address of the wallet, which is of the kind legacy.", Returns: "The signature in base64",
			Examples: [][]any{{"1D1ZrZNe3JUo7ZycKEYQQiQAWd9y54F4XX", "my message"}}}, a.signMessage),
		jsonrpc.Define(jsonrpc.Method{Name: "simulaterawtransaction", Category: category,
			Summary:  "Tells by how much transactions would change what the wallet has.",
			Examples: [][]any{{[]string{"0200000001…"}}}}, a.simulateRawTransaction),
	}
}

type signWalletParams struct {
	Hex      string           `rpc:"hexstring" help:"The transaction in hexadecimal digits"`
	PrevTxs  []signing.PrevTx `rpc:"prevtxs,optional" item:"output" help:"Outputs that the inputs spend, where the node does not know them"`
	HashType *string          `rpc:"sighashtype" help:"What signatures cover: DEFAULT, ALL, NONE or SINGLE, perhaps with |ANYONECANPAY; DEFAULT for taproot and ALL otherwise if left out"`
}

func (a *api) signRawTransactionWithWallet(ctx context.Context, p signWalletParams) (r rpctypes.SignedTx, err error) {
	w, err := a.keys(ctx)
	if err != nil {
		return r, err
	}
	tx, ok := rpcargs.DecodeTx(p.Hex)
	if !ok {
		return r, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.")
	}
	s, err := signing.NewSignable(a.Txs, tx, p.PrevTxs, false)
	if err != nil {
		return r, err
	}
	hashType, err := signing.ParseHashType(p.HashType)
	if err != nil {
		return r, err
	}
	// What the wallet knows of its own unconfirmed transactions counts too.
	for i := range tx.In {
		op := tx.In[i].PrevOut
		if prev := w.Tx(op.Hash); prev != nil && int(op.Index) < len(prev.Out) {
			if _, known := s.Outputs[op]; !known {
				s.Outputs[op] = prev.Out[op.Index]
			}
		}
	}
	var scripts [][]byte
	for _, out := range s.Outputs {
		scripts = append(scripts, out.Script)
	}
	keys, err := w.Keys(scripts)
	if err != nil {
		return r, walletError(err)
	}
	known := w.Known(scripts)
	known.Add(&s.Known)
	return s.Run(s.Job(tx, keys, hashType, known.Solve)), nil
}

type fundOptions struct {
	spendArgs
	changeArgs
}

type fundRawParams struct {
	Hex       string      `rpc:"hexstring" help:"The transaction in hexadecimal digits"`
	Options   fundOptions `rpc:"options,named" default:"{}" help:"More options"`
	IsWitness *bool       `rpc:"iswitness" help:"Whether it has a witness; both are tried if left out"`
}

func (a *api) fundRawTransaction(ctx context.Context, p fundRawParams) (r rpctypes.FundedTx, err error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	tx, ok := rpcargs.DecodeTxAs(p.Hex, p.IsWitness)
	if !ok {
		return r, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed")
	}
	var pays []wallet.Payment
	for i := range tx.Out {
		pays = append(pays, wallet.Payment{Script: tx.Out[i].Script, Amount: tx.Out[i].Value})
	}
	f := &p.Options
	o, err := f.options(a, pays, tx.Version)
	if err != nil {
		return r, err
	}
	if err := f.changeArgs.add(a, &o); err != nil {
		return r, err
	}
	o.LockTime = &tx.LockTime
	weights := map[wire.OutPoint]int64{}
	for _, in := range f.Weights {
		weights[in.op] = in.weight
	}
	for i := range tx.In {
		in := &tx.In[i]
		o.Inputs = append(o.Inputs, wallet.Input{OutPoint: in.PrevOut, Sequence: &in.Sequence, Weight: weights[in.PrevOut]})
	}
	if err := a.solveInputs(w, &o, f.SolvingData); err != nil {
		return r, err
	}
	d, err := w.Fund(ctx, o)
	if err != nil {
		return r, fundError(err)
	}
	return rpctypes.FundedTx{Hex: d.Tx.Bytes(), Fee: rpctypes.Amount(d.Fee), Change: d.Change}, nil
}

// fundError is [walletError] for methods whose code for too little money is
// that for anything else.
func fundError(err error) error {
	var f *wallet.FundsError
	if errors.As(err, &f) {
		return jsonrpc.Errorf(jsonrpc.CodeWallet, "Insufficient funds: %v", f)
	}
	return walletError(err)
}

// solveInputs works out what inputs weigh that are not the wallet's, from what
// the caller says of their scripts.
func (a *api) solveInputs(w *wallet.Wallet, o *wallet.SpendOptions, s *solving) error {
	if s == nil {
		return nil
	}
	known := new(descriptor.Known)
	for _, b := range s.Scripts {
		known.AddScript(b)
	}
	for _, k := range s.PubKeys {
		known.AddKey(descriptor.Key{Pub: k})
	}
	for _, text := range s.Descriptors {
		ds, err := descriptor.Parse(text, a.network())
		if err != nil {
			return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Unable to parse descriptor '%s': %v", text, err)
		}
		for _, d := range ds {
			outs, err := d.Expand(0)
			if err != nil {
				return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Unable to parse descriptor '%s': %v", text, err)
			}
			for _, out := range outs {
				known.AddOutput(out)
			}
		}
	}
	for i := range o.Inputs {
		in := &o.Inputs[i]
		out, ok, err := a.Txs.Output(in.OutPoint)
		if err != nil {
			return err
		}
		if !ok || in.Weight > 0 || w.Owns(out.Script) {
			continue
		}
		solved := known.Solve(out.Script)
		if size, err := sign.Estimate(&solved); err == nil {
			in.Weight = int64(size.Weight())
		}
	}
	return nil
}

type createFundedParams struct {
	Inputs   []rpcargs.TxInput `rpc:"inputs,optional" item:"input" help:"Coins to spend: objects with txid, vout and perhaps sequence and weight; left empty, they are chosen"`
	Outputs  payees            `rpc:"outputs" help:"Whom to pay, and how much; {\"data\":\"hex\"} carries data"`
	LockTime uint32            `rpc:"locktime" default:"0" help:"The lock time"`
	Options  fundOptions       `rpc:"options,named" default:"{}" help:"More options"`
	Origins  bool              `rpc:"bip32derivs" default:"true" help:"Whether it is added where keys come from"`
	Version  int32             `rpc:"version" default:"2" help:"The transaction's version"`
}

func (a *api) walletCreateFundedPSBT(ctx context.Context, p createFundedParams) (r rpctypes.FundedPSBT, err error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	pays, err := a.payments(p.Outputs, false)
	if err != nil {
		return r, err
	}
	f := &p.Options
	o, err := f.options(a, pays, p.Version)
	if err != nil {
		return r, err
	}
	o.LockTime, o.OnlyInputs = &p.LockTime, len(p.Inputs) > 0
	if o.Inputs, err = walletInputs(p.Inputs); err != nil {
		return r, err
	}
	if err := f.changeArgs.add(a, &o); err != nil {
		return r, err
	}
	if err := f.noWeights(); err != nil {
		return r, err
	}
	if err := a.solveInputs(w, &o, f.SolvingData); err != nil {
		return r, err
	}
	d, err := w.Fund(ctx, o)
	if err != nil {
		return r, fundError(err)
	}
	packet, err := a.packet(ctx, w, d.Tx, p.Origins)
	if err != nil {
		return r, err
	}
	return rpctypes.FundedPSBT{PSBT: packet.Base64(), Fee: rpctypes.Amount(d.Fee), Change: d.Change}, nil
}

// packet makes a partially signed transaction with all that the wallet and the
// node know of it.
func (a *api) packet(ctx context.Context, w *wallet.Wallet, tx *wire.Tx, origins bool) (*partial.Packet, error) {
	p, err := partial.New(partial.Unsigned(tx))
	if err != nil {
		return nil, err
	}
	_, err = a.fillPacket(ctx, w, p, origins)
	p.DropPrevious()
	return p, err
}

// fillPacket adds what the wallet and the node know.
func (a *api) fillPacket(ctx context.Context, w *wallet.Wallet, p *partial.Packet, origins bool) (*descriptor.Known, error) {
	var scripts [][]byte
	for i := range p.In {
		op := p.Tx.In[i].PrevOut
		if prev := w.Tx(op.Hash); prev != nil && p.In[i].Previous == nil && int(op.Index) < len(prev.Out) {
			// One that the packet contradicts is left out.
			_ = p.SetPrevious(i, prev)
		}
		if out, ok := p.SpentBy(i); ok {
			scripts = append(scripts, out.Script)
			continue
		}
		out, ok, err := a.Txs.Output(op)
		if err != nil {
			return nil, err
		}
		if ok {
			scripts = append(scripts, out.Script)
		}
	}
	for i := range p.Tx.Out {
		scripts = append(scripts, p.Tx.Out[i].Script)
	}
	known := w.Known(scripts)
	return known, signing.UpdatePSBT(ctx, a.Txs, p, known, origins)
}

type walletProcessParams struct {
	PSBT     string  `rpc:"psbt" help:"The partially signed transaction in base64"`
	Sign     bool    `rpc:"sign" default:"true" help:"Whether to sign"`
	HashType *string `rpc:"sighashtype" help:"What signatures cover: DEFAULT, ALL, NONE or SINGLE, perhaps with |ANYONECANPAY"`
	Origins  bool    `rpc:"bip32derivs" default:"true" help:"Whether it is added where keys come from"`
	Finalize bool    `rpc:"finalize" default:"true" help:"Whether inputs with enough signatures are made final"`
}

func (a *api) walletProcessPSBT(ctx context.Context, p walletProcessParams) (r rpctypes.ProcessedPSBT, err error) {
	w, err := a.keys(ctx)
	if err != nil {
		return r, err
	}
	packet, err := rpcargs.ParsePSBT(p.PSBT)
	if err != nil {
		return r, err
	}
	hashType, err := signing.ParseHashType(p.HashType)
	if err != nil {
		return r, err
	}
	known, err := a.fillPacket(ctx, w, packet, p.Origins)
	if err != nil {
		return r, err
	}
	var keys sign.Keys = sign.NewRing()
	if p.Sign && !w.Status().NoKeys {
		var scripts [][]byte
		for i := range packet.In {
			if out, ok := packet.SpentBy(i); ok {
				scripts = append(scripts, out.Script)
			}
		}
		if keys, err = w.Keys(scripts); err != nil {
			return r, walletError(err)
		}
	}
	return signing.SignPSBT(packet, keys, known, hashType, p.Finalize)
}

func (a *api) psbtBumpFee(ctx context.Context, p bumpParams) (rpctypes.BumpResult, error) {
	var r rpctypes.BumpResult
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	o, err := a.bump(&p.Options)
	if err != nil {
		return r, err
	}
	b, err := w.DraftBump(ctx, p.TxID, o)
	if err != nil {
		return r, walletError(err)
	}
	packet, err := a.packet(ctx, w, b.Tx, true)
	if err != nil {
		return r, err
	}
	return rpctypes.BumpResult{PSBT: packet.Base64(), OldFee: rpctypes.Amount(b.OldFee), Fee: rpctypes.Amount(b.Fee), Errors: []string{}}, nil
}

// returnDraft returns a payment that is not sent, signed as far as the wallet
// can.
func (a *api) returnDraft(ctx context.Context, w *wallet.Wallet, d *wallet.Draft) (rpctypes.SendResult, error) {
	fee := rpctypes.Amount(d.Fee)
	r := rpctypes.SendResult{Fee: &fee}
	packet, err := a.packet(ctx, w, d.Tx, true)
	if err != nil {
		return r, err
	}
	signed, err := w.SignTx(d.Tx, d.Spent, nil, nil)
	switch {
	case errors.Is(err, wallet.ErrWatchOnly):
		r.PSBT = packet.Base64()
		return r, nil
	case err != nil:
		return r, walletError(err)
	}
	r.Complete = len(signed.Errors) == 0
	if r.Complete {
		id := signed.Tx.TxID()
		r.TxID, r.Hex = &id, signed.Tx.Bytes()
	}
	var scripts [][]byte
	for _, out := range d.Spent {
		scripts = append(scripts, out.Script)
	}
	keys, err := w.Keys(scripts)
	if err != nil {
		return r, walletError(err)
	}
	done, err := signing.SignPSBT(packet, keys, w.Known(scripts), nil, true)
	if err != nil {
		return r, err
	}
	r.PSBT = done.PSBT
	return r, nil
}

type signMessageParams struct {
	Address string `rpc:"address" help:"The address"`
	Message string `rpc:"message" help:"The text"`
}

func (a *api) signMessage(ctx context.Context, p signMessageParams) (string, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return "", err
	}
	to, err := address.Decode(p.Address, a.network())
	if err != nil {
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Invalid address")
	}
	if to.Kind() != address.PubKeyHash {
		return "", jsonrpc.Errorf(jsonrpc.CodeType, "Address does not refer to key")
	}
	key, compressed, ok, err := w.KeyOf(to.Script())
	if err != nil {
		return "", walletError(err)
	}
	if !ok {
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Private key not available")
	}
	return message.Sign(key, compressed, p.Message), nil
}

type simulateParams struct {
	Txs     []string `rpc:"rawtxs" default:"[]" item:"rawtx" help:"The transactions in hexadecimal digits, in order"`
	Options struct {
		Watch bool `rpc:"include_watchonly" default:"false" help:"Has no effect"`
	} `rpc:"options,named" default:"{}" help:"More options"`
}

func (a *api) simulateRawTransaction(ctx context.Context, p simulateParams) (r rpctypes.Simulated, err error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	var txs []*wire.Tx
	for _, s := range p.Txs {
		tx, ok := rpcargs.DecodeTx(s)
		if !ok {
			return r, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Transaction hex string decoding failure.")
		}
		txs = append(txs, tx)
	}
	sum, err := w.Effect(txs)
	if err != nil {
		return r, walletError(err)
	}
	r.Change = rpctypes.Amount(sum)
	return r, nil
}
