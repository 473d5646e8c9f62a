package describe

import (
	"errors"
	"strings"

	"starling/address"
	"starling/chain"
	"starling/rpc/jsonrpc"
	"starling/store"
)

// Error says what an error means to the caller that a part of the node returned to
// a method.
func Error(err error) error {
	if errors.Is(err, chain.ErrStopped) || errors.Is(err, store.ErrClosed) {
		return jsonrpc.Errorf(jsonrpc.CodeClientNotConnected, "Shutting down")
	}
	var own *jsonrpc.Error
	if errors.As(err, &own) {
		return own
	}
	// Which package says so is nothing to the caller.
	text := err.Error()
	for _, p := range []string{"chain", "coins", "consensus", "index", "mempool", "mining", "store", "wallet", "wire"} {
		text = strings.TrimPrefix(text, p+": ")
	}
	return &plainError{err, text}
}

// plainError is an error in other words.
type plainError struct {
	error
	text string
}

// Error implements the error interface.
func (e *plainError) Error() string { return e.text }

// Unwrap returns the error itself.
func (e *plainError) Unwrap() error { return e.error }

// AddressError says what is wrong with a text that is no address of the network.
func AddressError(err error) string {
	var elsewhere *address.NetworkError
	if errors.As(err, &elsewhere) {
		return elsewhere.Error()
	}
	var bad *address.Error
	if errors.As(err, &bad) {
		return bad.Reason
	}
	return err.Error()
}
