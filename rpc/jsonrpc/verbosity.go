package jsonrpc

import (
	"encoding/json"
	"strconv"
)

// Verbosity is a level of detail that older clients give as a boolean.
type Verbosity int

// ArgType implements [Argument].
func (*Verbosity) ArgType() Type { return "" }

// ArgWord implements [Argument].
func (*Verbosity) ArgWord() string { return "numeric" }

// DecodeArg implements [Argument].
func (v *Verbosity) DecodeArg(_ string, raw json.RawMessage) error {
	switch TypeOf(raw) {
	case TypeBool:
		*v = 0
		if raw[0] == 't' {
			*v = 1
		}
	case TypeNumber:
		n, err := strconv.ParseInt(string(raw), 10, 32)
		if err != nil {
			return Errorf(CodeMisc, "JSON integer out of range")
		}
		*v = Verbosity(n)
	default:
		return Errorf(CodeType, "JSON value of type %s is not of expected type number", TypeOf(raw))
	}
	return nil
}
