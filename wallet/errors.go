package wallet

import (
	"errors"
	"fmt"

	"starling/params"
	"starling/wire"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrLocked is returned when a secret is needed while it is encrypted.
	ErrLocked = errors.New("the wallet is locked; unlock it with its passphrase first")
	// ErrNotEncrypted is returned for passphrases of wallets that have none.
	ErrNotEncrypted = errors.New("the wallet is not encrypted")
	// ErrEncrypted is returned for encrypting a wallet a second time.
	ErrEncrypted = errors.New("the wallet is encrypted already")
	// ErrWatchOnly is returned when keys are needed that the wallet has not.
	ErrWatchOnly = errors.New("the wallet has no private keys: it can only watch")
	// ErrNotFound is returned for wallets that do not exist.
	ErrNotFound = errors.New("no such wallet")
	// ErrNotLoaded is returned for wallets that are not loaded.
	ErrNotLoaded = errors.New("the wallet is not loaded")
	// ErrLoaded is returned for loading a wallet twice.
	ErrLoaded = errors.New("the wallet is loaded already")
	// ErrUnloading is returned for loading a wallet while it is being unloaded.
	ErrUnloading = errors.New("the wallet is just being unloaded; load it once that is done")
	// ErrExists is returned for making a wallet whose name is taken.
	ErrExists = errors.New("a wallet of that name exists already")
	// ErrName is returned for names that no wallet can have.
	ErrName = errors.New("a wallet's name has letters, digits, spaces and .-_ only, begins with none of .- nor with autoload.dat, and has at most 64 characters")
	// ErrUnknownTx is returned for ids of transactions that the wallet does
	// not have.
	ErrUnknownTx = errors.New("the wallet has no such transaction")
	// ErrScanning is returned for a second rescan at the same time.
	ErrScanning = errors.New("the wallet is scanning already")
	// ErrScanAborted is returned by a scan that was ended before its end.
	ErrScanAborted = errors.New("the scan was aborted")
	// ErrNoAddress is returned for kinds of addresses that the wallet has no
	// keys for.
	ErrNoAddress = errors.New("the wallet has no keys for such addresses")
	// ErrIncomplete is returned for payments that need signatures of others.
	ErrIncomplete = errors.New("the wallet cannot sign all inputs of the payment")
	// ErrClosed is returned by wallets that have been unloaded.
	ErrClosed = errors.New("the wallet has been unloaded")
)

// errLoading is an ErrLoaded for a wallet that is about to be.
var errLoading = fmt.Errorf("%w just now", ErrLoaded)

// FundsError says that a payment needs more than there is.
type FundsError struct {
	Need, Have int64 // in satoshi; Need includes the fee
	Fee        int64
	Unsafe     int64 // of what is unconfirmed and comes from others
	Immature   int64 // of fresh coinbases
}

// Error implements the error interface.
func (e *FundsError) Error() string {
	s := fmt.Sprintf("%s needed, with a fee of %s, and %s there to spend", coins(e.Need), coins(e.Fee), coins(e.Have))
	if e.Immature > 0 {
		s += fmt.Sprintf("; %s more must mature first", coins(e.Immature))
	}
	if e.Unsafe > 0 {
		s += fmt.Sprintf("; %s more wait for confirmation", coins(e.Unsafe))
	}
	return s
}

// PaymentError says that a payment cannot be made as asked.
type PaymentError struct {
	Reason string
	// Param is set if no state of the wallet would do: what was asked for is
	// at fault.
	Param bool
}

// Error implements the error interface.
func (e *PaymentError) Error() string { return e.Reason }

func paymentErrorf(format string, args ...any) error {
	return &PaymentError{Reason: fmt.Sprintf(format, args...)}
}

func paramErrorf(format string, args ...any) error {
	return &PaymentError{Reason: fmt.Sprintf(format, args...), Param: true}
}

// RejectedError says that the node did not take a payment. The payment was
// not kept.
type RejectedError struct{ Err error }

// Error implements the error interface.
func (e *RejectedError) Error() string { return "the node refused the transaction: " + e.Err.Error() }

// Unwrap returns what the node said.
func (e *RejectedError) Unwrap() error { return e.Err }

// coins writes an amount in coins, for messages.
func coins(sat int64) string { return params.FormatCoins(sat) }

// pointName writes an outpoint as people do.
func pointName(op wire.OutPoint) string { return fmt.Sprintf("%s:%d", op.Hash, op.Index) }
