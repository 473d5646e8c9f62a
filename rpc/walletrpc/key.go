package walletrpc

import (
	"context"
	"errors"

	"starling/address"
	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/script"
	"starling/script/descriptor"
	"starling/wallet"
)

func (a *api) walletKeyMethods() []*jsonrpc.Method {
	const category = walletCategory
	const addr = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "getnewaddress", Category: category,
			Summary:  "Returns a new address for payments.",
			Returns:  "The address",
			Examples: [][]any{{}, {"rent", "bech32m"}}}, a.getNewAddress),
		jsonrpc.Define(jsonrpc.Method{Name: "getrawchangeaddress", Category: category,
			Summary: "Returns a new address for change, for transactions that are put together by hand.",
			Returns: "The address"}, a.getRawChangeAddress),
		jsonrpc.Define(jsonrpc.Method{Name: "getaddressinfo", Category: category,
			Summary:  "Tells what the wallet knows of an address.",
			Examples: [][]any{{addr}}}, a.getAddressInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "setlabel", Category: category,
			Summary:  "Gives an address a label.",
			Examples: [][]any{{addr, "rent"}}}, a.setLabel),
		jsonrpc.Define(jsonrpc.Method{Name: "listlabels", Category: category,
			Summary:  "Lists the labels in use.",
			Examples: [][]any{{}, {"receive"}}}, a.listLabels),
		jsonrpc.Define(jsonrpc.Method{Name: "getaddressesbylabel", Category: category,
			Summary:  "Lists the addresses with a label.",
			Results:  []jsonrpc.Shape{{Like: jsonrpc.Map[rpctypes.AddressPurpose]{}, Key: "address", Help: "Each address, and whether it is for receiving or sending"}},
			Examples: [][]any{{"rent"}}}, a.getAddressesByLabel),
		jsonrpc.Define(jsonrpc.Method{Name: "keypoolrefill", Category: category,
			Summary:  "Has at least so many unused addresses of each kind watched.",
			Examples: [][]any{{}, {200}}}, a.keypoolRefill),
		jsonrpc.Define(jsonrpc.Method{Name: "listdescriptors", Category: category,
			Summary: "Lists the wallet's descriptors, with private keys if private is set."}, a.listDescriptors),
		jsonrpc.Define(jsonrpc.Method{Name: "importdescriptors", Category: category, Waits: true,
			Summary:  "Adds descriptors, and looks for payments to them since the times given.",
			Examples: [][]any{{[]any{jsonrpc.Object{{Name: "desc", Value: "wpkh(…)#checksum"}, {Name: "timestamp", Value: "now"}}}}}}, a.importDescriptors),
	}
}

type newAddressParams struct {
	Label string `rpc:"label" default:"\"\"" help:"The address's label"`
	Kind  string `rpc:"address_type" default:"\"\"" help:"legacy, p2sh-segwit, bech32 or bech32m (default bech32)"`
}

func (a *api) getNewAddress(ctx context.Context, p newAddressParams) (string, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return "", err
	}
	if err := checkLabel(p.Label); err != nil {
		return "", err
	}
	kind, err := addressKind(p.Kind)
	if err != nil {
		return "", err
	}
	to, err := w.NewAddress(kind, p.Label)
	if err != nil {
		return "", keyError(w, err)
	}
	return to.String(), nil
}

// keyError turns an error about new keys into Core's.
func keyError(w *wallet.Wallet, err error) error {
	if errors.Is(err, wallet.ErrNoAddress) {
		if s := w.Status(); s.Blank || s.NoKeys || !s.Seeded {
			return jsonrpc.Errorf(jsonrpc.CodeWallet, "Error: This wallet has no available keys")
		}
	}
	return walletError(err)
}

type changeAddressParams struct {
	Kind  string `rpc:"address_type" default:"\"\"" help:"legacy, p2sh-segwit, bech32 or bech32m (default bech32)"`
	Kind2 string `rpc:"address_type_after_account" default:"\"\"" help:"The kind, if an account was named before it, as older clients do"`
}

func (a *api) getRawChangeAddress(ctx context.Context, p changeAddressParams) (string, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return "", err
	}
	if p.Kind2 != "" {
		p.Kind = p.Kind2
	}
	kind, err := addressKind(p.Kind)
	if err != nil {
		return "", err
	}
	to, err := w.NewChangeAddress(kind)
	if err != nil {
		return "", keyError(w, err)
	}
	return to.String(), nil
}

func (a *api) getAddressInfo(ctx context.Context, p addressInfoParams) (rpctypes.AddressInfo, error) {
	var r rpctypes.AddressInfo
	w, err := a.keys(ctx)
	if err != nil {
		return r, err
	}
	to, err := address.Decode(p.Address, a.network())
	if err != nil {
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%s", describe.AddressError(err))
	}
	i := w.Info(to.Script())
	r = rpctypes.AddressInfo{
		Address: to.String(), Script: to.Script(), Mine: i.Mine, Solvable: i.Solvable, Desc: i.Desc, ParentDesc: i.ParentDesc,
		IsChange: i.Change, Labels: []string{},
	}
	if kind := to.Kind(); kind != address.WitnessUnknown {
		is := kind != address.PubKeyHash && kind != address.WitnessPubKeyHash
		r.IsScript = &is
	}
	if version, program, ok := to.Witness(); ok {
		r.IsWitness, r.WitnessVersion, r.WitnessProgram = true, &version, program
	}
	if i.HasLabel {
		r.Labels = append(r.Labels, i.Label)
	}
	if !i.Mine {
		return r, nil
	}
	if i.Created > 0 {
		r.Timestamp = &i.Created
	}
	if leaf := i.Output.Leaf(); len(leaf) > 0 && string(leaf) != string(to.Script()) {
		class, _ := script.Classify(leaf)
		r.ScriptType, r.ScriptHex = string(class), leaf
	}
	if len(i.Output.Keys) == 1 {
		k := i.Output.Keys[0]
		r.PubKey = k.Pub
		if len(k.Pub) > 0 {
			is := len(k.Pub) == 33
			r.Compressed = &is
		}
		if k.Origin != nil {
			r.KeyPath, r.MasterKey = "m"+descriptor.FormatPath(k.Origin.Path), k.Origin.Fingerprint.String()
		}
	}
	return r, nil
}

type setLabelParams struct {
	Address string `rpc:"address" help:"The address"`
	Label   string `rpc:"label" help:"Its label"`
}

func (a *api) setLabel(ctx context.Context, p setLabelParams) (jsonrpc.Null, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return nil, err
	}
	to, err := a.address(p.Address)
	if err != nil {
		return nil, err
	}
	if err := checkLabel(p.Label); err != nil {
		return nil, err
	}
	return nil, walletError(w.SetLabel(to, p.Label))
}

type listLabelsParams struct {
	Purpose string `rpc:"purpose" default:"\"\"" help:"receive or send; empty for both"`
}

func (a *api) listLabels(ctx context.Context, p listLabelsParams) ([]string, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return nil, err
	}
	switch p.Purpose {
	case "", "receive", "send", "refund":
	default:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, `Invalid 'purpose' argument, must be a known purpose string, typically 'send', or 'receive'.`)
	}
	return w.Labels(p.Purpose != "send", p.Purpose != "receive"), nil
}

type labelParams struct {
	Label string `rpc:"label" help:"The label"`
}

func (a *api) getAddressesByLabel(ctx context.Context, p labelParams) (jsonrpc.Map[rpctypes.AddressPurpose], error) {
	w, err := a.keys(ctx)
	if err != nil {
		return nil, err
	}
	r := jsonrpc.Map[rpctypes.AddressPurpose]{}
	for _, l := range w.Labelled() {
		if l.Label != p.Label {
			continue
		}
		purpose := "send"
		if l.Mine {
			purpose = "receive"
		}
		r = append(r, jsonrpc.Entry[rpctypes.AddressPurpose]{Name: l.Address, Value: rpctypes.AddressPurpose{Purpose: purpose}})
	}
	if len(r) == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeLabel, "No addresses with label %s", p.Label)
	}
	return r, nil
}

type refillParams struct {
	Size int32 `rpc:"newsize" default:"0" help:"How many; 0 for as many as before"`
}

func (a *api) keypoolRefill(ctx context.Context, p refillParams) (jsonrpc.Null, error) {
	w, err := a.keys(ctx)
	if err != nil {
		return nil, err
	}
	if p.Size < 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, expected valid size.")
	}
	return nil, walletError(w.Refill(p.Size))
}

type listDescriptorsParams struct {
	Private bool `rpc:"private" default:"false" help:"With private keys"`
}

func (a *api) listDescriptors(ctx context.Context, p listDescriptorsParams) (rpctypes.WalletDescriptors, error) {
	var r rpctypes.WalletDescriptors
	w, err := a.keys(ctx)
	if err != nil {
		return r, err
	}
	if p.Private && w.Status().NoKeys {
		return r, jsonrpc.Errorf(jsonrpc.CodeWallet, "Can't get private descriptor string for watch-only wallets")
	}
	list, err := w.Descriptors(p.Private)
	if err != nil {
		return r, walletError(err)
	}
	r = rpctypes.WalletDescriptors{Wallet: w.Name(), Descriptors: []rpctypes.WalletDescriptor{}}
	for _, d := range list {
		e := rpctypes.WalletDescriptor{Desc: d.Text, Timestamp: d.Created, Active: d.Active}
		if d.Active {
			e.Internal = &d.Internal
		}
		if d.Ranged {
			e.Range = &[]int32{d.First, d.End - 1}
			e.Next, e.NextIndex = &d.Next, &d.Next
		}
		r.Descriptors = append(r.Descriptors, e)
	}
	return r, nil
}

type addressInfoParams struct {
	Address string `rpc:"address" help:"The address"`
}
