package params

import (
	"math"
	"testing"
)

func TestCoins(t *testing.T) {
	for _, tc := range []struct {
		sat         int64
		full, short string
	}{
		{0, "0.00000000", "0"},
		{1, "0.00000001", "0.00000001"},
		{-1, "-0.00000001", "-0.00000001"},
		{Coin, "1.00000000", "1"},
		{-150_000_000, "-1.50000000", "-1.5"},
		{1000 * Coin, "1000.00000000", "1000"},
		{math.MaxInt64, "92233720368.54775807", "92233720368.54775807"},
		{math.MinInt64, "-92233720368.54775808", "-92233720368.54775808"},
	} {
		if full, short := FormatCoins(tc.sat), ShortCoins(tc.sat); full != tc.full || short != tc.short {
			t.Errorf("%d is %q and %q, want %q and %q", tc.sat, full, short, tc.full, tc.short)
		}
	}
}
