package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCompletion asks for the values that a shell would offer.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	for _, w := range []string{"savings", "spending\x1b[2J"} {
		if err := os.MkdirAll(filepath.Join(dir, "regtest", "wallets", w), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	if Run([]string{"network", "create", "--name", "murmur", "--datadir", dir, "--address", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"}, strings.NewReader(""), &out, &errs) != 0 {
		t.Fatal(errs.String())
	}
	at := []string{"--network", "regtest", "--datadir", dir}
	remote := fakeNode(t, map[string]any{"listwallets": []string{"elsewhere"}})
	for _, c := range []struct {
		name string
		args []string
		want []string // some of what is offered
		not  string
	}{
		{"networks", []string{"node", "--datadir", dir, "--network", ""}, []string{"main", "regtest", "murmur"}, ""},
		{"networks by their beginning", []string{"node", "--datadir", dir, "--network", "mu"}, []string{"murmur"}, "main"},
		{"network to show", []string{"network", "show", "--datadir", dir, ""}, []string{"signet", "murmur"}, ""},
		{"wallets on disk", slices.Concat([]string{"wallet", "balance"}, at, []string{"--name", ""}), []string{"savings", `spending\u001b[2J`}, ""},
		{"wallet to load", slices.Concat([]string{"wallet", "load"}, at, []string{"sa"}), []string{"savings"}, "spending"},
		{"wallet of a call", slices.Concat([]string{"rpc"}, at, []string{"--wallet", ""}), []string{"savings"}, ""},
		{"wallets of a node elsewhere", slices.Concat([]string{"wallet", "balance"}, remote, []string{"--name", ""}), []string{"elsewhere"}, ""},
		{"methods", []string{"rpc", "getblockc"}, []string{"getblockcount"}, "getblockhash"},
		{"log levels", []string{"node", "--log-level", ""}, []string{"debug", "warn", "net=debug"}, ""},
		{"log levels of a part", []string{"node", "--log-level", "wallet="}, nil, "net=debug"},
		{"log format", []string{"node", "--log-format", ""}, []string{"text", "json"}, ""},
		{"kinds of address", []string{"wallet", "address", "--type", "b"}, []string{"bech32", "bech32m"}, "legacy"},
		{"topologies", []string{"devnet", "--topology", ""}, []string{"ring", "star"}, ""},
		{"when blocks are made", []string{"devnet", "--mine", "i"}, []string{"instant", "interval="}, "hand"},
		{"a name that is still to be given", []string{"network", "create", "--name", ""}, nil, "savings"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			Run(append([]string{"__complete"}, c.args...), strings.NewReader(""), &out, &errs)
			var offered []string
			for line := range strings.Lines(out.String()) {
				word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
				offered = append(offered, word)
			}
			for _, w := range c.want {
				if !slices.Contains(offered, w) {
					t.Errorf("%q is not among %q", w, offered)
				}
			}
			if c.not != "" && slices.Contains(offered, c.not) {
				t.Errorf("%q is offered", c.not)
			}
		})
	}
}
