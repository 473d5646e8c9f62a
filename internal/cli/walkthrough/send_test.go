package walkthrough

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"starling/client"
	"starling/node/attach"
	"starling/node/settings"
	"starling/params"
	"starling/server"
)

// silent is a node that does not answer one method any more.
type silent struct {
	attach.Caller
	method string
}

var errSilent = errors.New("no answer")

func (s silent) Call(ctx context.Context, method string, p any) (json.RawMessage, error) {
	if method == s.method {
		return nil, errSilent
	}
	return s.Caller.Call(ctx, method, p)
}

// TestFailsAfterPayment has a node fail when a payment has been made, before it could
// be told of: it counts as made, and is mined.
func TestFailsAfterPayment(t *testing.T) {
	cfg := &settings.Settings{Server: server.Config{Network: params.Regtest(), Dir: t.TempDir()}, RPCListen: "127.0.0.1:1"}
	node, closeNode, err := attach.Open(t.Context(), attach.Options{Settings: cfg, Make: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := closeNode(); err != nil {
			t.Error(err)
		}
	}()
	c := client.Over(node)
	if _, err := c.CreateWallet(t.Context(), "default", nil); err != nil {
		t.Fatal(err)
	}
	from, err := ownWallet(node).GetNewAddress(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GenerateToAddress(t.Context(), 101, from); err != nil {
		t.Fatal(err)
	}
	one := payment{from: from, outs: []payOut{{to: from, coins: "1", amount: params.Coin}}}
	o := &payments{list: []payment{one, one}, mine: true}
	var out strings.Builder
	err = o.send(t.Context(), silent{node, "gettransaction"}, &out)
	if !errors.Is(err, errSilent) || strings.Contains(err.Error(), "none was made") || !strings.Contains(err.Error(), "was made, but") {
		t.Errorf("got %v", err)
	}
	raw, err := node.Call(t.Context(), "getblock", []any{tip(t, c), 1})
	var block struct {
		NTx int `json:"nTx"`
	}
	if err := errors.Join(err, json.Unmarshal(raw, &block)); err != nil || block.NTx != 2 {
		t.Errorf("the block holds %d transactions, %v; told: %s", block.NTx, err, out.String())
	}
}

// tip returns the newest block.
func tip(t *testing.T, c *client.Client) string {
	t.Helper()
	h, err := c.GetBestBlockHash(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}
