package walletrpc

import (
	"context"
	"maps"
	"slices"

	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/wallet"
	"starling/wire"
)

func (a *api) walletCoinMethods() []*jsonrpc.Method {
	const category = walletCategory
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "getbalance", Category: category,
			Summary:  "Returns what the wallet can rely upon: what is confirmed and mature, and its own change.",
			Returns:  "In coins",
			Examples: [][]any{{}, {"*", 6}}}, a.getBalance),
		jsonrpc.Define(jsonrpc.Method{Name: "getbalances", Category: category,
			Summary: "Returns all of the wallet's balances."}, a.getBalances),
		jsonrpc.Define(jsonrpc.Method{Name: "listunspent", Category: category,
			Summary:  "Lists the wallet's coins.",
			Examples: [][]any{{}, {6, 9999999}}}, a.listUnspent),
		jsonrpc.Define(jsonrpc.Method{Name: "lockunspent", Category: category,
			Summary:  "Keeps coins from being spent by payments that do not name them, or lets them be spent again.",
			Returns:  "true",
			Examples: [][]any{{false, []any{jsonrpc.Object{{Name: "txid", Value: exampleID}, {Name: "vout", Value: 0}}}}, {true}}}, a.lockUnspent),
		jsonrpc.Define(jsonrpc.Method{Name: "listlockunspent", Category: category,
			Summary: "Lists the coins that lockunspent keeps from being spent."}, a.listLockUnspent),
		jsonrpc.Define(jsonrpc.Method{Name: "getreceivedbyaddress", Category: category,
			Summary:  "Returns what was paid to an address of the wallet.",
			Returns:  "In coins",
			Examples: [][]any{{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 6}}}, a.getReceivedByAddress),
		jsonrpc.Define(jsonrpc.Method{Name: "listreceivedbyaddress", Category: category,
			Summary:  "Lists what was paid to each address of the wallet.",
			Examples: [][]any{{}, {6, true}}}, a.listReceivedByAddress),
		jsonrpc.Define(jsonrpc.Method{Name: "getreceivedbylabel", Category: category,
			Summary:  "Returns what was paid to the addresses with a label.",
			Returns:  "In coins",
			Examples: [][]any{{"rent", 6}}}, a.getReceivedByLabel),
		jsonrpc.Define(jsonrpc.Method{Name: "listreceivedbylabel", Category: category,
			Summary:  "Lists what was paid to the addresses with each label.",
			Examples: [][]any{{}, {6, true}}}, a.listReceivedByLabel),
	}
}

const exampleID = "a08e6907dbbd3d809776dbfc5d82e371b764ed838b5655e72f463568df1aadf0"

type balanceParams struct {
	Dummy     string `rpc:"dummy" default:"\"*\"" help:"* or left out"`
	MinConf   int32  `rpc:"minconf" default:"0" help:"Only what is at least so deep"`
	WatchOnly bool   `rpc:"include_watchonly" default:"false" help:"Has no effect"`
	Reuse     *bool  `rpc:"avoid_reuse" help:"Not supported: no wallet has the feature"`
}

func (a *api) getBalance(ctx context.Context, p balanceParams) (rpctypes.Amount, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return 0, err
	}
	if p.Dummy != "*" {
		return 0, jsonrpc.Errorf(jsonrpc.CodeDeprecated, `dummy first argument must be excluded or set to "*".`)
	}
	if err := checkReuse(p.Reuse); err != nil {
		return 0, err
	}
	if p.MinConf <= 0 {
		return rpctypes.Amount(w.Balance().Trusted), nil
	}
	sum := rpctypes.Amount(0)
	for _, c := range w.Coins(wallet.CoinFilter{MinDepth: p.MinConf, Frozen: true, Brief: true}) {
		sum += rpctypes.Amount(c.Value)
	}
	return sum, nil
}

func (a *api) getBalances(ctx context.Context, _ jsonrpc.None) (rpctypes.Balances, error) {
	var r rpctypes.Balances
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	b := w.Balance()
	r.Mine = rpctypes.OwnBalances{Trusted: rpctypes.Amount(b.Trusted), Pending: rpctypes.Amount(b.Pending), Immature: rpctypes.Amount(b.Immature)}
	r.Last.Hash, r.Last.Height = w.Position()
	return r, nil
}

type unspentQuery struct {
	MinAmount rpcargs.Money  `rpc:"minimumAmount" default:"0" help:"Only coins worth at least so much"`
	MaxAmount *rpcargs.Money `rpc:"maximumAmount" help:"Only coins worth at most so much"`
	MaxCount  int            `rpc:"maximumCount" default:"0" help:"At most so many; 0 for no limit"`
	MinSum    *rpcargs.Money `rpc:"minimumSumAmount" help:"Stop as soon as they are worth so much in all"`
	Immature  bool           `rpc:"include_immature_coinbase" default:"false" help:"Also coinbases that cannot be spent yet"`
}

type unspentParams struct {
	MinConf   int32         `rpc:"minconf" default:"1" help:"Only coins at least so deep"`
	MaxConf   int32         `rpc:"maxconf" default:"9999999" help:"Only coins at most so deep"`
	Addresses []string      `rpc:"addresses" default:"[]" item:"address" help:"Only coins of these addresses"`
	Unsafe    bool          `rpc:"include_unsafe" default:"true" help:"Also unconfirmed coins from others"`
	Query     *unspentQuery `rpc:"query_options,named" help:"More conditions"`
}

func (a *api) listUnspent(ctx context.Context, p unspentParams) ([]rpctypes.Unspent, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return nil, err
	}
	f := wallet.CoinFilter{MinDepth: p.MinConf, MaxDepth: &p.MaxConf, Unsafe: p.Unsafe}
	if len(p.Addresses) > 0 {
		f.Addresses = map[string]bool{}
	}
	for _, s := range p.Addresses {
		to, err := a.address(s)
		if err != nil {
			return nil, err
		}
		if f.Addresses[to.String()] {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, duplicated address: %s", s)
		}
		f.Addresses[to.String()] = true
	}
	maxCount, minSum := 0, rpctypes.Amount(-1)
	if q := p.Query; q != nil {
		f.MinValue, f.Immature, maxCount = int64(q.MinAmount), q.Immature, q.MaxCount
		if q.MaxAmount != nil {
			f.MaxValue = max(1, int64(*q.MaxAmount))
		}
		if q.MinSum != nil {
			minSum = rpctypes.Amount(*q.MinSum)
		}
	}
	all := []rpctypes.Unspent{}
	sum := rpctypes.Amount(0)
	for _, c := range w.Coins(f) {
		u := rpctypes.Unspent{
			TxID: c.OutPoint.Hash, Vout: c.OutPoint.Index, Address: c.Address, Script: c.Script, Amount: rpctypes.Amount(c.Value),
			Confirmations: c.Depth, Redeem: c.Redeem, Witness: c.Witness, Spendable: c.Spendable, Solvable: c.Solvable,
			Desc: c.Desc, ParentDescs: []string{}, Safe: c.Safe,
		}
		if c.HasLabel {
			u.Label = &c.Label
		}
		if c.ParentDesc != "" {
			u.ParentDescs = append(u.ParentDescs, c.ParentDesc)
		}
		all = append(all, u)
		sum += u.Amount
		if minSum >= 0 && sum >= minSum || maxCount > 0 && len(all) >= maxCount {
			break
		}
	}
	return all, nil
}

type lockParams struct {
	Unlock  bool                `rpc:"unlock" help:"Whether to let them be spent again"`
	Outputs *[]rpcargs.OutPoint `rpc:"transactions" item:"output" help:"The coins; left out, unlock is for all"`
	Keep    bool                `rpc:"persistent" default:"false" help:"Remember it beyond the next start"`
}

func (a *api) lockUnspent(ctx context.Context, p lockParams) (bool, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return false, err
	}
	if p.Outputs == nil {
		if p.Unlock {
			for _, op := range w.Frozen() {
				if err := w.Thaw(op); err != nil {
					return false, walletError(err)
				}
			}
		}
		return true, nil
	}
	var points []wire.OutPoint
	for _, o := range *p.Outputs {
		op, err := o.Point()
		if err != nil {
			return false, err
		}
		known, exists, spent, frozen := w.Outpoint(op)
		switch {
		case !known:
			return false, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, unknown transaction")
		case !exists:
			return false, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, vout index out of bounds")
		case spent:
			return false, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, expected unspent output")
		case p.Unlock && !frozen:
			return false, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, expected locked output")
		case !p.Unlock && frozen && !p.Keep:
			return false, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, output already locked")
		}
		points = append(points, op)
	}
	for _, op := range points {
		if p.Unlock {
			err = w.Thaw(op)
		} else {
			err = w.Freeze(op, p.Keep)
		}
		if err != nil {
			return false, walletError(err)
		}
	}
	return true, nil
}

func (a *api) listLockUnspent(ctx context.Context, _ jsonrpc.None) ([]rpctypes.LockedUnspent, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return nil, err
	}
	all := []rpctypes.LockedUnspent{}
	for _, op := range w.Frozen() {
		all = append(all, rpctypes.LockedUnspent{TxID: op.Hash, Vout: op.Index})
	}
	return all, nil
}

type receivedParams struct {
	Address  string `rpc:"address" help:"The address"`
	MinConf  int32  `rpc:"minconf" default:"1" help:"Only payments at least so deep"`
	Immature bool   `rpc:"include_immature_coinbase" default:"false" help:"Also coinbases that cannot be spent yet"`
}

func (a *api) getReceivedByAddress(ctx context.Context, p receivedParams) (rpctypes.Amount, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return 0, err
	}
	to, err := a.address(p.Address)
	if err != nil {
		return 0, err
	}
	if !w.Owns(to.Script()) {
		return 0, jsonrpc.Errorf(jsonrpc.CodeWallet, "Address not found in wallet")
	}
	return tallies(w, p.MinConf, p.Immature)[to.String()].amount, nil
}

// tally is what was paid to an address.
type tally struct {
	amount rpctypes.Amount
	depth  int32 // of the newest payment
	txs    []wire.Hash
}

// tallies adds up what was paid to each address.
func tallies(w *wallet.Wallet, minConf int32, immature bool) map[string]tally {
	all := map[string]tally{}
	for _, e := range w.History() {
		if e.Depth < minConf || e.Depth < 0 || e.Depth == 0 && !e.InPool {
			continue
		}
		seen := map[string]bool{}
		for _, d := range e.Details {
			if d.Change || d.Category == wallet.Send || d.Address == "" || d.Category == wallet.Orphan || d.Category == wallet.Immature && !immature {
				continue
			}
			t, known := all[d.Address]
			t.amount += rpctypes.Amount(d.Amount)
			if !known || e.Depth < t.depth {
				t.depth = e.Depth
			}
			if !seen[d.Address] {
				seen[d.Address] = true
				t.txs = append(t.txs, e.ID)
			}
			all[d.Address] = t
		}
	}
	return all
}

type listReceivedParams struct {
	MinConf   int32   `rpc:"minconf" default:"1" help:"Only payments at least so deep"`
	Empty     bool    `rpc:"include_empty" default:"false" help:"Also addresses that were never paid"`
	WatchOnly bool    `rpc:"include_watchonly" default:"false" help:"Has no effect"`
	Filter    *string `rpc:"address_filter" help:"Only this address"`
	Immature  bool    `rpc:"include_immature_coinbase" default:"false" help:"Also coinbases that cannot be spent yet"`
}

func (a *api) listReceivedByAddress(ctx context.Context, p listReceivedParams) ([]rpctypes.ReceivedByAddress, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return nil, err
	}
	if p.Filter != nil {
		to, err := a.address(*p.Filter)
		if err != nil {
			return nil, jsonrpc.Errorf(jsonrpc.CodeWallet, "address_filter parameter was invalid")
		}
		*p.Filter = to.String() // one address can be written in several ways
	}
	all := []rpctypes.ReceivedByAddress{}
	paid := tallies(w, p.MinConf, p.Immature)
	for _, l := range w.Labelled() {
		if !l.Mine || p.Filter != nil && l.Address != *p.Filter {
			continue
		}
		t, ok := paid[l.Address]
		if !ok && !p.Empty {
			continue
		}
		e := rpctypes.ReceivedByAddress{Address: l.Address, Amount: t.amount, Confirmations: t.depth, Label: l.Label, TxIDs: []wire.Hash{}}
		all = append(all, e)
		all[len(all)-1].TxIDs = append(all[len(all)-1].TxIDs, t.txs...)
	}
	return all, nil
}

type receivedLabelParams struct {
	Label    string `rpc:"label" help:"The label"`
	MinConf  int32  `rpc:"minconf" default:"1" help:"Only payments at least so deep"`
	Immature bool   `rpc:"include_immature_coinbase" default:"false" help:"Also coinbases that cannot be spent yet"`
}

// byLabel adds up what was paid to the addresses with each label, in order of
// the labels.
func byLabel(w *wallet.Wallet, minConf int32, immature bool) []rpctypes.ReceivedByLabel {
	paid := tallies(w, minConf, immature)
	sums := map[string]*rpctypes.ReceivedByLabel{}
	for _, l := range w.Labelled() {
		if !l.Mine {
			continue
		}
		r := sums[l.Label]
		if r == nil {
			r = &rpctypes.ReceivedByLabel{Label: l.Label}
			sums[l.Label] = r
		}
		if t, ok := paid[l.Address]; ok {
			if r.Amount == 0 || t.depth < r.Confirmations {
				r.Confirmations = t.depth
			}
			r.Amount += t.amount
		}
	}
	var all []rpctypes.ReceivedByLabel
	for _, label := range slices.Sorted(maps.Keys(sums)) {
		all = append(all, *sums[label])
	}
	return all
}

func (a *api) getReceivedByLabel(ctx context.Context, p receivedLabelParams) (rpctypes.Amount, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return 0, err
	}
	for _, r := range byLabel(w, p.MinConf, p.Immature) {
		if r.Label == p.Label {
			return r.Amount, nil
		}
	}
	return 0, jsonrpc.Errorf(jsonrpc.CodeWallet, "Label not found in wallet")
}

type listReceivedLabelParams struct {
	MinConf   int32 `rpc:"minconf" default:"1" help:"Only payments at least so deep"`
	Empty     bool  `rpc:"include_empty" default:"false" help:"Also labels whose addresses were never paid"`
	WatchOnly bool  `rpc:"include_watchonly" default:"false" help:"Has no effect"`
	Immature  bool  `rpc:"include_immature_coinbase" default:"false" help:"Also coinbases that cannot be spent yet"`
}

func (a *api) listReceivedByLabel(ctx context.Context, p listReceivedLabelParams) ([]rpctypes.ReceivedByLabel, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return nil, err
	}
	all := byLabel(w, p.MinConf, p.Immature)
	if !p.Empty {
		all = slices.DeleteFunc(all, func(r rpctypes.ReceivedByLabel) bool { return r.Amount == 0 })
	}
	return describe.OrEmpty(all), nil
}
