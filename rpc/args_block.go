package rpc

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"starling/wire"
)

// milliseconds is a time that a caller names, no longer than durations can be.
func milliseconds(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt32)) * time.Millisecond
}

// HashOrHeight names a block either way.
type HashOrHeight struct {
	Hash     wire.Hash
	Height   int32
	IsHeight bool
}

func (*HashOrHeight) argType() jsonType { return "" }

func (*HashOrHeight) argWord() string { return "string or numeric" }

func (h *HashOrHeight) decodeArg(name string, raw json.RawMessage) error {
	switch typeOf(raw) {
	case typeNumber:
		n, err := strconv.ParseInt(string(raw), 10, 32)
		if err != nil {
			return Errorf(CodeMisc, "JSON integer out of range")
		}
		h.Height, h.IsHeight = int32(n), true
		return nil
	case typeString:
		s, err := decodeString(raw)
		if err != nil {
			return err
		}
		hash, err := ParseHash(name, s)
		h.Hash = hash
		return err
	default:
		return Errorf(CodeType, "JSON value of type %s is not of expected type string", typeOf(raw))
	}
}
