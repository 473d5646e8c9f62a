package rpc_test

import (
	"context"
	"encoding/json"
	"testing"

	"starling/rpc/jsonrpc"
)

// since is what listsinceblock returns.
type since struct {
	Transactions, Removed []struct {
		TxID, Category string
		Vout           int
		Confirmations  int
		Amount         amount
	}
	LastBlock string
}

func (s *since) count(removed bool, txid string) (n int) {
	list := s.Transactions
	if removed {
		list = s.Removed
	}
	for _, e := range list {
		if e.TxID == txid {
			n++
		}
	}
	return n
}

// TestSinceBlockLost has a reorganisation take a payment back for good: another
// that spends the same is in a block instead.
func TestSinceBlockLost(t *testing.T) {
	b := funded(t, 1)
	bg, a, bob := context.Background(), in("alice"), in("bob")
	coin := get[[]map[string]any](b, a, "listunspent")[0]
	sign := func(to string, fee float64) string {
		t.Helper()
		raw := get[string](b, a, "createrawtransaction", []any{coin}, []any{map[string]any{to: 50 - fee}})
		return get[struct{ Hex string }](b, a, "signrawtransactionwithwallet", raw).Hex
	}
	lost, instead := sign(get[string](b, bob, "getnewaddress"), 0.01), sign(nobody, 0.02)
	fork := get[string](b, bg, "getbestblockhash")
	id := get[string](b, bg, "sendrawtransaction", lost)
	b.mine(1, nobody)
	first := get[since](b, bob, "listsinceblock")
	if first.count(false, id) != 1 || len(first.Removed) != 0 {
		t.Fatalf("%+v", first)
	}
	if s := get[since](b, bob, "listsinceblock", first.LastBlock); s.count(false, id) != 0 || len(s.Removed) != 0 {
		t.Errorf("already told: %+v", s)
	}
	get[any](b, bg, "invalidateblock", first.LastBlock)
	get[any](b, bg, "generateblock", nobody, []string{instead})
	b.mine(1, nobody)
	b.balance("bob", "0.00000000")

	// Who asks from the block that left hears of the loss, and once only.
	s := get[since](b, bob, "listsinceblock", first.LastBlock)
	if s.count(false, id) != 0 || s.count(true, id) != 1 || s.Removed[0].Confirmations != -2 || s.Removed[0].Category != "receive" {
		t.Errorf("%+v", s)
	}
	if s := get[map[string]any](b, bob, "listsinceblock", first.LastBlock, 1, false, false); s["removed"] != nil || len(s["transactions"].([]any)) != 0 {
		t.Errorf("removed though not asked for: %v", s)
	}
	for _, from := range []string{s.LastBlock, fork, ""} {
		if s := get[since](b, bob, "listsinceblock", from); s.count(false, id) != 0 || s.count(true, id) != 0 {
			t.Errorf("from %q: %+v", from, s)
		}
	}
	// The payer sees both, until they are older than what is asked for.
	s = get[since](b, a, "listsinceblock", first.LastBlock)
	if s.count(false, id) != 1 || s.count(true, id) != 1 {
		t.Errorf("%+v", s)
	}
	if s := get[since](b, a, "listsinceblock", s.LastBlock); len(s.Transactions) != 0 || len(s.Removed) != 0 {
		t.Errorf("%+v", s)
	}
	// Other lists leave out what can not arrive, too.
	if got := get[[]any](b, bob, "listtransactions"); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := get[struct{ Details []any }](b, bob, "gettransaction", id); len(got.Details) != 0 {
		t.Errorf("%v", got)
	}
	b.fails(jsonrpc.CodeLabel, "Invalid label name", bob, "listsinceblock", "", 1, false, true, false, "*")
}

// TestSinceBlockMoved has a reorganisation move a payment to another block.
func TestSinceBlockMoved(t *testing.T) {
	b := funded(t, 1)
	bg, a := context.Background(), in("alice")
	id := get[string](b, a, "sendtoaddress", nobody, 1)
	b.mine(1, nobody)
	told := get[since](b, a, "listsinceblock").LastBlock
	get[any](b, bg, "invalidateblock", told)
	b.mine(2, nobody)
	s := get[since](b, a, "listsinceblock", told)
	if s.count(false, id) != 1 || s.count(true, id) != 1 || s.Removed[0].Confirmations != 2 {
		t.Errorf("%+v", s)
	}
}

// TestSinceBlockChange lists change if that is asked for.
func TestSinceBlockChange(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	id := get[string](b, a, "sendtoaddress", nobody, 1)
	for _, c := range []struct {
		change bool
		want   []string
	}{{false, []string{"send"}}, {true, []string{"send", "send", "receive"}}} {
		var got []string
		for _, e := range get[since](b, a, "listsinceblock", "", 1, false, true, c.change).Transactions {
			if e.TxID == id {
				got = append(got, e.Category)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("include_change %v: %q", c.change, got)
		}
	}
	// Nowhere else.
	if got := get[[]json.RawMessage](b, a, "listtransactions"); len(got) != 2 {
		t.Errorf("%s", got)
	}
	if got := get[struct{ Details []any }](b, a, "gettransaction", id); len(got.Details) != 1 {
		t.Errorf("%v", got)
	}
	if got := get[[]any](b, a, "listreceivedbyaddress", 0); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// TestUnripeAmount asks for the amount of rewards.
func TestUnripeAmount(t *testing.T) {
	b := newWallets(t, "alice")
	bg, a := context.Background(), in("alice")
	to := get[string](b, a, "getnewaddress")
	block := get[[]string](b, bg, "generatetoaddress", 1, to)[0]
	id := get[struct{ Tx []string }](b, bg, "getblock", block).Tx[0]
	type tx struct {
		Amount  amount
		Details []struct{ Category string }
	}
	check := func(want amount, category string) {
		t.Helper()
		if got := get[tx](b, a, "gettransaction", id); got.Amount != want || len(got.Details) != 1 || got.Details[0].Category != category {
			t.Errorf("%+v, want %s %s", got, want, category)
		}
	}
	check("0.00000000", "immature")
	b.mine(99, nobody)
	check("0.00000000", "immature")
	b.mine(1, nobody)
	check("50.00000000", "generate")
	get[any](b, bg, "invalidateblock", block)
	check("0.00000000", "orphan")
}
