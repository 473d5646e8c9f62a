package wallet

import (
	"slices"

	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/coinselect"
	"starling/wire"
)

// maxMoney is the most satoshi that there can be on Bitcoin's networks, and
// the most that a transaction may pay anywhere.
const maxMoney = 21_000_000 * 1e8

// checkPayments refuses payments that no node would pass on, and returns what
// they add up to.
func checkPayments(list []Payment) (sum int64, rest bool, err error) {
	if len(list) == 0 {
		return 0, false, paymentErrorf("Transaction must have at least one recipient")
	}
	for _, p := range list {
		switch {
		case p.Rest:
			rest = true
			continue
		case p.Amount < 0 || p.Amount > maxMoney || sum+p.Amount > maxMoney:
			return 0, false, paymentErrorf("Transaction amounts must not be negative, nor above %s in all", coins(maxMoney))
		case p.Amount < dust(p.Script):
			return 0, false, paymentErrorf("Transaction amount too small: %s, and nodes take less than %s for dust", coins(p.Amount), coins(dust(p.Script)))
		}
		sum += p.Amount
	}
	return sum, rest, nil
}

// bumpFee returns what is missing for unconfirmed ancestors to pay a rate.
func bumpFee(p Package, rate int64) int64 {
	return max(0, coinselect.Fee(p.AncestorSize*wire.WitnessScale, rate)-p.AncestorFees)
}

// weightKey names outputs whose inputs weigh the same.
type weightKey struct {
	chain *keychain
	class script.Class
}

// weightOf returns what an input weighs that spends one of the wallet's
// scripts.
func (w *Wallet) weightOf(pkScript []byte, known map[weightKey]int64) (int64, bool) {
	p, ok := w.scripts[string(pkScript)]
	if !ok {
		return 0, false
	}
	class, _ := script.Classify(pkScript)
	key := weightKey{p.chain, class}
	if n, ok := known[key]; ok {
		return n, n > 0
	}
	out, ok := w.outputAt(p, pkScript)
	if !ok {
		return 0, false
	}
	n, _ := inputWeight(&out)
	known[key] = n
	return n, n > 0
}

// fixedInputs returns the coins that a payment must spend.
func (w *Wallet) fixedInputs(p *plan) error {
	seen := map[wire.OutPoint]bool{}
	for _, in := range p.o.Inputs {
		if seen[in.OutPoint] {
			return paymentErrorf("Input %s is there twice", pointName(in.OutPoint))
		}
		seen[in.OutPoint] = true
		c := coinselect.Candidate{OutPoint: in.OutPoint, Weight: in.Weight}
		out, external := p.outs[in.OutPoint]
		if o, ours := w.ledger.Output(in.OutPoint); ours {
			if w.ledger.SpentBut(in.OutPoint, p.o.replaces) {
				return paymentErrorf("Input %s is spent already", pointName(in.OutPoint))
			}
			if w.ledger.Matures(o.Record, w.at.Height) > 0 {
				return paymentErrorf("Input %s is a coinbase that must mature first", pointName(in.OutPoint))
			}
			out, external = wire.TxOut{Value: o.Value, Script: o.Script}, true
		}
		if !external {
			return paymentErrorf("Input %s not found: it is spent, or it does not exist", pointName(in.OutPoint))
		}
		p.outs[in.OutPoint] = out
		c.Value = out.Value
		if c.Weight == 0 {
			var ok bool
			if c.Weight, ok = w.weightOf(out.Script, map[weightKey]int64{}); !ok {
				o := descriptor.Output{Script: out.Script}
				if c.Weight, ok = inputWeight(&o); !ok {
					return paymentErrorf("Not solvable pre-selected input %s: its weight is not known", pointName(in.OutPoint))
				}
			}
		}
		if tx := p.pending[in.OutPoint.Hash]; tx != nil {
			if err := p.mayFollow(tx); err != nil {
				return err
			}
			c.Pending = true
			if pkg, ok := w.m.pool.Package(in.OutPoint.Hash); ok && p.o.replaces == nil {
				c.Bump = bumpFee(pkg, p.rate)
			}
		}
		p.fixed = append(p.fixed, c)
	}
	return nil
}

// template returns a script of the size that those of a kind have.
func template(kind Kind) []byte {
	switch kind {
	case Legacy:
		return script.PayToPubKeyHash([20]byte{})
	case P2SHSegwit:
		return script.PayToScriptHash([20]byte{})
	case Bech32m:
		return script.PayToWitness(1, make([]byte, 32))
	default:
		return script.PayToWitness(0, make([]byte, 20))
	}
}

// changeKind returns the kind of address that change goes to: taproot if a
// recipient has it, so that change does not stand out.
func (w *Wallet) changeKind(o *SpendOptions) Kind {
	if o.ChangeKind != "" {
		return o.ChangeKind
	}
	kinds := w.kinds(true)
	if slices.Contains(kinds, Bech32m) {
		for _, p := range o.Payments {
			if class, _ := script.Classify(p.Script); class == script.WitnessV1Taproot {
				return Bech32m
			}
		}
	}
	return w.firstChoice(true)
}

// fund makes the transaction of a plan. The caller holds mu.
func (w *Wallet) fund(p *plan) (*Draft, error) {
	o := p.o
	pays, rest, err := checkPayments(o.Payments)
	if err != nil {
		return nil, err
	}
	if err := w.fixedInputs(p); err != nil {
		return nil, err
	}
	changeScript := o.Change
	if changeScript == nil {
		changeScript = template(w.changeKind(o))
	}
	shared := false
	base := int64(4*(4+4)+2) + 4*(sizeOf(len(o.Payments)+1)+3)
	for _, pay := range o.Payments {
		base += outputWeight(pay.Script)
		shared = shared || pay.SubtractFee
	}
	changeFee := coinselect.Fee(outputWeight(changeScript), p.rate)
	spendWeight, ok := inputWeight(&descriptor.Output{Script: changeScript})
	if !ok {
		spendWeight, _ = inputWeight(&descriptor.Output{Script: template(Bech32)})
	}
	// Change that costs more to spend than it is worth goes to the fee.
	keepAbove := max(dust(changeScript), coinselect.Fee(spendWeight, discardFee))
	g := coinselect.Goal{
		Target: pays, Rate: p.rate, Whole: shared,
		ChangeCost:  changeFee + coinselect.Fee(spendWeight, discardFee),
		ChangeMin:   changeFee + 2*keepAbove,
		OtherWeight: base + outputWeight(changeScript),
	}
	if base > p.limit() {
		return nil, paymentErrorf("Maximum transaction weight is less than transaction weight without inputs")
	}
	if !shared {
		g.Target += coinselect.Fee(base+wire.WitnessScale-1, p.rate) // a part of a virtual byte counts whole
	}
	chosen, err := w.choose(p, g, rest || o.Sweep)
	if err != nil {
		return nil, err
	}
	return w.assemble(p, chosen, changeScript, keepAbove, rest, shared)
}

// smallInput is about the weight of the smallest inputs.
const smallInput = 272

// tooLittle says what is missing.
func (w *Wallet) tooLittle(p *plan, g coinselect.Goal, all []coinselect.Candidate) error {
	worth := int64(0)
	for _, c := range slices.Concat(p.fixed, all) {
		worth += max(0, g.Worth(&c))
	}
	if worth >= g.Target {
		return paymentErrorf("The inputs size exceeds the maximum weight. Please try sending a smaller amount or manually consolidating your wallet's UTXOs")
	}
	e := &FundsError{Need: g.Target}
	for _, pay := range p.o.Payments {
		e.Fee -= pay.Amount
	}
	for _, c := range slices.Concat(p.fixed, all) {
		e.Have += c.Value
	}
	e.Fee += g.Target
	if !g.Whole {
		// The smallest fee: with one more input.
		add := coinselect.Fee(smallInput, g.Rate) * int64(max(1, len(p.fixed)+len(all)))
		e.Need, e.Fee = e.Need+add, e.Fee+add
	}
	f := CoinFilter{Unsafe: true, Immature: true, Brief: true}
	for _, c := range w.coins(f) {
		switch {
		case c.Immature:
			e.Immature += c.Value
		case !c.Safe:
			e.Unsafe += c.Value
		}
	}
	if p.o.Filter.Unsafe {
		e.Unsafe = 0
	}
	return e
}

// assemble makes the transaction of chosen coins.
func (w *Wallet) assemble(p *plan, chosen []coinselect.Candidate, changeScript []byte, keepAbove int64, rest, shared bool) (*Draft, error) {
	o, limit := p.o, p.limitOf(chosen)
	if len(chosen) == 0 {
		return nil, &FundsError{}
	}
	weight := int64(4*(4+4)+2) + 4*(sizeOf(len(chosen))+sizeOf(len(o.Payments)))
	var in, pays, bumps int64
	for _, c := range chosen {
		in += c.Value
		weight += c.Weight
		bumps += c.Bump
	}
	outs := make([]wire.TxOut, len(o.Payments))
	var sharers []int
	for i, pay := range o.Payments {
		outs[i] = wire.TxOut{Value: pay.Amount, Script: pay.Script}
		weight += outputWeight(pay.Script)
		if pay.Rest {
			outs[i].Value = 0
			sharers = append(sharers, i)
			continue
		}
		if pay.SubtractFee && !rest {
			sharers = append(sharers, i)
		}
		pays += pay.Amount
	}
	if weight > limit {
		return nil, paymentErrorf("The transaction would weigh %d, more than the limit of %d; spend fewer or larger coins", weight, limit)
	}
	fee := coinselect.TxFee(weight, p.rate) + bumps
	d := &Draft{Change: -1}
	if !rest {
		heavier := weight + outputWeight(changeScript) + 4*(sizeOf(len(outs)+1)-sizeOf(len(outs)))
		withChange := coinselect.TxFee(heavier, p.rate) + bumps
		change := in - pays - withChange
		if shared {
			change = in - pays
		}
		switch {
		case change >= keepAbove && heavier > limit:
			return nil, paymentErrorf("Maximum transaction weight is too low, can not accommodate change output")
		case change >= keepAbove:
			fee = withChange
			var err error
			if outs, err = w.addChange(d, p, outs, change); err != nil {
				return nil, err
			}
			for i := range sharers {
				if sharers[i] >= d.Change {
					sharers[i]++
				}
			}
		case !shared && in-pays < fee:
			return nil, &FundsError{Need: pays + fee, Fee: fee, Have: in}
		case !shared:
			fee = in - pays
		case in < pays:
			return nil, &FundsError{Need: pays, Have: in}
		default:
			// What is left over pays part of the fee.
			fee = max(0, fee-(in-pays))
		}
	}
	if err := shareOut(outs, sharers, in, pays, fee, rest); err != nil {
		return nil, err
	}
	d.Fee = in
	for _, out := range outs {
		d.Fee -= out.Value
	}
	if d.Fee > maxFee {
		return nil, paymentErrorf("Fee exceeds maximum configured by user: %s is more than %s", coins(d.Fee), coins(maxFee))
	}
	var ins []wire.TxIn
	ins, d.Spent = w.inputs(p, chosen)
	d.Tx = wire.NewTx(o.version(), ins, outs, w.lockTime(p))
	return d, nil
}

// inputs puts chosen coins in the order in which they are to stand, and returns
// with them what they spend.
func (w *Wallet) inputs(p *plan, chosen []coinselect.Candidate) ([]wire.TxIn, []wire.TxOut) {
	order := shuffled(len(p.fixed), chosen, p.dice)
	ins := make([]wire.TxIn, len(order))
	spent := make([]wire.TxOut, len(order))
	for i, c := range order {
		ins[i] = wire.TxIn{PrevOut: c.OutPoint, Sequence: p.o.sequence(c.OutPoint)}
		if own, ok := w.ledger.Output(c.OutPoint); ok {
			spent[i] = wire.TxOut{Value: own.Value, Script: own.Script}
		} else {
			spent[i] = p.outs[c.OutPoint]
		}
	}
	return ins, spent
}

// addChange puts the change among the outputs.
func (w *Wallet) addChange(d *Draft, p *plan, outs []wire.TxOut, change int64) ([]wire.TxOut, error) {
	pkScript := p.o.Change
	if pkScript == nil {
		var err error
		if pkScript, err = w.freshScript(w.changeKind(p.o), true); err != nil {
			return nil, paymentErrorf("Transaction needs a change address, but we can't generate it: %v", err)
		}
	}
	d.Change = p.dice.IntN(len(outs) + 1)
	if at := p.o.ChangeAt; at != nil {
		if *at < 0 || *at > len(outs) {
			return nil, paymentErrorf("Change position out of range")
		}
		d.Change = *at
	}
	return slices.Insert(outs, d.Change, wire.TxOut{Value: change, Script: pkScript}), nil
}

// shareOut takes the fee from the payments that share it, or gives what is left
// to those that get the rest.
func shareOut(outs []wire.TxOut, sharers []int, in, pays, fee int64, rest bool) error {
	if len(sharers) == 0 {
		return nil
	}
	n := int64(len(sharers))
	sum := -fee
	if rest {
		sum = in - pays - fee
		if sum <= 0 {
			return &FundsError{Need: pays + fee, Fee: fee, Have: in}
		}
	}
	// The first one bears, or gets, what does not divide.
	each := sum / n
	for j, i := range sharers {
		outs[i].Value += each
		if j == 0 {
			outs[i].Value += sum - each*n
		}
		if outs[i].Value < max(1, dust(outs[i].Script)) {
			if rest {
				return paymentErrorf("Specified output amount to a recipient is below dust threshold")
			}
			if outs[i].Value < 0 {
				return paymentErrorf("The transaction amount is too small to pay the fee")
			}
			return paymentErrorf("The transaction amount is too small to send after the fee has been deducted")
		}
	}
	return nil
}
