package wallet

import (
	"context"
	crand "crypto/rand"
	"math/rand/v2"
	"slices"
	"time"

	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/coinselect"
	"starling/wallet/ledger"
	"starling/wallet/sign"
	"starling/wire"
)

// Payment is one output of a transaction.
type Payment struct {
	Script []byte
	Amount int64 // in satoshi
	// SubtractFee takes the fee from the amount; several such payments share
	// it.
	SubtractFee bool
	// Rest pays what all else leaves over; several such payments share it.
	// Their Amount is not looked at, and there is no change then.
	Rest bool
}

// Input is a coin that a payment is to spend.
type Input struct {
	OutPoint wire.OutPoint
	Sequence *uint32 // nil for the wallet's choice
	// Weight is what the signed input weighs at most; 0 to have it found out,
	// which works for the wallet's own and for simple outputs.
	Weight int64
	// Out is the output, for coins that neither the wallet nor the chain knows.
	Out *wire.TxOut
}

// SpendOptions say how to make a payment. Payments are needed; the zero value
// of everything else works.
type SpendOptions struct {
	Payments []Payment
	Fee      FeeOptions

	Inputs     []Input
	OnlyInputs bool            // do not add others
	From       map[string]bool // spend only coins of these addresses; nil for all
	Filter     CoinFilter      // of the coins to choose from
	Sweep      bool            // spend all coins that pass the filter

	Change     []byte // script that change goes to; nil for a new one
	ChangeKind Kind   // of a new one; "" for the wallet's choice
	ChangeAt   *int   // place of the change; nil for one drawn by chance

	NoReplace bool // do not say that the transaction may be replaced
	LockTime  *uint32
	Version   int32 // 0 for 2
	MaxWeight int64 // of the transaction; 0 for as much as nodes pass on
	Freeze    bool  // do not spend its coins otherwise
	KeepDust  bool  // with Rest: take coins too that cost more than they add

	Comment, To string

	replaces *ledger.Record // the transaction that this one takes the place of
}

// Draft is a transaction that has yet to be signed.
type Draft struct {
	Tx     *wire.Tx
	Spent  []wire.TxOut // the outputs that its inputs spend
	Fee    int64
	Change int // the output with the change, or -1
}

// MaxTxWeight is the weight above which nodes do not pass a transaction on.
const MaxTxWeight = 400_000

func sizeOf(n int) int64 { return int64(len(wire.AppendCompactSize(nil, uint64(n)))) }

// inputWeight returns what an input that spends an output weighs at most when
// it is signed; ok is false if that is not known.
func inputWeight(o *descriptor.Output) (weight int64, ok bool) {
	size, err := sign.Estimate(o)
	if err != nil {
		return 0, false
	}
	weight = int64(size.Weight())
	if size.Witness == 0 {
		weight++ // an empty witness, if another input has one
	}
	return weight, true
}

// outputWeight returns what an output weighs.
func outputWeight(script []byte) int64 { return 4 * (8 + sizeOf(len(script)) + int64(len(script))) }

// dust returns the value below which nodes take an output for dust: what it
// costs to make and to spend it, at the discard rate.
func dust(pkScript []byte) int64 {
	if script.IsUnspendable(pkScript) {
		return 0
	}
	size := 8 + sizeOf(len(pkScript)) + int64(len(pkScript))
	class, _ := script.Classify(pkScript)
	switch class {
	case script.Anchor:
		return 0
	case script.WitnessV0KeyHash, script.WitnessV0ScriptHash, script.WitnessV1Taproot, script.WitnessUnknown:
		size += 36 + 4 + 1 + 107/4
	default:
		size += 36 + 4 + 1 + 107
	}
	return size * discardFee / 1000
}

// plan is what is worked out for a payment.
type plan struct {
	o     *SpendOptions
	rate  int64
	from  FeeSource // of rate
	fixed []coinselect.Candidate
	outs  map[wire.OutPoint]wire.TxOut // of fixed inputs that are not the wallet's
	dice  *rand.Rand
	// pending are the unconfirmed transactions that fixed inputs spend of.
	pending map[wire.Hash]*wire.Tx
}

// prepare looks up what the wallet's lock must not be held for.
func (w *Wallet) prepare(o *SpendOptions) (*plan, error) {
	p := &plan{o: o, outs: map[wire.OutPoint]wire.TxOut{}, pending: map[wire.Hash]*wire.Tx{}}
	var err error
	if p.rate, p.from, err = w.feeRate(o.Fee); err != nil {
		return nil, err
	}
	var seed [32]byte
	crand.Read(seed[:])
	p.dice = rand.New(rand.NewChaCha8(seed))
	for _, in := range o.Inputs {
		if tx := w.m.pool.Tx(in.OutPoint.Hash); tx != nil {
			p.pending[in.OutPoint.Hash] = tx
		}
		switch out, ok, err := w.lookUp(in.OutPoint); {
		case err != nil && in.Out == nil:
			return nil, err
		case ok:
			p.outs[in.OutPoint] = out
		case in.Out != nil:
			p.outs[in.OutPoint] = *in.Out
		}
	}
	return p, nil
}

// lookUp finds an output among the unconfirmed and the unspent ones.
func (w *Wallet) lookUp(op wire.OutPoint) (out wire.TxOut, ok bool, err error) {
	if tx := w.m.pool.Tx(op.Hash); tx != nil {
		if int(op.Index) >= len(tx.Out) {
			return out, false, nil
		}
		return tx.Out[op.Index], true, nil
	}
	if w.isDetached() {
		return out, false, nil
	}
	return w.chain.Coin(op)
}

// Fund makes a transaction that is not signed: it chooses coins, works out the
// fee and adds change. The errors are [FundsError] and [PaymentError] mostly.
func (w *Wallet) Fund(ctx context.Context, o SpendOptions) (*Draft, error) {
	if err := w.keepToPay(ctx); err != nil {
		return nil, err
	}
	p, err := w.prepare(&o)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	d, err := w.fund(p)
	if err != nil {
		return nil, err
	}
	if o.Freeze {
		for i := range d.Tx.In {
			if err := w.freeze(d.Tx.In[i].PrevOut, false); err != nil {
				return nil, err
			}
		}
	}
	// The address of the change is used up.
	return d, w.save()
}

// Send makes a payment: it funds and signs a transaction, writes it to disk
// and hands it to the node. If the node refuses it, it is forgotten again and
// the error is a [RejectedError].
func (w *Wallet) Send(ctx context.Context, o SpendOptions) (Entry, error) {
	if err := w.keepToPay(ctx); err != nil {
		return Entry{}, err
	}
	p, err := w.prepare(&o)
	if err != nil {
		return Entry{}, err
	}
	r, err := w.pay(p)
	if err != nil {
		return Entry{}, err
	}
	e, err := w.hand(ctx, r)
	e.FeeFrom = p.from
	return e, err
}

// pay makes and signs a transaction and has it on disk when it returns.
func (w *Wallet) pay(p *plan) (*ledger.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.needKeys(); err != nil {
		return nil, err
	}
	d, err := w.fund(p)
	if err != nil {
		return nil, err
	}
	tx, err := w.signAll(d.Tx, d.Spent)
	if err != nil {
		return nil, err
	}
	return w.keep(tx, p.o)
}

// keep records a payment of the wallet's own and writes it to disk.
func (w *Wallet) keep(tx *wire.Tx, o *SpendOptions) (*ledger.Record, error) {
	r := w.ledger.Pay(tx, w.now(), ledger.Note{Comment: o.Comment, To: o.To}, o.replaces)
	w.markUsed(tx)
	return r, w.save()
}

// hand gives a payment that is on disk to the node. If the caller goes away
// meanwhile the payment stays, and is handed in again.
func (w *Wallet) hand(ctx context.Context, r *ledger.Record) (Entry, error) {
	err := w.m.pool.Submit(ctx, r.Tx)
	taken := err == nil
	if err != nil && ctx.Err() != nil {
		err = nil
		w.mu.Lock()
		w.retry()
		w.mu.Unlock()
	}
	w.deliver()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil && w.ledger.Withdraw(r) {
		if err2 := w.save(); err2 != nil {
			return Entry{}, err2
		}
		return Entry{}, &RejectedError{err}
	}
	if taken {
		w.ledger.PoolTaken(r)
	}
	return w.entry(r), nil
}

// maxTipAge is how old the tip may be for its height to say anything about the
// present one. It is Bitcoin Core's figure.
const maxTipAge = 8 * time.Hour

// lockTime returns the lock time of a new payment: the present height, now and
// then a little less, so that a miner gains nothing by mining the last block
// again for its fees. It is 0 if the wallet does not know the height, as one of
// long ago would tell its payments from all others, and if the caller has said
// how inputs depend on time.
func (w *Wallet) lockTime(p *plan) uint32 {
	if p.o.LockTime != nil {
		return *p.o.LockTime
	}
	if w.chain.IsInitialDownload() || w.at.Time() < w.now()-int64(maxTipAge/time.Second) {
		return 0
	}
	for _, in := range p.o.Inputs {
		if in.Sequence != nil {
			return 0
		}
	}
	h := w.at.Height
	if p.dice.IntN(10) == 0 {
		h = max(0, h-p.dice.Int32N(100))
	}
	return uint32(h)
}

// sequence returns the sequence number of a new input.
func (o *SpendOptions) sequence(in wire.OutPoint) uint32 {
	for _, f := range o.Inputs {
		if f.OutPoint == in && f.Sequence != nil {
			return *f.Sequence
		}
	}
	if o.NoReplace {
		return sequenceNoReplace
	}
	return maxReplaceable
}

// shuffled returns the inputs in the order in which they are to stand: those
// that were asked for first, the others by chance.
func shuffled(fixed int, chosen []coinselect.Candidate, dice *rand.Rand) []coinselect.Candidate {
	all := slices.Clone(chosen)
	rest := all[fixed:]
	dice.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	return all
}
