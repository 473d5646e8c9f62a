package chainrpc

import "testing"

// TestMuhash uses a vector of Bitcoin Core: the set {0, 1} with 2 taken out.
func TestMuhash(t *testing.T) {
	element := func(i byte) []byte { return append([]byte{i}, make([]byte, 31)...) }
	m, out := newMuhash(), newMuhash()
	m.add(element(0))
	m.add(element(1))
	out.add(element(2))
	m.product.Mul(m.product, out.product.ModInverse(out.product, m.prime))
	m.product.Mod(m.product, m.prime)
	if got, want := m.sum().String(), "10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
