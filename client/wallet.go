package client

import (
	"context"
	"encoding/json"
	"time"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
)

// CreateWalletOptions are for CreateWallet.
type CreateWalletOptions struct {
	NoKeys        bool     `json:"disable_private_keys,omitempty"` // only watch
	Blank         bool     `json:"blank,omitempty"`                // make no keys; import them later
	Passphrase    string   `json:"passphrase,omitempty"`           // encrypts the secrets
	LoadOnStartup *bool    `json:"load_on_startup,omitempty"`
	Mnemonic      string   `json:"mnemonic,omitempty"`            // the seed phrase of a wallet to restore
	Extra         string   `json:"mnemonic_passphrase,omitempty"` // the phrase's own passphrase (BIP39)
	Words         int      `json:"mnemonic_words,omitempty"`      // of a new phrase: 12, the default, or 24
	Show          bool     `json:"show_mnemonic,omitempty"`       // return the phrase
	Birthday      int64    `json:"birthday,omitempty"`            // when the first payment can have been made, in seconds since 1970
	Gap           int32    `json:"gap,omitempty"`                 // how many unused addresses are watched; 0 for 1,000
	Kinds         []string `json:"address_types,omitempty"`       // to restore; nil means bech32 and bech32m
}

// CreateWallet makes a wallet and loads it.
func (c *Client) CreateWallet(ctx context.Context, name string, o *CreateWalletOptions) (rpctypes.CreatedWallet, error) {
	return get[rpctypes.CreatedWallet](ctx, c, "createwallet", struct {
		Name string `json:"wallet_name"`
		*CreateWalletOptions
	}{name, o})
}

// LoadWallet loads a wallet from disk. onStartup says whether it is loaded at
// every start from now on; nil leaves that as it is.
func (c *Client) LoadWallet(ctx context.Context, name string, onStartup *bool) (rpctypes.CreatedWallet, error) {
	return get[rpctypes.CreatedWallet](ctx, c, "loadwallet", struct {
		Name      string `json:"filename"`
		OnStartup *bool  `json:"load_on_startup,omitempty"`
	}{name, onStartup})
}

// UnloadWallet writes a wallet to disk and forgets it: the one named, or that of
// [Client.WithWallet] if name is empty. onStartup is as in LoadWallet.
func (c *Client) UnloadWallet(ctx context.Context, name string, onStartup *bool) (rpctypes.UnloadedWallet, error) {
	return get[rpctypes.UnloadedWallet](ctx, c, "unloadwallet", struct {
		Name      string `json:"wallet_name,omitempty"`
		OnStartup *bool  `json:"load_on_startup,omitempty"`
	}{name, onStartup})
}

// RestoreWallet makes a wallet of a backup and loads it. onStartup is as in
// LoadWallet.
func (c *Client) RestoreWallet(ctx context.Context, name, backup string, onStartup *bool) (rpctypes.CreatedWallet, error) {
	return get[rpctypes.CreatedWallet](ctx, c, "restorewallet", struct {
		Name      string `json:"wallet_name"`
		Backup    string `json:"backup_file"`
		OnStartup *bool  `json:"load_on_startup,omitempty"`
	}{name, backup, onStartup})
}

// BackupWallet writes a copy of the wallet to a file of the node's machine, which
// must not exist.
func (c *Client) BackupWallet(ctx context.Context, path string) error {
	return c.call(ctx, "backupwallet", struct {
		Path string `json:"destination"`
	}{path}, nil)
}

// ListWallets lists the wallets that are loaded.
func (c *Client) ListWallets(ctx context.Context) ([]string, error) {
	return get[[]string](ctx, c, "listwallets", none{})
}

// ListWalletDir lists the wallets on disk.
func (c *Client) ListWalletDir(ctx context.Context) (rpctypes.WalletDir, error) {
	return get[rpctypes.WalletDir](ctx, c, "listwalletdir", none{})
}

// GetWalletInfo tells how the wallet stands.
func (c *Client) GetWalletInfo(ctx context.Context) (rpctypes.WalletInfo, error) {
	return get[rpctypes.WalletInfo](ctx, c, "getwalletinfo", none{})
}

// EncryptWallet encrypts the wallet's secrets and locks it. It returns what to do
// next.
func (c *Client) EncryptWallet(ctx context.Context, passphrase string) (string, error) {
	return get[string](ctx, c, "encryptwallet", struct {
		Passphrase string `json:"passphrase"`
	}{passphrase})
}

// WalletPassphrase unlocks the wallet for a time, in whole seconds.
func (c *Client) WalletPassphrase(ctx context.Context, passphrase string, d time.Duration) error {
	return c.call(ctx, "walletpassphrase", struct {
		Passphrase string `json:"passphrase"`
		Seconds    int64  `json:"timeout"`
	}{passphrase, int64(d / time.Second)}, nil)
}

// WalletLock locks the wallet.
func (c *Client) WalletLock(ctx context.Context) error {
	return c.call(ctx, "walletlock", none{}, nil)
}

// WalletPassphraseChange changes the wallet's passphrase.
func (c *Client) WalletPassphraseChange(ctx context.Context, from, to string) error {
	return c.call(ctx, "walletpassphrasechange", struct {
		From string `json:"oldpassphrase"`
		To   string `json:"newpassphrase"`
	}{from, to}, nil)
}

// GetWalletMnemonic shows the seed phrase.
func (c *Client) GetWalletMnemonic(ctx context.Context) (rpctypes.Mnemonic, error) {
	return get[rpctypes.Mnemonic](ctx, c, "getwalletmnemonic", none{})
}

// RescanBlockchain reads the chain again for the wallet's payments, from a height
// on, to another or if that is nil the tip.
func (c *Client) RescanBlockchain(ctx context.Context, from int32, to *int32) (rpctypes.Rescan, error) {
	return get[rpctypes.Rescan](ctx, c, "rescanblockchain", struct {
		From int32  `json:"start_height"`
		To   *int32 `json:"stop_height,omitempty"`
	}{from, to})
}

// AbortRescan ends a rescan, and reports whether there was one.
func (c *Client) AbortRescan(ctx context.Context) (bool, error) {
	return get[bool](ctx, c, "abortrescan", none{})
}

// addressArg is an address.
type addressArg struct {
	Address string `json:"address"`
}

// labelArg is a label.
type labelArg struct {
	Label string `json:"label"`
}

// GetNewAddress returns a new address. kind is legacy, p2sh-segwit, bech32, the
// default, or bech32m.
func (c *Client) GetNewAddress(ctx context.Context, label, kind string) (string, error) {
	return get[string](ctx, c, "getnewaddress", struct {
		labelArg
		Kind string `json:"address_type,omitempty"`
	}{labelArg{label}, kind})
}

// GetRawChangeAddress returns a new address for change. kind is as in
// GetNewAddress.
func (c *Client) GetRawChangeAddress(ctx context.Context, kind string) (string, error) {
	return get[string](ctx, c, "getrawchangeaddress", struct {
		Kind string `json:"address_type,omitempty"`
	}{kind})
}

// GetAddressInfo tells what the wallet knows of an address.
func (c *Client) GetAddressInfo(ctx context.Context, address string) (rpctypes.AddressInfo, error) {
	return get[rpctypes.AddressInfo](ctx, c, "getaddressinfo", addressArg{address})
}

// SetLabel gives an address a label.
func (c *Client) SetLabel(ctx context.Context, address, label string) error {
	return c.call(ctx, "setlabel", struct {
		addressArg
		labelArg
	}{addressArg{address}, labelArg{label}}, nil)
}

// ListLabels lists the labels of addresses that receive or that are sent to;
// purpose is receive, send, or empty for both.
func (c *Client) ListLabels(ctx context.Context, purpose string) ([]string, error) {
	return get[[]string](ctx, c, "listlabels", struct {
		Purpose string `json:"purpose,omitempty"`
	}{purpose})
}

// GetAddressesByLabel lists the addresses with a label.
func (c *Client) GetAddressesByLabel(ctx context.Context, label string) (jsonrpc.Map[rpctypes.AddressPurpose], error) {
	return get[jsonrpc.Map[rpctypes.AddressPurpose]](ctx, c, "getaddressesbylabel", labelArg{label})
}

// KeypoolRefill has at least so many unused addresses of each kind watched; 0 for
// as many as before.
func (c *Client) KeypoolRefill(ctx context.Context, size int32) error {
	return c.call(ctx, "keypoolrefill", struct {
		Size int32 `json:"newsize"`
	}{size}, nil)
}

// ListDescriptors lists the wallet's descriptors, with private keys if private is
// set.
func (c *Client) ListDescriptors(ctx context.Context, private bool) (rpctypes.WalletDescriptors, error) {
	return get[rpctypes.WalletDescriptors](ctx, c, "listdescriptors", struct {
		Private bool `json:"private"`
	}{private})
}

// Import is a descriptor to add to a wallet.
type Import struct {
	Desc      string    `json:"desc"`      // with its checksum
	Timestamp Timestamp `json:"timestamp"` // when the first payment can have been made
	Active    bool      `json:"active,omitempty"`
	Range     *[2]int64 `json:"range,omitempty"` // the first and the last index to watch
	NextIndex *int32    `json:"next_index,omitempty"`
	Internal  bool      `json:"internal,omitempty"` // for change
	Label     *string   `json:"label,omitempty"`
}

// Timestamp is a time in seconds since 1970, or [Now].
type Timestamp int64

// Now stands for the time of the tip, so that no block is read.
const Now Timestamp = -1

// MarshalJSON writes the number, or the word.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t == Now {
		return []byte(`"now"`), nil
	}
	return json.Marshal(int64(t))
}

// ImportDescriptors adds descriptors to the wallet, and looks for payments to
// them. Each succeeds or fails by itself.
func (c *Client) ImportDescriptors(ctx context.Context, list ...Import) ([]rpctypes.ImportResult, error) {
	return get[[]rpctypes.ImportResult](ctx, c, "importdescriptors", struct {
		List []Import `json:"requests"`
	}{orEmpty(list)})
}
