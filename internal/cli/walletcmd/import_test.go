package walletcmd

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestParseDescriptors reads what different programs print.
func TestParseDescriptors(t *testing.T) {
	const one = `{"desc":"wpkh(a)#b","timestamp":1700000000,"active":true,"internal":false,"range":[0,999],"next":3,"next_index":3}`
	const want = `[{"desc":"wpkh(a)#b","timestamp":1700000000,"active":true,"internal":false,"range":[0,999],"next_index":3}]`
	for _, tc := range []struct{ about, in, want string }{
		{"export", "[" + one + "]", want},
		{"listdescriptors", `{"wallet_name":"w","descriptors":[` + one + `]}`, want},
		{"listdescriptors over HTTP", `{"result":{"wallet_name":"w","descriptors":[` + one + `]},"error":null,"id":1}`, want},
		{"with a mark in front", "\xef\xbb\xbf\n [" + one + "]\n", want},
		{"a range of one number", `[{"desc":"d","timestamp":"now","range":5}]`, `[{"desc":"d","timestamp":"now","active":false,"range":5}]`},
		{"nothing", "", "not what"},
		{"no list", "{}", "no descriptor"},
		{"an empty list", "[]", "no descriptor"},
		{"an entry without", `[{"timestamp":0}]`, "entry 1"},
		{"an error over HTTP", `{"result":null,"error":{"code":-1},"id":1}`, "no descriptor"},
		{"text", "wpkh(a)", "not what"},
		{"cut short", "[" + one, "not what"},
	} {
		list, err := parseDescriptors([]byte(tc.in))
		if err != nil {
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %v", tc.about, err)
			}
			continue
		}
		got, err := json.Marshal(list)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %s, %v", tc.about, got, err)
		}
	}
}
