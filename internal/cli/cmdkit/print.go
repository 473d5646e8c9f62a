package cmdkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"starling/params"
	"starling/rpc/jsonrpc"
)

// Plural returns a number with a noun, such as "1 block" or "2 blocks".
func Plural(n int, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "s"):
		what += "es"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// CoinText writes an amount in coins without needless zeros.
func CoinText(sat int64) string { return params.ShortCoins(sat) }

// WriteJSON writes a value as an indented JSON document.
func WriteJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Explain puts an error of a call into one line.
func Explain(method string, err error) error {
	var e *jsonrpc.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Code == jsonrpc.CodeMethodNotFound {
		if here := foreignCommands[strings.ToLower(method)]; here != "" {
			return fmt.Errorf("the node has no method %q; %s", method, here)
		}
		if near := nearestMethod(method); near != "" && near != method {
			return fmt.Errorf("the node has no method %q; did you mean %s?", method, near)
		}
		return fmt.Errorf("the node has no method %q; \"starling rpc help\" lists them", method)
	}
	if e.Code == jsonrpc.CodeWalletNotSpecified {
		return fmt.Errorf("several wallets are loaded; --wallet says which one is meant (error code %d)", e.Code)
	}
	// The node answers a wrong number of arguments with the whole help.
	if first, _, long := strings.Cut(e.Message, "\n\n"); long && strings.HasPrefix(e.Message, method) {
		return UsageError{Err: fmt.Errorf("usage: %s", first)}
	}
	return fmt.Errorf("%s (error code %d)", e.Message, e.Code)
}

// PrintResult prints texts as they are, nothing for null, and JSON otherwise.
func PrintResult(w io.Writer, result json.RawMessage) error {
	if len(result) == 0 || string(result) == "null" {
		return nil
	}
	if result[0] == '"' {
		var s string
		if err := json.Unmarshal(result, &s); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, s)
		return err
	}
	var buf bytes.Buffer
	if err := json.Indent(&buf, result, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, buf.String())
	return err
}
