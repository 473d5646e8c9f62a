package walletrpc

import (
	"context"
	"errors"
	"strings"

	"starling/address"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/store"
	"starling/store/journal"
	"starling/wallet"
)

// WalletPath is where calls for one wallet go, followed by its name.
const WalletPath = rpctypes.WalletPath

// WithWallet returns a context whose calls are for the wallet of that name.
func WithWallet(ctx context.Context, name string) context.Context {
	return jsonrpc.WithPath(ctx, WalletPath+name)
}

func walletName(ctx context.Context) (string, bool) {
	return strings.CutPrefix(jsonrpc.PathOf(ctx), WalletPath)
}

// manager returns the node's wallets.
func (a *api) manager() (*wallet.Manager, error) {
	if a.Wallets == nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeMethodNotFound, "This node has no wallets (it runs with --no-wallet)")
	}
	return a.Wallets, nil
}

// named returns the wallet that a call is for: the one of its path, or the only
// one that is loaded.
func (a *api) named(ctx context.Context) (*wallet.Wallet, error) {
	m, err := a.manager()
	if err != nil {
		return nil, err
	}
	if name, ok := walletName(ctx); ok {
		w, err := m.Get(name)
		if err != nil {
			return nil, jsonrpc.Errorf(jsonrpc.CodeWalletNotFound, "Requested wallet does not exist or is not loaded")
		}
		return w, nil
	}
	switch all := m.Loaded(); len(all) {
	case 0:
		return nil, jsonrpc.Errorf(jsonrpc.CodeWalletNotFound, "No wallet is loaded. Load a wallet using loadwallet or create a new one with createwallet. (Note: A default wallet is no longer automatically created)")
	case 1:
		return all[0], nil
	default:
		return nil, jsonrpc.Errorf(jsonrpc.CodeWalletNotSpecified, "Multiple wallets are loaded. Please select which wallet to use by requesting the RPC through the /wallet/<walletname> URI path.")
	}
}

// wallet is [api.named] with the wallet brought to where the chain and the pool
// stand, unless that would take long.
func (a *api) wallet(ctx context.Context) (*wallet.Wallet, error) {
	w, err := a.named(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.Keep(ctx); err != nil {
		return nil, walletError(err)
	}
	return w, nil
}

// keys is [api.wallet] for calls that need what is in the wallet's file and no
// more: a wallet that can not follow the chain answers them all the same.
func (a *api) keys(ctx context.Context) (*wallet.Wallet, error) {
	w, err := a.named(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.Keep(ctx); err != nil && ctx.Err() != nil {
		return nil, err
	}
	return w, nil
}

// walletError turns an error of a wallet into Core's.
func walletError(err error) error {
	var (
		funds    *wallet.FundsError
		payment  *wallet.PaymentError
		rejected *wallet.RejectedError
		pruned   *wallet.PrunedError
		corrupt  *store.CorruptError
		version  *store.VersionError
		own      *jsonrpc.Error
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case errors.Is(err, wallet.ErrLocked):
		return jsonrpc.Errorf(jsonrpc.CodeUnlockNeeded, "Error: Please enter the wallet passphrase with walletpassphrase first.")
	case errors.Is(err, wallet.ErrPassphrase):
		return jsonrpc.Errorf(jsonrpc.CodePassphraseIncorrect, "Error: The wallet passphrase entered was incorrect.")
	case errors.Is(err, wallet.ErrWatchOnly):
		return jsonrpc.Errorf(jsonrpc.CodeWallet, "Error: Private keys are disabled for this wallet")
	case errors.Is(err, wallet.ErrNotFound), errors.Is(err, wallet.ErrNotLoaded):
		return jsonrpc.Errorf(jsonrpc.CodeWalletNotFound, "Requested wallet does not exist or is not loaded")
	case errors.Is(err, wallet.ErrUnknownTx):
		return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Invalid or non-wallet transaction id")
	case errors.Is(err, wallet.ErrScanning):
		return jsonrpc.Errorf(jsonrpc.CodeWallet, "Wallet is currently rescanning. Abort existing rescan or wait.")
	case errors.Is(err, wallet.ErrScanAborted):
		return jsonrpc.Errorf(jsonrpc.CodeMisc, "Rescan aborted by user.")
	case errors.Is(err, wallet.ErrNoAddress):
		return jsonrpc.Errorf(jsonrpc.CodeKeypoolRanOut, "Error: This wallet has no available keys (%v)", err)
	case errors.As(err, &funds):
		return jsonrpc.Errorf(jsonrpc.CodeInsufficientFunds, "Insufficient funds: %v", funds)
	case errors.As(err, &payment) && payment.Param:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "%s", payment.Reason)
	case errors.As(err, &payment):
		return jsonrpc.Errorf(jsonrpc.CodeWallet, "%s", payment.Reason)
	case errors.Is(err, wallet.ErrIncomplete):
		return jsonrpc.Errorf(jsonrpc.CodeWallet, "Signing transaction failed: %v", err)
	case errors.As(err, &pruned):
		return jsonrpc.Errorf(jsonrpc.CodeWallet, "%v", pruned)
	case errors.As(err, &rejected):
		return jsonrpc.Errorf(jsonrpc.CodeVerifyRejected, "%v", rejected.Err)
	case errors.As(err, &corrupt), errors.As(err, &version), errors.Is(err, journal.ErrExists):
		return jsonrpc.Errorf(jsonrpc.CodeWallet, "%v", err)
	}
	return err
}

// address decodes an address of the node's network.
func (a *api) address(s string) (address.Address, error) {
	to, err := address.Decode(s, a.network())
	var other *address.NetworkError
	switch {
	case errors.As(err, &other):
		return to, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Invalid Bitcoin address: %s (%v)", s, other)
	case err != nil:
		return to, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Invalid Bitcoin address: %s", s)
	}
	return to, nil
}

// addressKind reads a kind of addresses; an empty one is the wallet's choice.
func addressKind(s string) (wallet.Kind, error) {
	if s == "" {
		return "", nil
	}
	kind, ok := wallet.ParseKind(s)
	if !ok {
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Unknown address type '%s'", s)
	}
	return kind, nil
}

// checkLabel refuses labels that Core keeps for itself.
func checkLabel(s string) error {
	if s == "*" {
		return jsonrpc.Errorf(jsonrpc.CodeLabel, "Invalid label name")
	}
	return nil
}
