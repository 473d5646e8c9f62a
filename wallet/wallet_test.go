package wallet

import (
	"testing"

	"starling/params"
)

func TestReceiveAndSend(t *testing.T) {
	for _, kind := range []Kind{Bech32, Bech32m, Legacy, P2SHSegwit} {
		t.Run(string(kind), func(t *testing.T) {
			b := newBench(t, params.Regtest())
			alice, bob := b.create(Options{Name: "alice"}), b.create(Options{Name: "bob"})
			b.mine(b.address(alice, kind), 1)
			b.balance(alice, Balance{Immature: 50 * coin})
			b.burn(99)
			b.balance(alice, Balance{Immature: 50 * coin})
			b.burn(1)
			b.balance(alice, Balance{Trusted: 50 * coin})

			e := b.send(alice, b.address(bob, kind), 22*coin)
			if !e.HasFee || e.Fee < 200 || e.Fee > 1000 {
				t.Errorf("fee of %d", e.Fee)
			}
			left := 28*coin - e.Fee
			b.balance(alice, Balance{Trusted: left})
			b.balance(bob, Balance{Pending: 22 * coin})
			b.burn(1)
			b.balance(alice, Balance{Trusted: left})
			b.balance(bob, Balance{Trusted: 22 * coin})
		})
	}
}
