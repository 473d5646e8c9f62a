package client

import (
	"context"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

// FeeOptions say what a payment pays: so much for a virtual byte, or what an
// estimate says.
type FeeOptions struct {
	FeeRate     float64 `json:"fee_rate,omitempty"`      // in satoshi for a virtual byte; 0 for an estimate
	Target      int     `json:"conf_target,omitempty"`   // within how many blocks it should be confirmed
	Mode        string  `json:"estimate_mode,omitempty"` // economical or conservative
	Replaceable *bool   `json:"replaceable,omitempty"`   // whether it says so (BIP125); nil means true
}

// PayOptions are for SendToAddress.
type PayOptions struct {
	FeeOptions
	Comment     string `json:"comment,omitempty"`    // what it is for; only the wallet keeps it
	CommentTo   string `json:"comment_to,omitempty"` // whom it is for; only the wallet keeps it
	SubtractFee bool   `json:"subtractfeefromamount,omitempty"`
}

// payArgs are the arguments of sendtoaddress.
type payArgs struct {
	addressArg
	Amount rpctypes.Amount `json:"amount"`
	*PayOptions
	Verbose bool `json:"verbose"`
}

// SendToAddress pays an address, and returns the transaction's id.
func (c *Client) SendToAddress(ctx context.Context, address string, amount rpctypes.Amount, o *PayOptions) (wire.Hash, error) {
	return get[wire.Hash](ctx, c, "sendtoaddress", payArgs{addressArg{address}, amount, o, false})
}

// SendToAddressVerbose is SendToAddress, and says also where the fee rate comes
// from.
func (c *Client) SendToAddressVerbose(ctx context.Context, address string, amount rpctypes.Amount, o *PayOptions) (rpctypes.Sent, error) {
	return get[rpctypes.Sent](ctx, c, "sendtoaddress", payArgs{addressArg{address}, amount, o, true})
}

// SendManyOptions are for SendMany.
type SendManyOptions struct {
	FeeOptions
	Comment     string   `json:"comment,omitempty"`
	SubtractFee []string `json:"subtractfeefrom,omitempty"` // addresses that share the fee
}

// sendManyArgs are the arguments of sendmany.
type sendManyArgs struct {
	Amounts jsonrpc.Map[rpctypes.Amount] `json:"amounts"`
	*SendManyOptions
	Verbose bool `json:"verbose"`
}

// SendMany pays several addresses in one transaction, and returns its id.
func (c *Client) SendMany(ctx context.Context, amounts jsonrpc.Map[rpctypes.Amount], o *SendManyOptions) (wire.Hash, error) {
	return get[wire.Hash](ctx, c, "sendmany", sendManyArgs{amounts, o, false})
}

// SendManyVerbose is SendMany, and says also where the fee rate comes from.
func (c *Client) SendManyVerbose(ctx context.Context, amounts jsonrpc.Map[rpctypes.Amount], o *SendManyOptions) (rpctypes.Sent, error) {
	return get[rpctypes.Sent](ctx, c, "sendmany", sendManyArgs{amounts, o, true})
}

// CoinOptions say which coins may be spent.
type CoinOptions struct {
	MinConf int32    `json:"minconf,omitempty"`
	MaxConf *int32   `json:"maxconf,omitempty"`
	From    []string `json:"from_addresses,omitempty"` // only coins of these addresses
	Lock    bool     `json:"lock_unspents,omitempty"`  // do not spend them otherwise
	Solving *Solving `json:"solving_data,omitempty"`
}

// Solving is what is known of coins that are not the wallet's.
type Solving struct {
	PubKeys     []jsonrpc.Hex `json:"pubkeys,omitempty"`
	Scripts     []jsonrpc.Hex `json:"scripts,omitempty"`
	Descriptors []string      `json:"descriptors,omitempty"`
}

// ChangeOptions say how coins are added and where change goes.
type ChangeOptions struct {
	AddInputs   *bool  `json:"add_inputs,omitempty"` // nil means true if none are named
	Unsafe      bool   `json:"include_unsafe,omitempty"`
	ChangeTo    string `json:"change_address,omitempty"`  // empty for a new address
	ChangeAt    *int   `json:"change_position,omitempty"` // nil for a random place
	ChangeKind  string `json:"change_type,omitempty"`
	SubtractFee []int  `json:"subtract_fee_from_outputs,omitempty"` // places of the outputs that share the fee
	MaxWeight   int64  `json:"max_tx_weight,omitempty"`
}

// KeepOptions say whether a payment is sent, and what else it is made of.
type KeepOptions struct {
	AddToWallet *bool   `json:"add_to_wallet,omitempty"` // send it; nil means true
	PSBT        bool    `json:"psbt,omitempty"`          // return a PSBT and do not send it
	Inputs      []Input `json:"inputs,omitempty"`        // coins to spend
	LockTime    *uint32 `json:"locktime,omitempty"`
	Comment     string  `json:"comment,omitempty"`
}

// SendOptions are for Send.
type SendOptions struct {
	FeeOptions
	CoinOptions
	ChangeOptions
	KeepOptions
	Version int32 `json:"version,omitempty"` // of the transaction; 0 means 2
}

// Send pays outputs in one transaction.
func (c *Client) Send(ctx context.Context, outputs []Output, o *SendOptions) (rpctypes.SendResult, error) {
	return get[rpctypes.SendResult](ctx, c, "send", struct {
		Outputs []Output `json:"outputs"`
		*SendOptions
	}{orEmpty(outputs), o})
}

// SendAllOptions are for SendAll.
type SendAllOptions struct {
	FeeOptions
	CoinOptions
	KeepOptions
	SendMax bool  `json:"send_max,omitempty"` // leave out coins that cost more than they add
	Version int32 `json:"version,omitempty"`  // of the transaction; 0 means 2
}

// SendAll spends all of the wallet's coins, or those named. What is not given to
// others goes to the outputs without an amount, in equal parts.
func (c *Client) SendAll(ctx context.Context, to []Output, o *SendAllOptions) (rpctypes.SendResult, error) {
	recipients := make([]any, len(to))
	for i, out := range to {
		recipients[i] = out
		if out.Amount == 0 && len(out.Data) == 0 {
			recipients[i] = out.Address
		}
	}
	return get[rpctypes.SendResult](ctx, c, "sendall", struct {
		Recipients []any           `json:"recipients"`
		Options    *SendAllOptions `json:"options,omitempty"`
	}{recipients, o})
}

// BumpOptions are for BumpFee and PSBTBumpFee.
type BumpOptions struct {
	FeeOptions
	Outputs []Output `json:"outputs,omitempty"`               // pay these instead
	Change  *int     `json:"original_change_index,omitempty"` // the output of the old transaction that is change
}

// bumpArgs are the arguments of bumpfee and psbtbumpfee.
type bumpArgs struct {
	txArg
	Options *BumpOptions `json:"options,omitempty"`
}

// BumpFee replaces an unconfirmed payment of the wallet by one with a higher fee.
func (c *Client) BumpFee(ctx context.Context, id wire.Hash, o *BumpOptions) (rpctypes.BumpResult, error) {
	return get[rpctypes.BumpResult](ctx, c, "bumpfee", bumpArgs{txArg{id}, o})
}

// PSBTBumpFee makes such a replacement as a partially signed transaction.
func (c *Client) PSBTBumpFee(ctx context.Context, id wire.Hash, o *BumpOptions) (rpctypes.BumpResult, error) {
	return get[rpctypes.BumpResult](ctx, c, "psbtbumpfee", bumpArgs{txArg{id}, o})
}

// FundOptions are for FundRawTransaction.
type FundOptions struct {
	FeeOptions
	CoinOptions
	ChangeOptions
}

// FundRawTransaction adds inputs to a transaction until they pay for its outputs,
// and change.
func (c *Client) FundRawTransaction(ctx context.Context, tx jsonrpc.Hex, o *FundOptions) (rpctypes.FundedTx, error) {
	return get[rpctypes.FundedTx](ctx, c, "fundrawtransaction", struct {
		hexArg
		Options *FundOptions `json:"options,omitempty"`
	}{hexArg{tx}, o})
}

// CreateFundedOptions are for WalletCreateFundedPSBT.
type CreateFundedOptions struct {
	FundOptions
	LockTime uint32 `json:"locktime,omitempty"`
	Origins  *bool  `json:"bip32derivs,omitempty"` // add where keys come from; nil means true
	Version  int32  `json:"version,omitempty"`     // of the transaction; 0 means 2
}

// WalletCreateFundedPSBT makes a partially signed transaction with enough of the
// wallet's coins for its outputs.
func (c *Client) WalletCreateFundedPSBT(ctx context.Context, in []Input, out []Output, o *CreateFundedOptions) (rpctypes.FundedPSBT, error) {
	return get[rpctypes.FundedPSBT](ctx, c, "walletcreatefundedpsbt", struct {
		Inputs  []Input  `json:"inputs"`
		Outputs []Output `json:"outputs"`
		*CreateFundedOptions
	}{orEmpty(in), orEmpty(out), o})
}

// SignRawTransactionWithWallet signs the inputs of a transaction that the wallet
// has keys for.
func (c *Client) SignRawTransactionWithWallet(ctx context.Context, tx jsonrpc.Hex, o *SignOptions) (rpctypes.SignedTx, error) {
	return get[rpctypes.SignedTx](ctx, c, "signrawtransactionwithwallet", struct {
		hexArg
		*SignOptions
	}{hexArg{tx}, o})
}

// SignMessage signs a text with the key of a legacy address of the wallet, and
// returns the signature in base64.
func (c *Client) SignMessage(ctx context.Context, address, text string) (string, error) {
	return get[string](ctx, c, "signmessage", struct {
		addressArg
		Text string `json:"message"`
	}{addressArg{address}, text})
}

// SimulateRawTransaction tells by how much transactions would change what the
// wallet has.
func (c *Client) SimulateRawTransaction(ctx context.Context, txs ...jsonrpc.Hex) (rpctypes.Simulated, error) {
	return get[rpctypes.Simulated](ctx, c, "simulaterawtransaction", struct {
		Txs []jsonrpc.Hex `json:"rawtxs"`
	}{orEmpty(txs)})
}
