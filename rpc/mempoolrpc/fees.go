package mempoolrpc

import (
	"context"
	"math"
	"strings"

	"starling/mempool/feeest"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
)

func (a *api) feeMethods() []*jsonrpc.Method {
	const category = "Util"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "estimatesmartfee", Category: category,
			Summary:  "Estimates what a transaction must pay to get into a block soon enough, from how long others waited.",
			Examples: [][]any{{6}, {6, "conservative"}}}, a.estimateSmartFee),
		jsonrpc.Define(jsonrpc.Method{Name: "estimaterawfee", Category: category,
			Summary:  "Shows what estimatesmartfee is based on, for each horizon that reaches as far.",
			Results:  []jsonrpc.Shape{{Like: jsonrpc.Map[rpctypes.RawFee]{}, Key: "horizon", Help: "By horizon: short, medium, long"}},
			Examples: [][]any{{6, 0.9}}}, a.estimateRawFee),
	}
}

// fees returns what estimates fees.
func (a *api) fees() (*feeest.Estimator, error) {
	if a.Fees == nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInternal, "Fee estimation disabled")
	}
	return a.Fees, nil
}

func checkTarget(target int64) (int, error) {
	if target < 1 || target > feeest.MaxTarget {
		return 0, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid conf_target, must be between 1 and %d", feeest.MaxTarget)
	}
	return int(target), nil
}

type smartFeeParams struct {
	Target int64  `rpc:"conf_target" help:"The number of blocks to wait at most, 1 to 1008"`
	Mode   string `rpc:"estimate_mode" default:"\"economical\"" help:"economical or conservative; the latter looks further back and rather says too much"`
}

func (a *api) estimateSmartFee(_ context.Context, p smartFeeParams) (rpctypes.SmartFee, error) {
	var r rpctypes.SmartFee
	fees, err := a.fees()
	if err != nil {
		return r, err
	}
	target, err := checkTarget(p.Target)
	if err != nil {
		return r, err
	}
	conservative := false
	switch strings.ToLower(p.Mode) {
	case "unset", "economical":
	case "conservative":
		conservative = true
	default:
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, `Invalid estimate_mode parameter, must be one of: "unset", "economical", "conservative"`)
	}
	e, err := fees.Estimate(target, conservative)
	r.Blocks = e.Target
	if err != nil {
		r.Errors = []string{err.Error()}
		return r, nil
	}
	// What the pool would not take is no advice.
	rate := rpctypes.Amount(max(e.Rate, int64(a.Pool.MinFee())))
	r.Rate = &rate
	return r, nil
}

type rawFeeParams struct {
	Target    int64   `rpc:"conf_target" help:"The number of blocks to wait at most, 1 to 1008"`
	Threshold float64 `rpc:"threshold" default:"0.95" help:"The share of transactions that must have been confirmed in time, 0 to 1"`
}

func newFeeRange(r *feeest.Range) *rpctypes.FeeRange {
	if r == nil {
		return nil
	}
	hundredths := func(v float64) jsonrpc.Float { return jsonrpc.Float(math.Round(v*100) / 100) }
	return &rpctypes.FeeRange{
		Start: jsonrpc.Float(math.Round(r.Start)), End: jsonrpc.Float(math.Round(r.End)), Within: hundredths(r.WithinTarget),
		Confirmed: hundredths(r.TotalConfirmed), InMempool: hundredths(r.InMempool), Left: hundredths(r.LeftMempool),
	}
}

func (a *api) estimateRawFee(_ context.Context, p rawFeeParams) (jsonrpc.Map[rpctypes.RawFee], error) {
	fees, err := a.fees()
	if err != nil {
		return nil, err
	}
	target, err := checkTarget(p.Target)
	if err != nil {
		return nil, err
	}
	if !(p.Threshold >= 0 && p.Threshold <= 1) {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid threshold")
	}
	out := jsonrpc.Map[rpctypes.RawFee]{}
	for h := feeest.Short; h <= feeest.Long; h++ {
		if target > h.Reach() {
			continue
		}
		raw := fees.Raw(target, p.Threshold, h)
		r := rpctypes.RawFee{Decay: jsonrpc.Float(raw.Decay), Scale: raw.Scale, Fail: newFeeRange(raw.Fail)}
		if raw.Rate > 0 {
			rate := rpctypes.Amount(raw.Rate)
			r.Rate, r.Pass = &rate, newFeeRange(raw.Pass)
		} else {
			r.Errors = []string{"Insufficient data or no feerate found which meets threshold"}
		}
		out = append(out, jsonrpc.Entry[rpctypes.RawFee]{Name: h.String(), Value: r})
	}
	return out, nil
}
