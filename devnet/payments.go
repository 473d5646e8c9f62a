package devnet

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"starling/clock"
	"starling/params"
	"starling/wallet"
)

const (
	// leastPayment and mostPayment bound what a made-up payment pays.
	leastPayment = params.Coin / 1000
	mostPayment  = params.Coin
	// payAddresses is to how many addresses of each wallet they go, so that the
	// wallets do not grow without end.
	payAddresses = 20
)

// makeUp makes payments between random wallets until ctx ends.
func (d *Net) makeUp(ctx context.Context) error {
	if d.cfg.TxRate == 0 || len(d.nodes) < 2 {
		return nil
	}
	mean := float64(time.Second) / d.cfg.TxRate
	scripts := make([][][]byte, len(d.nodes))
	for {
		wait := time.Duration(rand.ExpFloat64() * mean)
		if clock.Sleep(ctx, d.clk, wait) != nil {
			return nil
		}
		from := rand.IntN(len(d.nodes))
		to := (from + 1 + rand.IntN(len(d.nodes)-1)) % len(d.nodes)
		if len(scripts[to]) < payAddresses {
			script, err := d.payee(d.nodes[to].name)
			var stopped *StoppedError
			if errors.As(err, &stopped) {
				d.failures.Add(1)
				continue
			}
			if err != nil {
				return err
			}
			scripts[to] = append(scripts[to], script)
		}
		script := scripts[to][rand.IntN(len(scripts[to]))]
		if err := d.payOnce(ctx, d.nodes[from], d.nodes[to], script, leastPayment+rand.Int64N(mostPayment-leastPayment)); err != nil {
			// Mostly because all coins wait for a block, which comes.
			d.failures.Add(1)
		}
	}
}

// payOnce makes one payment.
func (d *Net) payOnce(ctx context.Context, from, to *member, script []byte, amount int64) error {
	ctx, leave, err := from.use(ctx)
	if err != nil {
		return err
	}
	defer leave()
	w, err := from.wallet()
	if err != nil {
		return err
	}
	e, err := w.Send(ctx, wallet.SpendOptions{Payments: []wallet.Payment{{Script: script, Amount: amount}}})
	if err != nil {
		return err
	}
	d.payments.Add(1)
	d.emit(Event{Kind: "payment", Payment: &PaymentInfo{
		TxID: e.ID.String(), From: from.name, To: to.name, Amount: coins(amount), Fee: e.Fee,
	}})
	return nil
}
