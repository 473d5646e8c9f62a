package rpcargs

import (
	"encoding/json"
	"testing"
)

// TestRate reads fee rates in satoshi for a virtual byte.
func TestRate(t *testing.T) {
	for raw, want := range map[string]FeeRate{
		`1`: 1000, `"1.5"`: 1500, `1.0000000000`: 1000, `1e-3`: 1, `"1E1"`: 10_000, `0.0010`: 1,
	} {
		var got FeeRate
		if err := got.DecodeArg("", json.RawMessage(raw)); err != nil || got != want {
			t.Errorf("%s was read as %d, %v; want %d", raw, got, err, want)
		}
	}
	for _, raw := range []string{`1e-4`, `1.0001`, `" 1"`, `"1."`, `".5"`, `true`, `-1`} {
		var got FeeRate
		if err := got.DecodeArg("", json.RawMessage(raw)); err == nil {
			t.Errorf("%s was read as %d", raw, got)
		}
	}
}
