package interop

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"starling/interop/harness"
)

// sat reads an amount in coins as both nodes write it.
func sat(t *testing.T, amount fmt.Stringer) int64 {
	t.Helper()
	whole, frac, _ := strings.Cut(amount.String(), ".")
	v, err := strconv.ParseInt(whole+(frac + "00000000")[:8], 10, 64)
	if err != nil {
		t.Fatalf("amount %q: %v", amount, err)
	}
	return v
}

// number is a JSON number, kept as it was written.
type number string

func (n number) String() string { return string(n) }

// UnmarshalJSON keeps the text of a plain number, and spells out one with an
// exponent, which btcd writes for small amounts.
func (n *number) UnmarshalJSON(b []byte) error {
	if s := string(b); !strings.ContainsAny(s, "eE") {
		*n = number(s)
		return nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	*n = number(strconv.FormatFloat(f, 'f', 8, 64))
	return err
}

// coins writes an amount in coins.
func coins(sat int64) string { return fmt.Sprintf("%d.%08d", sat/1e8, sat%1e8) }

// pool returns the ids of a node's unconfirmed transactions.
func pool(t *testing.T, n *harness.Node) map[string]bool {
	t.Helper()
	var ids []string
	n.Call(&ids, "getrawmempool")
	set := make(map[string]bool)
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// payment makes and signs a payment from the wallet of a Starling, at a fee
// rate that every node relays, without handing it to anyone. It returns the
// transaction and its fee.
func payment(t *testing.T, from *harness.Node, to string, amount int64) (hex string, fee int64) {
	t.Helper()
	var raw string
	from.Call(&raw, "createrawtransaction", []any{}, []any{map[string]any{to: coins(amount)}})
	var funded struct {
		Hex string
		Fee number
	}
	// The coins stay out of the next payment although this one is not known yet.
	from.Call(&funded, "fundrawtransaction", raw, map[string]any{"fee_rate": 2, "lockUnspents": true})
	var signed struct {
		Hex      string
		Complete bool
	}
	from.Call(&signed, "signrawtransactionwithwallet", funded.Hex)
	if !signed.Complete {
		t.Fatal("the wallet cannot sign its own payment")
	}
	return signed.Hex, sat(t, funded.Fee)
}

// Nodes of these tests tell of transactions soon: nobody is to be hidden from
// here, and the test waits for them.
func promptStarling(t *testing.T) *harness.Node {
	return starling(t, "--relay-delay-inbound", "100ms", "--relay-delay-outbound", "100ms")
}

func promptBtcd(t *testing.T) *harness.Node { return btcd(t, "--trickleinterval", "100ms") }

// A transaction that is given to a Starling is mined by a btcd, and the other
// way round.
func TestMinedByTheOther(t *testing.T) {
	s, b := promptStarling(t), promptBtcd(t)
	s.Call(nil, "createwallet", "main")
	var address string
	s.Call(&address, "getnewaddress")
	s.Call(nil, "generatetoaddress", 101, address)
	best := mine(t, s, 1)
	s.Connect(b)
	b.WaitBest(best, time.Minute)
	for _, c := range []struct{ given, miner *harness.Node }{{s, b}, {b, s}} {
		raw, _ := payment(t, s, mineTo, 1e8)
		var id string
		c.given.Call(&id, "sendrawtransaction", raw)
		c.miner.Eventually("the other's transaction is in its pool", time.Minute, func() bool { return pool(t, c.miner)[id] })
		best := mine(t, c.miner, 1)
		c.given.WaitBest(best, time.Minute)
		for _, n := range []*harness.Node{s, b} {
			if left := pool(t, n); len(left) != 0 {
				t.Errorf("%s still holds %v", n.Name, left)
			}
		}
	}
}

// Random payments between two wallets, handed in at any of four nodes and
// mined by any of them.
func TestRandomPayments(t *testing.T) {
	t.Parallel() // it waits most of the time
	const payments, perBlock = 200, 10
	s1, s2 := promptStarling(t), promptStarling(t)
	b1, b2 := promptBtcd(t), promptBtcd(t)
	nodes := []*harness.Node{s1, b1, s2, b2}
	wallets := []*harness.Node{s1, s2}
	rng := rand.New(rand.NewPCG(3, 200))

	address := func(n *harness.Node) (a string) {
		t.Helper()
		n.Call(&a, "getnewaddress")
		return a
	}
	for _, w := range wallets {
		w.Call(nil, "createwallet", "main")
	}
	// A chain that both wallets have coins on before btcd joins.
	s1.Connect(s2)
	const each = 12
	var want [2]int64
	for i, w := range wallets {
		for range each {
			w.Call(nil, "generatetoaddress", 1, address(w))
		}
		want[i] = each * 50e8
		s1.WaitBest(w.Best(), time.Minute)
		s2.WaitBest(w.Best(), time.Minute)
	}
	best := mine(t, s1, 100)
	for i, n := range nodes {
		if next := nodes[(i+1)%len(nodes)]; n != s1 || next != s2 {
			n.Connect(next)
		}
	}
	for _, n := range nodes {
		n.WaitBest(best, time.Minute)
	}
	confirmed := func(w *harness.Node) int64 {
		t.Helper()
		var b struct{ Mine struct{ Trusted number } }
		w.Call(&b, "getbalances")
		return sat(t, b.Mine.Trusted)
	}
	for i, w := range wallets {
		if got := confirmed(w); got != want[i] {
			t.Fatalf("wallet %d starts with %s, want %s", i, coins(got), coins(want[i]))
		}
	}

	for sent := 0; sent < payments; {
		ids := make(map[string]bool)
		for range perBlock {
			from := rng.IntN(2)
			amount := 1e6 + rng.Int64N(2e8)
			raw, fee := payment(t, wallets[from], address(wallets[1-from]), amount)
			var id string
			nodes[rng.IntN(len(nodes))].Call(&id, "sendrawtransaction", raw)
			ids[id] = true
			want[from] -= amount + fee
			want[1-from] += amount
			sent++
		}
		miner := nodes[rng.IntN(len(nodes))]
		for _, n := range nodes {
			n.Eventually("it holds all payments", time.Minute, func() bool {
				held := pool(t, n)
				for id := range ids {
					if !held[id] {
						return false
					}
				}
				return true
			})
		}
		best = mine(t, miner, 1)
		for _, n := range nodes {
			n.WaitBest(best, time.Minute)
		}
	}
	for _, n := range nodes {
		if left := pool(t, n); len(left) != 0 {
			t.Errorf("%s: %d transactions are left", n.Name, len(left))
		}
	}
	for i, w := range wallets {
		w.Eventually("its balance is right", 10*time.Second, func() bool { return confirmed(w) == want[i] })
		var unspent []struct {
			TxID   string
			Vout   int
			Amount number
		}
		w.Call(&unspent, "listunspent")
		total := int64(0)
		for _, u := range unspent {
			total += sat(t, u.Amount)
			for _, b := range []*harness.Node{b1, b2} {
				var out *struct{ Value number }
				b.Call(&out, "gettxout", u.TxID, u.Vout)
				if out == nil || sat(t, out.Value) != sat(t, u.Amount) {
					t.Errorf("%s does not have the coin %s:%d of %s", b.Name, u.TxID, u.Vout, u.Amount)
				}
			}
		}
		if total != want[i] {
			t.Errorf("wallet %d lists coins of %s, want %s", i, coins(total), coins(want[i]))
		}
	}
}
