package walletcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"starling/client"
	"starling/node"
	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/server"
	"starling/wire"
)

// runNode runs a node until the test ends, and returns a client that calls it
// over HTTP.
func runNode(t *testing.T) *jsonrpc.Client {
	t.Helper()
	cookie := filepath.Join(t.TempDir(), "cookie")
	n, err := node.Open(t.Context(), node.Config{
		Server:    server.Config{Network: params.Regtest(), Dir: t.TempDir()},
		RPCListen: "127.0.0.1:0", RPC: jsonrpc.Options{CookiePath: cookie},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &jsonrpc.Client{Address: n.RPCAddr().String(), CookiePath: cookie}
}

// afterCall is a caller that a test is told by when a method has been called.
type afterCall struct {
	client.Caller
	method string
	then   func()
}

func (a *afterCall) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	raw, err := a.Caller.Call(ctx, method, params)
	if method == a.method {
		a.then()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return raw, err
}

// TestInterruptedUnlocked interrupts commands that have unlocked a wallet of a
// running node for themselves: it must be locked when they have ended.
func TestInterruptedUnlocked(t *testing.T) {
	over := runNode(t)
	pass := filepath.Join(t.TempDir(), "pass.txt")
	if err := os.WriteFile(pass, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := client.Over(over).WithWallet("w")
	if _, err := c.CreateWallet(t.Context(), "w", &client.CreateWalletOptions{Passphrase: "hush"}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ about, during string }{
		{"while it works", ""},
		{"while it is unlocked", "walletpassphrase"},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		cmd := newWalletPhraseCmd()
		if err := cmd.Flags().Set("passphrase-file", pass); err != nil {
			t.Fatal(err)
		}
		p := &purse{cmd: cmd, ctx: ctx, client: client.Over(&afterCall{over, tc.during, interrupt}).WithWallet("w")}
		err := p.unlocked(func() error {
			interrupt()
			return ctx.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", tc.about, err)
		}
		info, err := c.GetWalletInfo(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.UnlockedUntil == nil || *info.UnlockedUntil != 0 {
			t.Errorf("interrupted %s: still unlocked", tc.about)
		}
	}
}

// deaf is a node that does not answer one method.
type deaf struct {
	client.Caller
	method string
}

var errDeaf = errors.New("no answer")

func (d deaf) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	if method == d.method {
		return nil, errDeaf
	}
	return d.Caller.Call(ctx, method, params)
}

// TestPaidThoughNotLocked pays from a wallet that cannot be locked again afterwards: the
// payment is told of all the same, with what went wrong.
func TestPaidThoughNotLocked(t *testing.T) {
	over := runNode(t)
	pass := filepath.Join(t.TempDir(), "pass.txt")
	if err := os.WriteFile(pass, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := client.Over(over).WithWallet("w")
	if _, err := c.CreateWallet(t.Context(), "w", &client.CreateWalletOptions{Passphrase: "hush"}); err != nil {
		t.Fatal(err)
	}
	to, err := c.GetNewAddress(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GenerateToAddress(t.Context(), 101, to); err != nil {
		t.Fatal(err)
	}
	cmd := newWalletSendCmd()
	if err := cmd.Flags().Set("passphrase-file", pass); err != nil {
		t.Fatal(err)
	}
	var out, notes bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&notes)
	p := &purse{cmd: cmd, ctx: t.Context(), node: over, client: client.Over(deaf{over, "walletlock"}).WithWallet("w")}
	if err := walletSend(p, []string{to, "1"}); !errors.Is(err, errDeaf) {
		t.Errorf("got %v", err)
	}
	if _, err := wire.HashFromString(strings.TrimSpace(out.String())); err != nil {
		t.Errorf("told: %q, %q", out.String(), notes.String())
	}
}
