package jsonrpc

import (
	"context"
	"errors"
	"fmt"
)

// Code is the number of a JSON-RPC error. The values are Bitcoin Core's, so
// that its clients recognise them.
type Code int

// Errors of the protocol itself.
const (
	CodeInvalidRequest Code = -32600 // not a request object
	CodeMethodNotFound Code = -32601
	CodeInvalidParams  Code = -32602
	CodeInternal       Code = -32603
	CodeParse          Code = -32700 // not JSON
)

// Errors of methods.
const (
	CodeMisc            Code = -1  // anything without a number of its own
	CodeType            Code = -3  // an argument of the wrong JSON type
	CodeInvalidAddress  Code = -5  // also: no such block, transaction or key
	CodeInvalidParam    Code = -8  // an argument out of range
	CodeDatabase        Code = -20 // stored data is damaged
	CodeDeserialization Code = -22 // hexadecimal data that does not decode
	CodeVerify          Code = -25 // a block or transaction could not be handled
	CodeVerifyRejected  Code = -26 // refused by a rule
	CodeAlreadyInChain  Code = -27
	CodeInWarmup        Code = -28 // the node is still starting
	CodeDeprecated      Code = -32
)

// Errors about peers.
const (
	CodeClientNotConnected     Code = -9
	CodeClientInDownload       Code = -10
	CodeClientNodeAlreadyAdded Code = -23
	CodeClientNodeNotAdded     Code = -24
	CodeClientNodeNotConnected Code = -29
	CodeClientInvalidIPSubnet  Code = -30
	CodeClientCapacity         Code = -34 // all places of that kind are taken
)

// Errors about wallets.
const (
	CodeWallet              Code = -4 // anything without a number of its own
	CodeInsufficientFunds   Code = -6
	CodeLabel               Code = -11 // a label that cannot be
	CodeKeypoolRanOut       Code = -12
	CodeUnlockNeeded        Code = -13 // the wallet is locked
	CodePassphraseIncorrect Code = -14
	CodeWrongEncryption     Code = -15 // the wallet is encrypted, or is not
	CodeEncryptionFailed    Code = -16
	CodeWalletNotFound      Code = -18 // no such wallet is loaded
	CodeWalletNotSpecified  Code = -19 // several are loaded
	CodeWalletLoaded        Code = -35 // it is loaded already
	CodeWalletExists        Code = -36
)

// Error is a failed call as its caller sees it.
type Error struct {
	Code    Code   `json:"code" help:"the number of the error"`
	Message string `json:"message" help:"what is wrong, in words"`
}

// Error implements the error interface.
func (e *Error) Error() string { return e.Message }

// Is makes errors.Is(err, &Error{Code: c}) true for every error with that
// code, whatever its message.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code && (t.Message == "" || t.Message == e.Message)
}

// Errorf makes an error with a code.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// ToError turns whatever a handler returned into an [Error]. explain says what
// errors without a code mean, and may be nil; what it does not explain becomes
// [CodeMisc], as in Core.
func ToError(err error, explain func(error) error) *Error {
	var e *Error
	if !errors.As(err, &e) && explain != nil {
		err = explain(err)
	}
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		// Callers who have gone do not read it.
		return Errorf(CodeClientNotConnected, "Shutting down")
	}
	return &Error{Code: CodeMisc, Message: err.Error()}
}
