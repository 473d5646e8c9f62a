package jsonrpc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
)

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

// UnmarshalJSON reads a JSON string of hexadecimal digits.
func (h *Hex) UnmarshalJSON(raw []byte) error {
	if TypeOf(raw) == TypeNull {
		return nil
	}
	var digits string
	if err := json.Unmarshal(raw, &digits); err != nil {
		return err
	}
	b, err := hex.DecodeString(digits)
	if err == nil {
		*h = b
	}
	return err
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

// RawMember is one member of a decoded object. Unlike encoding/json's structs
// and maps, a list of them keeps order, case and repeated names apart.
type RawMember struct {
	Name  string
	Value json.RawMessage
}

// DecodeObject splits a JSON object into its members.
func DecodeObject(raw []byte) ([]RawMember, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	var ms []RawMember
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := RawMember{Name: t.(string)}
		if err := dec.Decode(&m.Value); err != nil {
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

// Get returns the first member with one of the names, or nil.
func Get(ms []RawMember, names ...string) json.RawMessage {
	for _, m := range ms {
		if slices.Contains(names, m.Name) {
			return m.Value
		}
	}
	return nil
}

// Type is the type of a JSON value, by the names that errors use.
type Type string

// The types of JSON values.
const (
	TypeNull   Type = "null"
	TypeBool   Type = "bool"
	TypeObject Type = "object"
	TypeArray  Type = "array"
	TypeString Type = "string"
	TypeNumber Type = "number"
)

// TypeOf tells the type of a well-formed JSON value from its first byte. An
// absent value is null.
func TypeOf(raw json.RawMessage) Type {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return TypeNull
	}
	switch raw[0] {
	case 'n':
		return TypeNull
	case 't', 'f':
		return TypeBool
	case '{':
		return TypeObject
	case '[':
		return TypeArray
	case '"':
		return TypeString
	default:
		return TypeNumber
	}
}
