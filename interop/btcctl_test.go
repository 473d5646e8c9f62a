package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"starling/interop/harness"
)

// TestBtcctl talks to a Starling with btcd's own client.
func TestBtcctl(t *testing.T) {
	s := starling(t)
	best := mine(t, s, 2)
	conf := filepath.Join(t.TempDir(), "btcctl.conf")
	if err := os.WriteFile(conf, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", append([]string{"tool", "btcctl", "--configfile", conf, "--notls", "--rpcserver", s.RPC,
			"--rpcuser", harness.User, "--rpcpass", harness.Password}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("btcctl %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if got := ask("getblockcount"); got != "2" {
		t.Errorf("getblockcount: %s", got)
	}
	if got := ask("getbestblockhash"); got != best {
		t.Errorf("getbestblockhash: %s, want %s", got, best)
	}
	if got := ask("getblock", best); !strings.Contains(got, `"height": 2`) {
		t.Errorf("getblock: %s", got)
	}
	if got := ask("getpeerinfo"); !strings.HasPrefix(got, "[") {
		t.Errorf("getpeerinfo: %s", got)
	}
}
