package rpc

import (
	"context"
	"encoding/json"
	"errors"

	"starling/mempool"
	"starling/mempool/policy"
	"starling/script"
	"starling/wire"
)

func (a *mempoolAPI) sendMethods() []*Method {
	const category = "Rawtransactions"
	return []*Method{
		define(Method{Name: "sendrawtransaction", Category: category,
			Summary:  "Takes a transaction into the mempool and has peers told of it, now and again until a block holds\nit.",
			Returns:  "The transaction's id",
			Examples: [][]any{{"0200000001…"}, {"0200000001…", "0.05"}}}, a.sendRawTransaction),
		define(Method{Name: "testmempoolaccept", Category: category,
			Summary:  "Tells whether transactions would be taken into the mempool, each on top of those before it that\nwould be.",
			Examples: [][]any{{[]string{"0200000001…"}}}}, a.testMempoolAccept),
		define(Method{Name: "submitpackage", Category: category,
			Summary:  "Takes a transaction with its unconfirmed parents into the mempool: one that pays too little alone is\ntaken if its child pays for it.",
			Examples: [][]any{{[]string{"0200000001…", "0200000001…"}}}}, a.submitPackage),
	}
}

// maxPackage is how many transactions a call may bring.
const maxPackage = 25

// feeRateParam is a parameter that is a fee rate in coins for 1,000 virtual
// bytes: a number, or a string. It holds satoshi.
type feeRateParam int64

func (*feeRateParam) argType() jsonType { return "" }
func (*feeRateParam) argWord() string   { return "numeric or string" }

func (r *feeRateParam) decodeArg(name string, raw json.RawMessage) error {
	var m money
	if err := m.decodeArg(name, raw); err != nil {
		return err
	}
	if m >= satoshiPerCoin {
		return Errorf(CodeInvalidParam, "Fee rates larger than or equal to 1BTC/kvB are not accepted")
	}
	*r = feeRateParam(m)
	return nil
}

// defaultMaxFeeRate is the most that a transaction may pay unless its sender
// says more, in satoshi for 1,000 virtual bytes.
const defaultMaxFeeRate = satoshiPerCoin / 10

// sendFeeRate is a feeRateParam that may also be the boolean which older clients
// send in its place (allowhighfees): true for no limit.
type sendFeeRate struct{ feeRateParam }

func (*sendFeeRate) argWord() string { return "numeric, string or boolean" }

func (r *sendFeeRate) decodeArg(name string, raw json.RawMessage) error {
	if typeOf(raw) != typeBool {
		return r.feeRateParam.decodeArg(name, raw)
	}
	r.feeRateParam = defaultMaxFeeRate
	if raw[0] == 't' {
		r.feeRateParam = 0
	}
	return nil
}

type sendRawParams struct {
	Hex        string      `rpc:"hexstring" help:"The transaction in hexadecimal digits"`
	MaxFeeRate sendFeeRate `rpc:"maxfeerate|allowhighfees" default:"\"0.10\"" help:"The most that it may pay, in coins for 1,000 virtual bytes; 0 or true for no limit"`
	MaxBurn    money       `rpc:"maxburnamount" default:"\"0.00\"" help:"The most that an output may hold that nobody can spend, in coins"`
}

func (a *mempoolAPI) sendRawTransaction(ctx context.Context, p sendRawParams) (wire.Hash, error) {
	tx, ok := decodeTx(p.Hex)
	if !ok {
		return wire.Hash{}, Errorf(CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.")
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
			return id, Errorf(CodeAlreadyInChain, "Transaction outputs already in utxo set")
		}
	}
	if err := a.Relay.SubmitTx(ctx, tx, int64(p.MaxFeeRate.feeRateParam)); err != nil {
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
		return Errorf(CodeVerify, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")
	case r.Kind == mempool.InputsMissing:
		return Errorf(CodeVerify, "%s", r)
	}
	return Errorf(CodeVerifyRejected, "%s", r)
}

func errBurns() error {
	return Errorf(CodeVerify, "Unspendable output exceeds maximum configured by user (maxburnamount)")
}

// burns reports whether an output that nobody can ever spend holds more than
// most satoshi.
func burns(tx *wire.Tx, most int64) bool {
	for i := range tx.Out {
		out := &tx.Out[i]
		if out.Value > most && (script.IsUnspendable(out.Script) || !validOps(out.Script)) {
			return true
		}
	}
	return false
}

// decodeTxs reads the transactions of a call.
func decodeTxs(raw []string) ([]*wire.Tx, error) {
	if len(raw) < 1 || len(raw) > maxPackage {
		return nil, Errorf(CodeInvalidParam, "Array must contain between 1 and %d transactions.", maxPackage)
	}
	txs := make([]*wire.Tx, len(raw))
	for i, s := range raw {
		tx, ok := decodeTx(s)
		if !ok {
			return nil, Errorf(CodeDeserialization, "TX decode failed for tx %d. Make sure the tx has at least one input.", i)
		}
		txs[i] = tx
	}
	return txs, nil
}

type testAcceptParams struct {
	Txs        []string     `rpc:"rawtxs" item:"rawtx" help:"Transactions in hexadecimal digits, parents before children"`
	MaxFeeRate feeRateParam `rpc:"maxfeerate" default:"\"0.10\"" help:"The most that each may pay, in coins for 1,000 virtual bytes; 0 for no limit"`
}

func newEffectiveFees(base int64, rate mempool.FeeRate, with []wire.Hash) *effectiveFees {
	effective := Amount(rate)
	return &effectiveFees{Amount(base), &effective, with}
}

func (a *mempoolAPI) testMempoolAccept(ctx context.Context, p testAcceptParams) ([]testAcceptResult, error) {
	txs, err := decodeTxs(p.Txs)
	if err != nil {
		return nil, err
	}
	results, err := a.Pool.Test(ctx, txs, mempool.FeeRate(p.MaxFeeRate))
	if err != nil {
		return nil, err
	}
	out := make([]testAcceptResult, len(results))
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
	Txs        []string     `rpc:"package" item:"rawtx" help:"Transactions in hexadecimal digits: a child, and before it some or all of its parents"`
	MaxFeeRate feeRateParam `rpc:"maxfeerate" default:"\"0.10\"" help:"The most that each may pay, in coins for 1,000 virtual bytes; 0 for no limit"`
	MaxBurn    money        `rpc:"maxburnamount" default:"\"0.00\"" help:"The most that an output may hold that nobody can spend, in coins"`
}

func (a *mempoolAPI) submitPackage(ctx context.Context, p packageParams) (packageResult, error) {
	r := packageResult{Message: "success", Txs: Object{}, Replaced: []wire.Hash{}}
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
		return r, Errorf(CodeVerify, "package topology disallowed. not child-with-parents or parents depend on each other.")
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
		r.Txs = append(r.Txs, Member{t.Tx.WTxID().String(), describePackageTx(t)})
		if a.Pool.Get(t.Tx.TxID()) != nil {
			a.Relay.AnnounceTx(t.Tx.TxID())
		}
	}
	for _, e := range res.Replaced {
		r.Replaced = append(r.Replaced, e.TxID)
	}
	return r, nil
}

func describePackageTx(t *mempool.TxResult) packageTxResult {
	r := packageTxResult{TxID: t.Tx.TxID()}
	switch t.Status {
	case mempool.StatusAccepted:
		r.VSize, r.Fees = t.Entry.VSize, newEffectiveFees(t.Entry.Fee, t.EffectiveRate, t.EffectiveWith)
	case mempool.StatusInPool:
		// By what it was judged then is not known any more.
		r.VSize, r.Fees = t.Entry.VSize, &effectiveFees{Base: Amount(t.Entry.Fee)}
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
