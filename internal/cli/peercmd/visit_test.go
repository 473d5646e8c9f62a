package peercmd

import (
	"testing"
	"time"

	"starling/wire"
)

// What hostile nodes tell of times and services is shown as text of some width.
func TestShown(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for at, want := range map[int64]string{0: "unknown", 1_699_996_400: "1h0m0s ago", 1_700_000_010: "0s ago", 1_700_000_100: "in the future", 1 << 32: "in the future", 1 << 62: "in the future"} {
		if got := seenText(now, at); got != want {
			t.Errorf("%d: %s, want %s", at, got, want)
		}
	}
	for bits, want := range map[uint64]string{
		uint64(wire.NodeNetwork | wire.NodeWitness): "network|witness", 1<<64 - 1: "0xffffffffffffffff", 0: "none",
	} {
		if got := servicesText(bits); got != want {
			t.Errorf("%#x: %s, want %s", bits, got, want)
		}
	}
}
