package wallet

import (
	"slices"

	"starling/wallet/coinselect"
	"starling/wire"
)

// trucVersion is the version of transactions that keep their unconfirmed family
// small (BIP431): nodes pass one on only if it has at most one unconfirmed
// parent, of the same version, with no other child; and no others may spend of
// it until it is confirmed.
const (
	trucVersion     = 3
	maxTRUCWeight   = 10_000 * wire.WitnessScale
	maxTRUCInherits = 1_000 * wire.WitnessScale // with an unconfirmed parent
)

// version returns the version of the transaction.
func (o *SpendOptions) version() int32 {
	if o.Version == 0 {
		return 2
	}
	return o.Version
}

// limit returns what the transaction may weigh at most.
func (p *plan) limit() int64 {
	most := int64(MaxTxWeight)
	if p.o.version() == trucVersion {
		most = maxTRUCWeight
	}
	if p.o.MaxWeight > 0 {
		most = min(most, p.o.MaxWeight)
	}
	return most
}

// limitOf returns what a transaction that spends these coins may weigh at most.
func (p *plan) limitOf(coins []coinselect.Candidate) int64 {
	most := p.limit()
	if p.o.version() == trucVersion && slices.ContainsFunc(coins, func(c coinselect.Candidate) bool { return c.Pending }) {
		most = min(most, maxTRUCInherits)
	}
	return most
}

// mayFollow refuses to spend of an unconfirmed transaction where no node would
// pass the payment on.
func (p *plan) mayFollow(parent *wire.Tx) error {
	version := p.o.version()
	switch {
	case version == trucVersion && parent.Version != trucVersion:
		return paymentErrorf("Can't spend unconfirmed version %d pre-selected input with a version 3 tx", parent.Version)
	case version != trucVersion && parent.Version == trucVersion:
		return paymentErrorf("Can't spend unconfirmed version 3 pre-selected input with a version %d tx", version)
	case version == trucVersion && len(p.pending) > 1:
		return paymentErrorf("A version 3 tx can spend of one unconfirmed transaction only")
	}
	return nil
}

// choices returns the lists of coins that a payment may choose from, in the
// order in which to try them.
func (w *Wallet) choices(p *plan, taken map[wire.OutPoint]bool) [][]coinselect.Candidate {
	f := p.o.Filter
	f.Brief = true
	var offers []coinselect.Offer
	weights := map[weightKey]int64{}
	for _, c := range w.coins(f) {
		if taken[c.OutPoint] || p.o.From != nil && !p.o.From[c.Address] || !c.Solvable {
			continue
		}
		if p.o.replaces != nil && c.Depth == 0 {
			// A replacement may not bring new unconfirmed inputs, nor spend
			// what it removes.
			continue
		}
		weight, ok := w.weightOf(c.Script, weights)
		if !ok {
			continue
		}
		o := coinselect.Offer{Safe: c.Safe, Candidate: coinselect.Candidate{
			OutPoint: c.OutPoint, Value: c.Value, Weight: weight, Pending: c.Depth == 0,
		}}
		if o.Pending {
			parent := c.OutPoint.Hash
			if pkg, known := w.m.pool.Package(parent); known {
				o.Bump = bumpFee(pkg, p.rate)
				o.Ancestors, o.Descendants = pkg.Ancestors, pkg.Descendants
			}
			o.TRUC = w.ledger.Get(parent).Tx.Version == trucVersion
		}
		offers = append(offers, o)
	}
	var parents []wire.Hash
	for id := range p.pending {
		parents = append(parents, id)
	}
	return coinselect.Lists(offers, p.o.version() == trucVersion, parents)
}

// choose chooses the coins of a payment.
func (w *Wallet) choose(p *plan, g coinselect.Goal, everything bool) ([]coinselect.Candidate, error) {
	taken := map[wire.OutPoint]bool{}
	for _, c := range p.fixed {
		taken[c.OutPoint] = true
	}
	list := [][]coinselect.Candidate{nil}
	if !p.o.OnlyInputs {
		list = w.choices(p, taken)
	}
	if everything {
		return p.everything(g, list), nil
	}
	for _, all := range list {
		g.MaxWeight = p.limitOf(slices.Concat(p.fixed, all)) - g.OtherWeight
		if chosen := coinselect.Select(g, p.fixed, all, p.dice); chosen != nil {
			return chosen, nil
		}
	}
	return nil, w.tooLittle(p, g, list[len(list)-1])
}

// everything returns all coins that are worth it. Those that are not confirmed
// are left out where with them the transaction would be too heavy for its
// version.
func (p *plan) everything(g coinselect.Goal, list [][]coinselect.Candidate) []coinselect.Candidate {
	for i := len(list) - 1; ; i-- {
		chosen := slices.Clone(p.fixed)
		weight := g.OtherWeight
		for _, c := range list[i] {
			if p.o.KeepDust || c.Effective(p.rate) > 0 {
				chosen = append(chosen, c)
			}
		}
		for _, c := range chosen {
			weight += c.Weight
		}
		if i == 0 || p.o.version() != trucVersion || weight <= p.limitOf(chosen) {
			return chosen
		}
	}
}
