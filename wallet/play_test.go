package wallet

import (
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"testing"
	"testing/cryptotest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	chaincoins "starling/chain/coins"
	"starling/params"
	"starling/wallet/ledger"
	"starling/wire"
)

// onChain adds up, from the chain's own set of unspent outputs, what pays a
// wallet: the model that its balances are held against.
func (b *bench) onChain(t *rapid.T, w *Wallet) (mature, immature int64) {
	s, at, err := b.chain.CoinSnapshot(b.t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.All(func(op wire.OutPoint, c chaincoins.Coin) error {
		switch {
		case !w.Owns(c.Script):
		case c.Coinbase && at.Height-c.Height+1 <= b.net.CoinbaseMaturity:
			immature += c.Value
		default:
			mature += c.Value
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return mature, immature
}

// inPool adds up what the pool's transactions change for a wallet: what they
// take of its confirmed coins, and what they bring it.
func (b *bench) inPool(w *Wallet) (spent, own, others int64) {
	byID := map[wire.Hash]*wire.Tx{}
	trusted := map[wire.Hash]bool{} // made of nothing but what is the wallet's
	taken := map[wire.OutPoint]bool{}
	for _, tx := range b.pool.All() {
		byID[tx.TxID()] = tx
		all := true
		for i := range tx.In {
			op := tx.In[i].PrevOut
			taken[op] = true
			var out wire.TxOut
			fromPool := byID[op.Hash] != nil
			if fromPool {
				out = byID[op.Hash].Out[op.Index]
			} else {
				c, _, _, err := b.chain.Coin(op)
				if err != nil {
					b.t.Fatal(err)
				}
				out = wire.TxOut{Value: c.Value, Script: c.Script}
			}
			mine := w.Owns(out.Script)
			all = all && mine && (!fromPool || trusted[op.Hash])
			if mine && !fromPool {
				spent += out.Value
			}
		}
		trusted[tx.TxID()] = all
	}
	for id, tx := range byID {
		for i, out := range tx.Out {
			switch {
			case taken[wire.OutPoint{Hash: id, Index: uint32(i)}] || !w.Owns(out.Script):
			case trusted[id]:
				own += out.Value
			default:
				others += out.Value
			}
		}
	}
	return spent, own, others
}

// TestPlay plays at random with two wallets on one chain: payments between them
// and to others, replacements, blocks, reorganisations, and power cuts of the
// wallets' disk. After each step both wallets must have exactly what the set of
// unspent outputs and the pool say.
func TestPlay(t *testing.T) {
	// Each round opens a chain; the long tests play rapid's usual hundred.
	if f := flag.Lookup("rapid.checks"); os.Getenv("STARLING_TEST_LONG") == "" && f.Value.String() == f.DefValue {
		if err := f.Value.Set("25"); err != nil {
			t.Fatal(err)
		}
		defer f.Value.Set(f.DefValue)
	}
	rapid.Check(t, func(rt *rapid.T) {
		// Keys and the choice of coins follow from the seed, so that a round
		// can be played again.
		seed := rapid.Uint64().Draw(rt, "seed")
		cryptotest.SetGlobalRandom(t, seed)
		play(rt, seed)
	})
}

func play(rt *rapid.T, seed uint64) {
	net := params.Regtest()
	net.CoinbaseMaturity = 3
	b := newBench(rt, net)
	disk := vfs.NewCrashableMem()
	b.m.Close()
	b.fs = disk
	b.open()
	wallets := []*Wallet{b.create(Options{Name: "a", Gap: 5}), b.create(Options{Name: "b", Gap: 5})}
	for _, w := range wallets {
		b.mine(b.address(w, Bech32), 2)
	}
	b.burn(4)
	kinds := []Kind{Bech32, Bech32m, Legacy, P2SHSegwit}
	for range rapid.IntRange(1, 40).Draw(rt, "steps") {
		i := rapid.IntRange(0, 1).Draw(rt, "who")
		w, other := wallets[i], wallets[1-i]
		switch what := rapid.IntRange(0, 11).Draw(rt, "what"); what {
		case 0, 1, 2, 3, 4: // pay
			to := foreign
			if what < 4 {
				to = b.address(other, rapid.SampledFrom(kinds).Draw(rt, "kind"))
			}
			p := Payment{Script: to, Amount: rapid.Int64Range(1000, 60*coin).Draw(rt, "amount")}
			p.SubtractFee = rapid.Bool().Draw(rt, "subtract")
			p.Rest = rapid.IntRange(0, 9).Draw(rt, "all") == 0
			o := SpendOptions{Payments: []Payment{p}, Fee: FeeOptions{Rate: rapid.Int64Range(100, 20_000).Draw(rt, "rate")}}
			o.Filter.Unsafe = rapid.Bool().Draw(rt, "unsafe")
			_, err := w.Send(rt.Context(), o)
			var funds *FundsError
			var pay *PaymentError
			if err != nil && !errors.As(err, &funds) && !errors.As(err, &pay) {
				rt.Fatalf("paying: %v", err)
			}
		case 5: // raise a fee
			if err := w.Sync(rt.Context()); err != nil {
				rt.Fatal(err)
			}
			h := w.History()
			e := h[rapid.IntRange(0, len(h)-1).Draw(rt, "which")]
			var o BumpOptions
			if rapid.Bool().Draw(rt, "elsewhere") { // and take the money back
				o.Payments = []Payment{{Script: foreign, Amount: 1000}}
			}
			_, _, err := w.Bump(rt.Context(), e.ID, o)
			var funds *FundsError
			var pay *PaymentError
			if err != nil && !errors.As(err, &funds) && !errors.As(err, &pay) {
				rt.Fatalf("raising a fee: %v", err)
			}
		case 6, 7: // a block, of all that waits
			b.mine(b.address(w, rapid.SampledFrom(kinds).Draw(rt, "kind")), rapid.IntRange(1, 3).Draw(rt, "blocks"))
		case 8: // a reorganisation; the pool forgets all, so that wallets must hand in again
			n := rapid.IntRange(1, 3).Draw(rt, "depth")
			if b.chain.Tip().Height > int32(n)+8 {
				b.fork(n)
			}
		case 9: // the pool drops everything
			b.pool.mu.Lock()
			for len(b.pool.txs) > 0 {
				b.pool.drop(b.pool.txs[0])
			}
			b.pool.mu.Unlock()
			b.burn(1)
		case 10: // power cut of the wallets' disk
			disk = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(seed, 1))})
			b.fs = disk
			b.open()
			for j, name := range []string{"a", "b"} {
				var err error
				if wallets[j], err = b.m.Load(rt.Context(), name); err != nil {
					rt.Fatalf("after a power cut: %v", err)
				}
			}
		case 11: // read the chain again
			if _, err := w.Rescan(rt.Context(), 0, nil); err != nil {
				rt.Fatalf("rescan: %v", err)
			}
		}
		for _, w := range wallets {
			if err := w.Sync(rt.Context()); err != nil {
				rt.Fatal(err)
			}
		}
		// What one handed in may concern the other.
		if err := b.m.Sync(rt.Context()); err != nil {
			rt.Fatal(err)
		}
		for _, w := range wallets {
			mature, immature := b.onChain(rt, w)
			spent, own, others := b.inPool(w)
			want := ledger.Balance{Trusted: mature - spent + own, Pending: others, Immature: immature}
			if got := w.Balance(); got != want {
				rt.Fatalf("%s has %+v, want %+v", w.Name(), got, want)
			}
		}
	}
}
