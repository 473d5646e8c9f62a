package rpcargs

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"starling/rpc/jsonrpc"
	"starling/wire"
)

// Milliseconds is a time that a caller names, no longer than durations can be.
func Milliseconds(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt32)) * time.Millisecond
}

// HashOrHeight names a block either way.
type HashOrHeight struct {
	Hash     wire.Hash
	Height   int32
	IsHeight bool
}

// ArgType implements [jsonrpc.Argument].
func (*HashOrHeight) ArgType() jsonrpc.Type { return "" }

// ArgWord implements [jsonrpc.Argument].
func (*HashOrHeight) ArgWord() string { return "string or numeric" }

// DecodeArg implements [jsonrpc.Argument].
func (h *HashOrHeight) DecodeArg(name string, raw json.RawMessage) error {
	switch jsonrpc.TypeOf(raw) {
	case jsonrpc.TypeNumber:
		n, err := strconv.ParseInt(string(raw), 10, 32)
		if err != nil {
			return jsonrpc.Errorf(jsonrpc.CodeMisc, "JSON integer out of range")
		}
		h.Height, h.IsHeight = int32(n), true
		return nil
	case jsonrpc.TypeString:
		s, err := jsonrpc.DecodeString(raw)
		if err != nil {
			return err
		}
		hash, err := jsonrpc.ParseHash(name, s)
		h.Hash = hash
		return err
	default:
		return jsonrpc.Errorf(jsonrpc.CodeType, "JSON value of type %s is not of expected type string", jsonrpc.TypeOf(raw))
	}
}
