package rpc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// satoshiPerCoin is how many of the smallest units make one coin.
const satoshiPerCoin = 100_000_000

// Amount is a number of satoshi that is written in coins with exactly eight
// decimals, the way Core writes money. No floating point is involved.
type Amount int64

// String returns the amount in coins, such as "0.00012000".
func (a Amount) String() string {
	sign, v := "", uint64(a)
	if a < 0 {
		sign, v = "-", -v
	}
	frac := strconv.FormatUint(v%satoshiPerCoin, 10)
	return sign + strconv.FormatUint(v/satoshiPerCoin, 10) + "." + strings.Repeat("0", 8-len(frac)) + frac
}

// MarshalJSON writes the amount as a JSON number.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalJSON reads a number or a string of coins with up to eight decimals.
func (a *Amount) UnmarshalJSON(b []byte) error {
	v, err := parseMoney(b)
	if err == nil {
		*a = v
	}
	return err
}

// maxMoney is the most satoshi that an argument may name: 21 million coins.
const maxMoney = 21_000_000 * satoshiPerCoin

// ParseAmount reads coins with up to eight decimals, exactly. It fails with
// [CodeType] as Core does, for amounts out of range too.
func ParseAmount(s string) (Amount, error) {
	v, err := parseFixed(s, 8)
	return Amount(v), err
}

// maxDigits is how long a number is that is out of range, and not just wrong.
const maxDigits = 18

// parseFixed reads a number as JSON writes it, with an exponent or without, and
// returns how many units it is of which there are 10^decimals in one. What is
// less than a unit must be zeros.
func parseFixed(s string, decimals int) (int64, error) {
	bad := Errorf(CodeType, "Invalid amount")
	digits, negative := strings.CutPrefix(s, "-")
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
	switch {
	case err != nil:
		return 0, bad
	case negative, v > maxMoney:
		return 0, Errorf(CodeType, "Amount out of range")
	}
	return v, nil
}

// allDigits reports whether s is one decimal digit or more.
func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Float is a number that is written with up to 16 significant digits, as Core
// writes difficulties and times.
type Float float64

// MarshalJSON writes the number.
func (f Float) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(f), 'g', 16, 64), nil
}

// Hex is a byte string that is written as hexadecimal digits.
type Hex []byte

// MarshalJSON writes the digits as a JSON string.
func (h Hex) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 2*len(h)+2)
	b = append(b, '"')
	b = hex.AppendEncode(b, h)
	return append(b, '"'), nil
}

// Member is one name and value of an [Object].
type Member struct {
	Name  string
	Value any
}

// Object is a JSON object whose member names are only known at run time and
// which keeps its order.
type Object []Member

// MarshalJSON writes the members in order.
func (o Object) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			buf.WriteByte(',')
		}
		if err := encodeJSON(&buf, m.Name); err != nil {
			return nil, err
		}
		buf.WriteByte(':')
		if err := encodeJSON(&buf, m.Value); err != nil {
			return nil, err
		}
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// encodeJSON writes v without a newline and without escaping <, > and &, which
// only matter inside HTML.
func encodeJSON(w *bytes.Buffer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	w.Truncate(w.Len() - 1)
	return nil
}

// rawMember is one member of a decoded object. Unlike encoding/json's structs
// and maps, a list of them keeps order, case and repeated names apart.
type rawMember struct {
	name  string
	value json.RawMessage
}

// decodeObject splits a JSON object into its members.
func decodeObject(raw []byte) ([]rawMember, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	var ms []rawMember
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := rawMember{name: t.(string)}
		if err := dec.Decode(&m.value); err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("text after the JSON object")
	}
	return ms, nil
}

// member returns the first member with one of the names, or nil.
func member(ms []rawMember, names ...string) json.RawMessage {
	for _, m := range ms {
		if slices.Contains(names, m.name) {
			return m.value
		}
	}
	return nil
}

// jsonType is the type of a JSON value, by the names that errors use.
type jsonType string

const (
	typeNull   jsonType = "null"
	typeBool   jsonType = "bool"
	typeObject jsonType = "object"
	typeArray  jsonType = "array"
	typeString jsonType = "string"
	typeNumber jsonType = "number"
)

// typeOf tells the type of a well-formed JSON value from its first byte. An
// absent value is null.
func typeOf(raw json.RawMessage) jsonType {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return typeNull
	}
	switch raw[0] {
	case 'n':
		return typeNull
	case 't', 'f':
		return typeBool
	case '{':
		return typeObject
	case '[':
		return typeArray
	case '"':
		return typeString
	default:
		return typeNumber
	}
}
