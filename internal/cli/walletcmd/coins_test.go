package walletcmd

import (
	"strings"
	"testing"
)

// TestParseCoin reads what a coin is named by, all of it: a slip of the pen must
// not name another coin.
func TestParseCoin(t *testing.T) {
	id := strings.Repeat("ab", 32)
	for s, ok := range map[string]bool{
		id + ":0": true, id + ":12": true, id + ":4294967295": true,
		id: false, id + ":": false, id + ":-1": false, id + ":4294967296": false,
		id + ":1x": false, id + ":1:2": false, id + ":0x1": false, id + ": 1": false, "ab:1": false,
	} {
		if _, err := parseCoin(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}
