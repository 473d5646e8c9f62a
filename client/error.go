package client

import (
	"fmt"

	"starling/rpc/jsonrpc"
)

// What can go wrong with a call, beside the end of its context. errors.As tells
// them apart, and errors.Is(err, &Error{Code: c}) finds a code.
type (
	// Error is a call that the node answered with an error: its code is one of
	// those of package jsonrpc, and its message is meant for people.
	Error = jsonrpc.Error
	// UnreachableError says that no node answered.
	UnreachableError = jsonrpc.UnreachableError
	// AuthError says that there were no credentials, or that the node refused
	// them.
	AuthError = jsonrpc.AuthError
	// BadAnswerError says that what answered is no node.
	BadAnswerError = jsonrpc.BadAnswerError
	// TooLargeError says that an answer was longer than Options.MaxAnswer.
	TooLargeError = jsonrpc.TooLargeError
)

// ResultError says that a result is not of the type that was asked for.
type ResultError struct {
	Method string
	Cause  error
}

// Error implements the error interface.
func (e *ResultError) Error() string {
	return fmt.Sprintf("the result of %s is not what it should be: %v", e.Method, e.Cause)
}

// Unwrap returns the cause.
func (e *ResultError) Unwrap() error { return e.Cause }
