package rpcargs

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestValidOps(t *testing.T) {
	for s, want := range map[string]bool{
		"": true, "51": true, "b9": true, "ba": false, "0102": true, "0201": false, "4c": false, "4c0105": true, "4d0100": false,
		"4d010007": true, "4e0100000007": true, "4effffffff": false, "4d0902" + strings.Repeat("00", 521): false, "4d0802" + strings.Repeat("00", 520): true,
	} {
		b, _ := hex.DecodeString(s)
		if got := ValidOps(b); got != want {
			t.Errorf("%.20s: %v", s, got)
		}
	}
}
