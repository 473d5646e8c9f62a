package wallet

import "fmt"

// DefaultFallbackFee is what payments pay where nothing is known about fees,
// in satoshi for 1,000 virtual bytes: twice what older nodes want to pass a
// transaction on.
const DefaultFallbackFee = 2000

const (
	// discardFee is the fee rate by which a coin counts as not worth spending,
	// in satoshi for 1,000 virtual bytes: nodes call outputs dust by it.
	discardFee = 3000

	// maxFeeRate and maxFee guard against mistakes: no payment pays more per
	// 1,000 virtual bytes, or in all, in satoshi. They are Core's -maxtxfee and
	// the rate at which it refuses to send.
	maxFeeRate = 100_000_000
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

// feeRate returns the rate to pay. It asks the pool, so mu must not be held.
func (w *Wallet) feeRate(o FeeOptions) (int64, error) {
	floor := max(w.chain.Network().MinRelayFee, w.m.pool.MinFee())
	if o.Rate != 0 {
		if o.Rate < floor {
			return 0, paymentErrorf("Fee rate (%s) is lower than the minimum fee rate setting (%s)", perVByte(o.Rate), perVByte(floor))
		}
		if o.Rate > maxFeeRate {
			return 0, paymentErrorf("Fee rate (%s) is higher than the limit of %s", perVByte(o.Rate), perVByte(maxFeeRate))
		}
		return o.Rate, nil
	}
	target := o.Target
	if target == 0 {
		target = defaultTarget
	}
	rate, ok := w.m.pool.EstimateFee(target, !o.Economical)
	if !ok {
		rate = w.m.cfg.FallbackFee
	}
	return max(rate, floor), nil
}

// perVByte writes a fee rate as people do.
func perVByte(rate int64) string { return fmt.Sprintf("%d.%03d sat/vB", rate/1000, rate%1000) }
