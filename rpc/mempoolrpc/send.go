package mempoolrpc

import (
	"context"
	"encoding/json"
	"errors"

	"starling/mempool"
	"starling/mempool/policy"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/script"
	"starling/wire"
)

func (a *api) sendMethods() []*jsonrpc.Method {
	const category = "Rawtransactions"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "sendrawtransaction", Category: category,
			Summary:  "Takes a transaction into the mempool and has peers told of it, now and again until a block holds\nit.",
			Returns:  "The transaction's id",
			Examples: [][]any{{"0200000001…"}, {"0200000001…", "0.05"}}}, a.sendRawTransaction),
		jsonrpc.Define(jsonrpc.Method{Name: "testmempoolaccept", Category: category,
			Summary:  "Tells whether transactions would be taken into the mempool, each on top of those before it that\nwould be.",
			Examples: [][]any{{[]string{"0200000001…"}}}}, a.testMempoolAccept),
		jsonrpc.Define(jsonrpc.Method{Name: "submitpackage", Category: category,
			Summary:  "Takes a transaction with its unconfirmed parents into the mempool: one that pays too little alone is\ntaken if its child pays for it.",
			Examples: [][]any{{[]string{"0200000001…", "0200000001…"}}}}, a.submitPackage),
	}
}

// maxPackage is how many transactions a call may bring.
const maxPackage = 25

// FeeRateParam is a parameter that is a fee rate in coins for 1,000 virtual
// bytes: a number, or a string. It holds satoshi.
type FeeRateParam int64

// ArgType implements [jsonrpc.Argument].
func (*FeeRateParam) ArgType() jsonrpc.Type { return "" }

// ArgWord implements [jsonrpc.Argument].
func (*FeeRateParam) ArgWord() string { return "numeric or string" }

// DecodeArg implements [jsonrpc.Argument].
func (r *FeeRateParam) DecodeArg(name string, raw json.RawMessage) error {
	var m rpcargs.Money
	if err := m.DecodeArg(name, raw); err != nil {
		return err
	}
	if m >= rpctypes.SatoshiPerCoin {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Fee rates larger than or equal to 1BTC/kvB are not accepted")
	}
	*r = FeeRateParam(m)
	return nil
}

// defaultMaxFeeRate is the most that a transaction may pay unless its sender
// says more, in satoshi for 1,000 virtual bytes.
const defaultMaxFeeRate = rpctypes.SatoshiPerCoin / 10

// SendFeeRate is a [FeeRateParam] that may also be the boolean which older clients
// send in its place (allowhighfees): true for no limit.
type SendFeeRate struct{ FeeRateParam }

// ArgWord implements [jsonrpc.Argument].
func (*SendFeeRate) ArgWord() string { return "numeric, string or boolean" }

// DecodeArg implements [jsonrpc.Argument].
func (r *SendFeeRate) DecodeArg(name string, raw json.RawMessage) error {
	if jsonrpc.TypeOf(raw) != jsonrpc.TypeBool {
		return r.FeeRateParam.DecodeArg(name, raw)
	}
	r.FeeRateParam = defaultMaxFeeRate
	if raw[0] == 't' {
		r.FeeRateParam = 0
	}
	return nil
}

type sendRawParams struct {
	Hex        string        `rpc:"hexstring" help:"The transaction in hexadecimal digits"`
	MaxFeeRate SendFeeRate   `rpc:"maxfeerate|allowhighfees" default:"\"0.10\"" help:"The most that it may pay, in coins for 1,000 virtual bytes; 0 or true for no limit"`
	MaxBurn    rpcargs.Money `rpc:"maxburnamount" default:"\"0.00\"" help:"The most that an output may hold that nobody can spend, in coins"`
}

func (a *api) sendRawTransaction(ctx context.Context, p sendRawParams) (wire.Hash, error) {
	tx, ok := rpcargs.DecodeTx(p.Hex)
	if !ok {
		return wire.Hash{}, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.")
	}
	if burns(tx, int64(p.MaxBurn)) {
		return wire.Hash{}, errBurns()
	}
	id := tx.TxID()
	for i := range tx.Out {
		_, confirmed, _, err := a.Coins.Coin(wire.OutPoint{Hash: id, Index: uint32(i)})
		if err != nil {
			return id, err
		}
		if confirmed {
			return id, jsonrpc.Errorf(jsonrpc.CodeAlreadyInChain, "Transaction outputs already in utxo set")
		}
	}
	if err := a.Relay.SubmitTx(ctx, tx, int64(p.MaxFeeRate.FeeRateParam)); err != nil {
		return id, submitError(err)
	}
	return id, nil
}

// submitError turns the refusal of a transaction into Core's error.
func submitError(err error) error {
	var r *mempool.Rejection
	switch {
	case !errors.As(err, &r):
		return err
	case r.Reason == "max feerate exceeded":
		return jsonrpc.Errorf(jsonrpc.CodeVerify, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")
	case r.Kind == mempool.InputsMissing:
		return jsonrpc.Errorf(jsonrpc.CodeVerify, "%s", r)
	}
	return jsonrpc.Errorf(jsonrpc.CodeVerifyRejected, "%s", r)
}

func errBurns() error {
	return jsonrpc.Errorf(jsonrpc.CodeVerify, "Unspendable output exceeds maximum configured by user (maxburnamount)")
}

// burns reports whether an output that nobody can ever spend holds more than
// most satoshi.
func burns(tx *wire.Tx, most int64) bool {
	for i := range tx.Out {
		out := &tx.Out[i]
		if out.Value > most && (script.IsUnspendable(out.Script) || !rpcargs.ValidOps(out.Script)) {
			return true
		}
	}
	return false
}

// decodeTxs reads the transactions of a call.
func decodeTxs(raw []string) ([]*wire.Tx, error) {
	if len(raw) < 1 || len(raw) > maxPackage {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Array must contain between 1 and %d transactions.", maxPackage)
	}
	txs := make([]*wire.Tx, len(raw))
	for i, s := range raw {
		tx, ok := rpcargs.DecodeTx(s)
		if !ok {
			return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed for tx %d. Make sure the tx has at least one input.", i)
		}
		txs[i] = tx
	}
	return txs, nil
}

type testAcceptParams struct {
	Txs        []string     `rpc:"rawtxs" item:"rawtx" help:"Transactions in hexadecimal digits, parents before children"`
	MaxFeeRate FeeRateParam `rpc:"maxfeerate" default:"\"0.10\"" help:"The most that each may pay, in coins for 1,000 virtual bytes; 0 for no limit"`
}

func newEffectiveFees(base int64, rate mempool.FeeRate, with []wire.Hash) *rpctypes.EffectiveFees {
	effective := rpctypes.Amount(rate)
	return &rpctypes.EffectiveFees{Base: rpctypes.Amount(base), Effective: &effective, Includes: with}
}

func (a *api) testMempoolAccept(ctx context.Context, p testAcceptParams) ([]rpctypes.TestAccept, error) {
	txs, err := decodeTxs(p.Txs)
	if err != nil {
		return nil, err
	}
	results, err := a.Pool.Test(ctx, txs, mempool.FeeRate(p.MaxFeeRate))
	if err != nil {
		return nil, err
	}
	out := make([]rpctypes.TestAccept, len(results))
	for i := range results {
		r, o := &results[i], &out[i]
		o.TxID, o.WTxID = r.Tx.TxID(), r.Tx.WTxID()
		if r.PackageErr != nil {
			o.PackageErr = r.PackageErr.Error()
			continue
		}
		allowed := r.Err == nil
		o.Allowed = &allowed
		switch {
		case allowed:
			o.VSize, o.Fees = r.VSize, newEffectiveFees(r.Fee, r.EffectiveRate, r.EffectiveWith)
		case r.Err.Kind == mempool.InputsMissing:
			o.Reason = "missing-inputs"
		case r.Err.Reason == "max-fee-exceeded":
			o.Reason = r.Err.Reason
		default:
			o.Reason, o.Details = r.Err.Reason, r.Err.Error()
		}
	}
	return out, nil
}

type packageParams struct {
	Txs        []string      `rpc:"package" item:"rawtx" help:"Transactions in hexadecimal digits: a child, and before it some or all of its parents"`
	MaxFeeRate FeeRateParam  `rpc:"maxfeerate" default:"\"0.10\"" help:"The most that each may pay, in coins for 1,000 virtual bytes; 0 for no limit"`
	MaxBurn    rpcargs.Money `rpc:"maxburnamount" default:"\"0.00\"" help:"The most that an output may hold that nobody can spend, in coins"`
}

func (a *api) submitPackage(ctx context.Context, p packageParams) (rpctypes.PackageResult, error) {
	r := rpctypes.PackageResult{Message: "success", Txs: jsonrpc.Map[rpctypes.PackageTx]{}, Replaced: []wire.Hash{}}
	txs, err := decodeTxs(p.Txs)
	if err != nil {
		return r, err
	}
	for _, tx := range txs {
		if burns(tx, int64(p.MaxBurn)) {
			return r, errBurns()
		}
	}
	if len(txs) > 1 && !policy.IsChildWithParentsTree(txs) {
		return r, jsonrpc.Errorf(jsonrpc.CodeVerify, "package topology disallowed. not child-with-parents or parents depend on each other.")
	}
	res, err := a.Pool.AddPackage(ctx, txs, mempool.AddOptions{MaxFeeRate: mempool.FeeRate(p.MaxFeeRate), Local: true})
	if err != nil {
		return r, err
	}
	if res.Err != nil {
		r.Message = res.Err.Error()
	}
	for i := range res.Txs {
		t := &res.Txs[i]
		r.Txs = append(r.Txs, jsonrpc.Entry[rpctypes.PackageTx]{Name: t.Tx.WTxID().String(), Value: describePackageTx(t)})
		if a.Pool.Get(t.Tx.TxID()) != nil {
			a.Relay.AnnounceTx(t.Tx.TxID())
		}
	}
	for _, e := range res.Replaced {
		r.Replaced = append(r.Replaced, e.TxID)
	}
	return r, nil
}

func describePackageTx(t *mempool.TxResult) rpctypes.PackageTx {
	r := rpctypes.PackageTx{TxID: t.Tx.TxID()}
	switch t.Status {
	case mempool.StatusAccepted:
		r.VSize, r.Fees = t.Entry.VSize, newEffectiveFees(t.Entry.Fee, t.EffectiveRate, t.EffectiveWith)
	case mempool.StatusInPool:
		// By what it was judged then is not known any more.
		r.VSize, r.Fees = t.Entry.VSize, &rpctypes.EffectiveFees{Base: rpctypes.Amount(t.Entry.Fee)}
	case mempool.StatusDifferentWitness:
		r.Other = &t.Entry.WTxID
	default:
		r.Error = "package-not-validated"
		if t.Err != nil {
			r.Error = t.Err.Error()
		}
	}
	return r
}
