package rpctypes

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"starling/rpc/jsonrpc"
)

// SatoshiPerCoin is how many of the smallest units make one coin.
const SatoshiPerCoin = 100_000_000

// Amount is a number of satoshi that is written in coins with exactly eight
// decimals, the way Core writes money. No floating point is involved.
type Amount int64

// String returns the amount in coins, such as "0.00012000". It is written here, and not
// by package params, as programs that link no node link this.
func (a Amount) String() string {
	sign, v := "", uint64(a)
	if a < 0 {
		sign, v = "-", -v
	}
	frac := strconv.FormatUint(v%SatoshiPerCoin, 10)
	return sign + strconv.FormatUint(v/SatoshiPerCoin, 10) + "." + strings.Repeat("0", 8-len(frac)) + frac
}

// MarshalJSON writes the amount as a JSON number.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalJSON reads what [Amount.MarshalJSON] writes, below zero too; and as
// other programs write amounts: in quotes, with an exponent, or with fewer
// decimals. Arguments are read by [DecodeAmount], which knows what may be paid.
func (a *Amount) UnmarshalJSON(b []byte) error {
	if jsonrpc.TypeOf(b) == jsonrpc.TypeNull {
		return nil
	}
	s, err := NumberText(b)
	if err != nil {
		return err
	}
	digits, negative := strings.CutPrefix(s, "-")
	v, err := parseFixed(digits, 8)
	if err != nil {
		return err
	}
	if negative {
		v = -v
	}
	*a = Amount(v)
	return nil
}

// MaxMoney is the most satoshi that an argument may name: 21 million coins.
const MaxMoney = 21_000_000 * SatoshiPerCoin

// ParseAmount reads coins with up to eight decimals, exactly. It fails with
// [CodeType] as Core does, for amounts out of range too.
func ParseAmount(s string) (Amount, error) {
	v, err := ParseFixed(s, 8)
	return Amount(v), err
}

// maxDigits is how long a number is that is out of range, and not just wrong.
const maxDigits = 18

// ParseFixed reads a number as JSON writes it, with an exponent or without, and
// returns how many units it is of which there are 10^decimals in one. What is
// less than a unit must be zeros.
// Beyond [MaxMoney], and below zero, it is out of range.
func ParseFixed(s string, decimals int) (int64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	v, err := parseFixed(digits, decimals)
	if err == nil && (negative && v != 0 || v > MaxMoney) {
		return 0, jsonrpc.Errorf(jsonrpc.CodeType, "Amount out of range")
	}
	return v, err
}

// parseFixed is [ParseFixed] for any number without a sign.
func parseFixed(digits string, decimals int) (int64, error) {
	bad := jsonrpc.Errorf(jsonrpc.CodeType, "Invalid amount")
	power := decimals
	if at := strings.IndexAny(digits, "eE"); at >= 0 {
		exp := digits[at+1:]
		if n := strings.TrimLeft(exp, "+-"); len(exp)-len(n) > 1 || !allDigits(n) {
			return 0, bad
		}
		e, err := strconv.ParseInt(exp, 10, 16)
		if err != nil {
			return 0, bad // no amount has so many zeros
		}
		power, digits = power+int(e), digits[:at]
	}
	whole, frac, point := strings.Cut(digits, ".")
	if !allDigits(whole) || point && !allDigits(frac) || len(whole) > 1 && whole[0] == '0' {
		return 0, bad
	}
	power -= len(frac)
	digits = strings.TrimLeft(whole+frac, "0")
	// Zeros at the end are taken off and added by the power alone.
	significant := strings.TrimRight(digits, "0")
	power += len(digits) - len(significant)
	switch {
	case significant == "":
		return 0, nil
	case power < 0, len(significant)+power > maxDigits:
		return 0, bad
	}
	v, err := strconv.ParseInt(significant+strings.Repeat("0", power), 10, 64)
	if err != nil {
		return 0, bad
	}
	return v, nil
}

// allDigits reports whether s is one decimal digit or more.
func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// DecodeAmount reads an amount of coins, exactly.
func DecodeAmount(raw json.RawMessage) (Amount, error) {
	s, err := NumberText(raw)
	if err != nil {
		return 0, err
	}
	return ParseAmount(s)
}

// NumberText returns the text of an amount or a rate, which may stand in quotes.
func NumberText(raw json.RawMessage) (string, error) {
	switch jsonrpc.TypeOf(raw) {
	case jsonrpc.TypeString:
		return jsonrpc.DecodeString(bytes.TrimSpace(raw))
	case jsonrpc.TypeNumber:
		return string(bytes.TrimSpace(raw)), nil
	default:
		return "", jsonrpc.Errorf(jsonrpc.CodeType, "Amount is not a number or string")
	}
}
