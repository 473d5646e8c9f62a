package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"starling/internal/cli/cmdkit"
	"starling/node/settings"
)

// show runs config show.
func show(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := Run(append([]string{"config", "show"}, args...), strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	return out.String()
}

// TestConfigShowRoundTrip takes what config show prints for the file that it
// says it is: with every setting changed, and with none.
func TestConfigShowRoundTrip(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	changed := map[string]string{
		"network": "signet", "signet-challenge": "51", "datadir": t.TempDir(), "node-id": "8000",
		"rpc-listen": "127.0.0.1:1", "rpc-user": "alice", "rpc-password": "geheim", "rpc-allow-host": "node.example", "exempt-local": "false",
		"listen": "127.0.0.1:2", "connect": "1.2.3.4:5", "addnode": "1.2.3.4:6", "max-connections": "7", "max-outbound": "3", "max-inbound": "5", "max-per-host": "4", "max-per-group": "-1",
		"max-upload-target": "100", "dial-timeout": "3s", "handshake-timeout": "20s", "whitebind": "addr@127.0.0.1:7", "min-peers": "2",
		"onlynet": "ipv6", "externalip": "1.2.3.4:5", "discover": "false", "dnsseed": "false", "forcednsseed": "true", "proxy": "127.0.0.1:9", "onion": "127.0.0.1:8", "proxy-randomize": "false", "seednode": "1.2.3.4:7", "fixedseeds": "false",
		"ping-interval": "61s", "ping-timeout": "90m1s", "silence-timeout": "2h",
		"v2transport": "false", "banscore": "8", "bantime": "3h", "user-agent-comment": "a \"c\"", "dbcache": "9", "prune": "1000",
		"assume-valid": "0", "min-chain-work": "10", "load-block": "a\tb \"c\" \\ \x1b \u200b é", "reindex": "true", "maxmempool": "10", "mempool-expiry": "25h",
		"persist-mempool": "false", "min-relay-fee": "0", "accept-nonstandard": "true", "blocks-only": "true", "whole-blocks": "true",
		"relay-delay-inbound": "0s", "relay-delay-outbound": "1500ms", "whitelist": "noban@::1/128", "mine-threads": "1", "mine-min-txs": "0",
		"block-max-weight": "8000", "block-min-fee": "0", "wallet": "w", "no-wallet": "true", "log-level": "net=debug", "log-format": "json", "metrics-listen": "127.0.0.1:3",
		"blockfilterindex": "true", "peerblockfilters": "true", "peerbloomfilters": "true", "fallback-fee": "7",
	}
	// What signet, a pruned node, or one with a proxy refuses, or needs a file.
	left := []string{"config", "asmap", "dns-resolver", "txindex", "mine", "miner"}
	var all []string
	for _, o := range settings.Options() {
		v, ok := changed[o.Name]
		if !ok && !slices.Contains(left, o.Name) {
			t.Errorf("%s is not tested", o.Name)
		}
		if ok {
			all = append(all, "--"+o.Name+"="+v)
		}
	}
	for name, args := range map[string][]string{"changed": all, "defaults": nil, "regtest": {"--network=regtest"}} {
		text := show(t, args...)
		if strings.Contains(text, "geheim") || strings.Contains(text, "***") {
			t.Errorf("%s: a password is given away, or made up:\n%s", name, text)
		}
		file := filepath.Join(t.TempDir(), "copy.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		again := show(t, "--config", file)
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "# rpc-") {
				continue // not shown, and so not there any more
			}
			if !strings.Contains(again, line) {
				t.Errorf("%s: %q became something else", name, line)
			}
		}
	}

	// A file in which nothing is chosen chooses nothing, such as to listen nowhere.
	file := filepath.Join(t.TempDir(), "copy.toml")
	if err := os.WriteFile(file, []byte(show(t, "--network=regtest")), 0o600); err != nil {
		t.Fatal(err)
	}
	root, _, err := newRoot().Find([]string{"node"})
	if err != nil {
		t.Fatal(err)
	}
	if err := root.ParseFlags([]string{"--config", file}); err != nil {
		t.Fatal(err)
	}
	c, err := cmdkit.LoadConfig(root)
	if err != nil || !slices.Equal(c.Listen, []string{":18444"}) {
		t.Errorf("from the file the node listens at %v, %v", c.Listen, err)
	}
}

// TestConfigExample: what the help of config show writes to is not the file that it
// reads, as the shell empties that before anything is read.
func TestConfigExample(t *testing.T) {
	var out, errs bytes.Buffer
	if code := Run([]string{"config", "show", "--help"}, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	_, to, ok := strings.Cut(out.String(), " > ")
	to, _, _ = strings.Cut(to, "\n")
	if !ok || filepath.Base(to) == settings.FileName {
		t.Errorf("an example writes to %q", to)
	}
}
