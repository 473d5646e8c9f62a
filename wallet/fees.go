package wallet

import "fmt"

// DefaultFallbackFee is what payments pay where nothing is known about fees,
// in satoshi for 1,000 virtual bytes: twice what older nodes want to pass a
// transaction on. The main network has none, as there a guess would either cost
// real money or leave the payment waiting.
const DefaultFallbackFee = 2000

// fallbackFee returns what Config.FallbackFee stands for on a network; 0 for none.
func fallbackFee(asked int64, network string) int64 {
	switch {
	case asked < 0, asked == 0 && network == "main":
		return 0
	case asked == 0:
		return DefaultFallbackFee
	}
	return asked
}

// FeeSource says where the fee rate of a payment came from.
type FeeSource int

// The sources.
const (
	FeeGiven     FeeSource = iota + 1 // whoever paid has said so
	FeeEstimated                      // the node's estimate
	FeeFallback                       // Config.FallbackFee
	FeeRelay                          // the least that nodes of the network pass on
	FeePool                           // the least that the node's pool takes at present
)

const (
	// discardFee is the fee rate by which a coin counts as not worth spending,
	// in satoshi for 1,000 virtual bytes: nodes call outputs dust by it.
	discardFee = 3000

	// MaxFeeRate and maxFee guard against mistakes: no payment pays more per
	// 1,000 virtual bytes, or in all, in satoshi. They are Core's -maxtxfee and
	// the rate at which it refuses to send.
	MaxFeeRate = 100_000_000
	maxFee     = 10_000_000

	// maxReplaceable is the highest sequence number by which an input says
	// that its transaction may be replaced (BIP125).
	maxReplaceable = 0xfffffffd
	// sequenceNoReplace is the highest that leaves the lock time in force.
	sequenceNoReplace = 0xfffffffe
)

// FeeOptions say what a payment pays. The zero value leaves it to the wallet.
type FeeOptions struct {
	// Rate is in satoshi for 1,000 virtual bytes; 0 for an estimate.
	Rate int64
	// Target is the number of blocks within which the payment should be
	// confirmed; 0 for 6.
	Target int
	// Economical takes the lower of two estimates.
	Economical bool
}

// defaultTarget is Core's -txconfirmtarget.
const defaultTarget = 6

// feeRate returns the rate to pay, and where it came from. It asks the pool, so mu
// must not be held.
func (w *Wallet) feeRate(o FeeOptions) (int64, FeeSource, error) {
	relay, pool := w.chain.Network().MinRelayFee, w.m.pool.MinFee()
	floor := max(relay, pool)
	if o.Rate != 0 {
		if o.Rate < floor {
			return 0, 0, paymentErrorf("Fee rate (%s) is lower than the minimum fee rate setting (%s)", perVByte(o.Rate), perVByte(floor))
		}
		if o.Rate > MaxFeeRate {
			return 0, 0, paymentErrorf("Fee rate (%s) is higher than the limit of %s", perVByte(o.Rate), perVByte(MaxFeeRate))
		}
		return o.Rate, FeeGiven, nil
	}
	target := o.Target
	if target == 0 {
		target = defaultTarget
	}
	from := FeeEstimated
	rate, ok := w.m.pool.EstimateFee(target, !o.Economical)
	if !ok {
		rate, from = w.m.cfg.FallbackFee, FeeFallback
		if rate == 0 {
			return 0, 0, paymentErrorf("This node does not know yet what others pay. Say which fee rate to pay, wait until it has seen some blocks, or set --fallback-fee")
		}
	}
	switch {
	case rate >= floor:
		return rate, from, nil
	case pool > relay:
		return pool, FeePool, nil
	default:
		return relay, FeeRelay, nil
	}
}

// perVByte writes a fee rate as people do.
func perVByte(rate int64) string { return fmt.Sprintf("%d.%03d sat/vB", rate/1000, rate%1000) }
