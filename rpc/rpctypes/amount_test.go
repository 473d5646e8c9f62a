package rpctypes

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"starling/rpc/jsonrpc"
)

func TestAmount(t *testing.T) {
	for v, want := range map[Amount]string{
		0: "0.00000000", 1: "0.00000001", 5_000_000_000: "50.00000000", -12_345: "-0.00012345",
		2_100_000_000_000_000: "21000000.00000000", -1 << 63: "-92233720368.54775808",
	} {
		if got := v.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if want != "-92233720368.54775808" { // more digits than are read
			var read Amount
			if err := json.Unmarshal([]byte(want), &read); err != nil || read != v {
				t.Errorf("%s: read as the result %d, %v", want, read, err)
			}
		}
		back, err := ParseAmount(want)
		if v >= 0 && v <= MaxMoney {
			if err != nil || back != v {
				t.Errorf("%s: read as %d, %v", want, back, err)
			}
		} else if err == nil {
			t.Errorf("%s was accepted", want)
		}
	}
	// Python, JavaScript and Go write small numbers with an exponent, others
	// with more zeros than there are satoshi.
	for s, want := range map[string]Amount{
		"1e-5": 1000, "1E-05": 1000, "1e0": SatoshiPerCoin, "1.000000000": SatoshiPerCoin, "1.5e1": 15 * SatoshiPerCoin, "2.1e+7": MaxMoney,
		"0": 0, "-0": 0, "0e0": 0, "0.0000000000": 0, "1e-08": 1, "10e-9": 1, "0.000001e2": 10_000, "20999999.9999999900": MaxMoney - 1,
	} {
		if got, err := ParseAmount(s); err != nil || got != want {
			t.Errorf("%q was read as %d, %v; want %d", s, got, err, want)
		}
	}
	for _, tc := range []struct{ message, numbers string }{
		{"Invalid amount", ";.;1.;.5;01;00.1;1.123456789;x; 1;1 ;+1;1e-9;1e;1e+;1e+-1;1e1.0;e1;1.e1;1e10;1e99999;1e-99999;-;-.;-x;0x1;1_0;1,0;NaN"},
		{"Amount out of range", "21000000.00000001;-1;-1e-8;1e9;2.2e7"},
	} {
		for s := range strings.SplitSeq(tc.numbers, ";") {
			v, err := ParseAmount(s)
			if want := (&jsonrpc.Error{Code: jsonrpc.CodeType, Message: tc.message}); !cmp.Equal(err, error(want)) {
				t.Errorf("%q was read as %d, %v", s, v, err)
			}
		}
	}
}
