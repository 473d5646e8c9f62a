package client

import (
	"context"

	"starling/rpc/rpctypes"
	"starling/wire"
)

// GetBalance returns what the wallet can spend; with minConf above 0 only what is
// at least so deep.
func (c *Client) GetBalance(ctx context.Context, minConf int32) (rpctypes.Amount, error) {
	return get[rpctypes.Amount](ctx, c, "getbalance", struct {
		MinConf int32 `json:"minconf"`
	}{minConf})
}

// GetBalances returns what the wallet has, by how sure it is.
func (c *Client) GetBalances(ctx context.Context) (rpctypes.Balances, error) {
	return get[rpctypes.Balances](ctx, c, "getbalances", none{})
}

// UnspentOptions are for ListUnspent.
type UnspentOptions struct {
	MinConf   *int32           `json:"minconf,omitempty"` // nil means 1
	MaxConf   *int32           `json:"maxconf,omitempty"`
	Addresses []string         `json:"addresses,omitempty"`
	Unsafe    *bool            `json:"include_unsafe,omitempty"` // also unconfirmed ones from others; nil means true
	MinAmount rpctypes.Amount  `json:"minimumAmount,omitempty"`
	MaxAmount *rpctypes.Amount `json:"maximumAmount,omitempty"`
	MaxCount  int              `json:"maximumCount,omitempty"`
	MinSum    *rpctypes.Amount `json:"minimumSumAmount,omitempty"` // stop as soon as there is so much
	Immature  bool             `json:"include_immature_coinbase,omitempty"`
}

// ListUnspent lists the wallet's unspent outputs (UTXOs).
func (c *Client) ListUnspent(ctx context.Context, o *UnspentOptions) ([]rpctypes.Unspent, error) {
	if o == nil {
		o = new(UnspentOptions)
	}
	return get[[]rpctypes.Unspent](ctx, c, "listunspent", o)
}

// LockUnspent keeps outputs from being spent, beyond the next start if persistent
// is set.
func (c *Client) LockUnspent(ctx context.Context, ops []wire.OutPoint, persistent bool) (bool, error) {
	return get[bool](ctx, c, "lockunspent", struct {
		Unlock     bool       `json:"unlock"`
		Outputs    []outPoint `json:"transactions"`
		Persistent bool       `json:"persistent"`
	}{false, outPoints(ops), persistent})
}

// LockUnspentRelease lets outputs be spent again; nil is all of them, an empty
// list none.
func (c *Client) LockUnspentRelease(ctx context.Context, ops []wire.OutPoint) (bool, error) {
	var some *[]outPoint
	if ops != nil {
		list := outPoints(ops)
		some = &list
	}
	return get[bool](ctx, c, "lockunspent", struct {
		Unlock  bool        `json:"unlock"`
		Outputs *[]outPoint `json:"transactions,omitempty"`
	}{true, some})
}

// ListLockUnspent lists the outputs that are kept from being spent.
func (c *Client) ListLockUnspent(ctx context.Context) ([]rpctypes.LockedUnspent, error) {
	return get[[]rpctypes.LockedUnspent](ctx, c, "listlockunspent", none{})
}

// ReceivedOptions say which payments count.
type ReceivedOptions struct {
	MinConf  *int32 `json:"minconf,omitempty"` // nil means 1
	Immature bool   `json:"include_immature_coinbase,omitempty"`
}

// GetReceivedByAddress returns what was paid to an address in all.
func (c *Client) GetReceivedByAddress(ctx context.Context, address string, o *ReceivedOptions) (rpctypes.Amount, error) {
	return get[rpctypes.Amount](ctx, c, "getreceivedbyaddress", struct {
		addressArg
		*ReceivedOptions
	}{addressArg{address}, o})
}

// GetReceivedByLabel returns what was paid to the addresses with a label in all.
func (c *Client) GetReceivedByLabel(ctx context.Context, label string, o *ReceivedOptions) (rpctypes.Amount, error) {
	return get[rpctypes.Amount](ctx, c, "getreceivedbylabel", struct {
		labelArg
		*ReceivedOptions
	}{labelArg{label}, o})
}

// ListReceivedByAddress lists what was paid to each address; with empty set also
// those that were never paid, and with only set no other.
func (c *Client) ListReceivedByAddress(ctx context.Context, empty bool, only string, o *ReceivedOptions) ([]rpctypes.ReceivedByAddress, error) {
	return get[[]rpctypes.ReceivedByAddress](ctx, c, "listreceivedbyaddress", struct {
		Empty bool   `json:"include_empty"`
		Only  string `json:"address_filter,omitempty"`
		*ReceivedOptions
	}{empty, only, o})
}

// ListReceivedByLabel lists what was paid to the addresses with each label; with
// empty set also labels whose addresses were never paid.
func (c *Client) ListReceivedByLabel(ctx context.Context, empty bool, o *ReceivedOptions) ([]rpctypes.ReceivedByLabel, error) {
	return get[[]rpctypes.ReceivedByLabel](ctx, c, "listreceivedbylabel", struct {
		Empty bool `json:"include_empty"`
		*ReceivedOptions
	}{empty, o})
}

// ListTransactionsOptions are for ListTransactions.
type ListTransactionsOptions struct {
	Label string `json:"label,omitempty"` // only payments to addresses with this label; empty for all
	Count int    `json:"count,omitempty"` // 0 means 10
	Skip  int    `json:"skip,omitempty"`  // how many of the newest to leave out
}

// ListTransactions lists the newest payments by and to the wallet, the oldest of
// them first.
func (c *Client) ListTransactions(ctx context.Context, o *ListTransactionsOptions) ([]rpctypes.HistoryEntry, error) {
	if o == nil {
		o = new(ListTransactionsOptions)
	}
	return get[[]rpctypes.HistoryEntry](ctx, c, "listtransactions", o)
}

// SinceOptions are for ListSinceBlock.
type SinceOptions struct {
	Target  int     `json:"target_confirmations,omitempty"` // how deep the block named in the result's LastBlock is; 0 means 1
	Removed *bool   `json:"include_removed,omitempty"`      // also what was only in blocks that left the chain; nil means true
	Change  bool    `json:"include_change,omitempty"`
	Label   *string `json:"label,omitempty"`
}

// ListSinceBlock lists the payments by and to the wallet in the blocks after one,
// nil for all, and those that are unconfirmed.
func (c *Client) ListSinceBlock(ctx context.Context, block *wire.Hash, o *SinceOptions) (rpctypes.SinceBlock, error) {
	return get[rpctypes.SinceBlock](ctx, c, "listsinceblock", struct {
		Block *wire.Hash `json:"blockhash,omitempty"`
		*SinceOptions
	}{block, o})
}

// GetTransaction tells all about a transaction of the wallet; with decode set it
// is described too.
func (c *Client) GetTransaction(ctx context.Context, id wire.Hash, decode bool) (rpctypes.WalletTx, error) {
	return get[rpctypes.WalletTx](ctx, c, "gettransaction", struct {
		txArg
		Decode bool `json:"verbose"`
	}{txArg{id}, decode})
}

// AbandonTransaction gives up an unconfirmed transaction that the node does not
// have.
func (c *Client) AbandonTransaction(ctx context.Context, id wire.Hash) error {
	return c.call(ctx, "abandontransaction", txArg{id}, nil)
}
