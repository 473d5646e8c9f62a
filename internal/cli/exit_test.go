package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"starling/internal/cli/cmdkit"
)

// TestExitCodes makes each mistake in all commands in which it can be made. One
// mistake has one exit code, and costs one line.
func TestExitCodes(t *testing.T) {
	const (
		good    = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
		foreign = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	)
	for _, tc := range []struct {
		mistake string
		code    int
		lines   []string
	}{
		{"no such command", cmdkit.ExitUsage, []string{"ndoe", "wallet adress", "devnet mien", "network mak", "config shwo", "help ndoe", "help wallet snd"}},
		{"no such flag", cmdkit.ExitUsage, []string{"node --x-y", "wallet send --x-y", "rpc getblockcount --x-y", "devnet --x-y", "devnet mine -xy", "startnode -xy", "ndoe --x-y", "--x-y"}},
		{"an argument too many", cmdkit.ExitUsage, []string{"node x", "peers x", "wallet balance x", "wallet show a b", "devnet status x", "devnet mine 1 2", "network list x", "config show x", "version x", "startnode x", "man a b"}},
		{"an argument too few", cmdkit.ExitUsage, []string{"balance", "rpc", "wallet send", "wallet send A", "wallet show", "wallet import", "wallet load", "devnet pay x", "devnet partition", "completion", "man", "network show"}},
		{"a flag without its value", cmdkit.ExitUsage, []string{"node --network", "wallet send A 1 --name", "devnet --nodes", "startnode -miner"}},
		{"no such network", cmdkit.ExitUsage, []string{"node --network mian", "balance X --network mian", "rpc getblockcount --network mian", "wallet balance --network mian", "peers --network mian", "config show --network mian"}},
		{"no such data directory", cmdkit.ExitUsage, []string{"balance X --datadir none", "rpc getblockcount --datadir none", "wallet balance --datadir none", "peers --datadir none", "network list --datadir none", "getbalance -address X -datadir none -node-id 1"}},
		{"no address", cmdkit.ExitUsage, []string{
			"balance nobody --network regtest", "balance " + foreign + " --network regtest", "node --miner nobody", "node --network regtest --miner " + foreign,
			"network create --name x --address nobody", "network create --name x --address " + foreign,
			"wallet send nobody 1 --network regtest", "wallet send " + foreign + " 1 --network regtest", "wallet sweep nobody --network regtest",
			"wallet send " + good + " 1 --change nobody --network regtest", "wallet send " + good + " 1 --from nobody --network regtest",
		}},
		{"no amount", cmdkit.ExitUsage, []string{
			"wallet send " + good + " much --network regtest", "wallet send " + good + " -1 --network regtest", "wallet send " + good + " 0.000000001 --network regtest",
			"network create --name x --wallet w --premine much", "devnet pay wallet much", "devnet pay wallet -1",
			"wallet send " + good + " 1 --fee-rate much --network regtest", "wallet bump " + strings.Repeat("0", 64) + " --fee-rate much --network regtest",
		}},
		{"no number", cmdkit.ExitUsage, []string{"node --banscore x", "node --banscore 0", "devnet --nodes x", "devnet --nodes 0", "devnet mine x", "devnet mine 0", "wallet history --count x --network regtest", "network create --name x --wallet w --halving x"}},
		{"no transaction", cmdkit.ExitUsage, []string{"wallet show x --network regtest", "wallet bump x --network regtest", "wallet abandon x --network regtest", "wallet coins --freeze x --network regtest", "wallet send " + good + " 1 --coin x --network regtest"}},
		{"no day", cmdkit.ExitUsage, []string{"wallet restore w --birthday x --phrase-file words.txt --network regtest", "wallet import wpkh(x) --birthday x --network regtest"}},
		{"no such file", cmdkit.ExitUsage, []string{
			"node --config none", "balance X --config none", "node --network none.toml", "network show none.toml", "node --load-block none --network regtest --listen 0 --rpc-listen 127.0.0.1:0",
			"wallet import none.json --network regtest", "wallet restore w --backup none --network regtest", "wallet restore w --phrase-file none --network regtest", "wallet create w --passphrase-file none --network regtest",
		}},
		{"no node", cmdkit.ExitFailure, []string{"rpc getblockcount", "peers", "peers --watch", "peers --messages", "devnet status", "devnet pay wallet 1", "devnet stop", "rpc getblockcount --rpc-listen 127.0.0.1:1 --rpc-user a --rpc-password b", "wallet unlock --network regtest"}},
		{"no node of the walk-through", cmdkit.ExitFailure, []string{"createwallet", "createblockchain -address x", "send", "startnode", "getbalance", "listaddresses", "getpeerinfo", "printchain", "reindexutxo"}},
		{"no blockchain of the walk-through", cmdkit.ExitFailure, []string{"send -node-id 1", "startnode -node-id 1", "getbalance -node-id 1", "listaddresses -node-id 1", "getpeerinfo -node-id 1", "printchain -node-id 1", "reindexutxo -node-id 1"}},
		{"no wallet", cmdkit.ExitFailure, []string{"wallet balance", "wallet list", "wallet send " + foreign + " 1", "wallet balance --name other --network regtest", "wallet load other --network regtest"}},
		{"no money", cmdkit.ExitFailure, []string{"wallet send " + good + " 1 --network regtest", "wallet sweep " + good + " --network regtest"}},
	} {
		t.Run(tc.mistake, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			t.Chdir(home)
			if err := os.WriteFile("words.txt", []byte("legal winner thank year wave sausage worth useful legal winner thank yellow\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			switch tc.mistake {
			case "no day", "no such file", "no wallet", "no money":
				var out, errs bytes.Buffer
				if code := Run([]string{"wallet", "create", "--network", "regtest"}, strings.NewReader(""), &out, &errs); code != 0 {
					t.Fatal(errs.String())
				}
			}
			for _, line := range tc.lines {
				var out, errs bytes.Buffer
				code := Run(strings.Fields(line), strings.NewReader(""), &out, &errs)
				last := strings.TrimSuffix(errs.String(), "\n")
				if i := strings.LastIndexByte(last, '\n'); i >= 0 && strings.HasPrefix(last, "time=") {
					last = last[i+1:] // a node has begun
				}
				if code != tc.code || !strings.HasPrefix(last, "starling: ") || strings.Contains(last, "\n") || out.Len() > 0 {
					t.Errorf("starling %s: exit code %d, want %d; %q %q", line, code, tc.code, &errs, &out)
				}
			}
			if _, err := os.Stat(filepath.Join(home, "none")); err == nil {
				t.Error("a directory was made")
			}
		})
	}
}
