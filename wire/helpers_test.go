package wire

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// unhex decodes hexadecimal digits; spaces and line breaks are ignored.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// diffOpts compares messages by what they say: transactions by their bytes,
// and empty lists as equal to none.
var diffOpts = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b *Tx) bool {
		if a == nil || b == nil {
			return a == b
		}
		return bytes.Equal(a.Bytes(), b.Bytes())
	}),
}

func mustDecode(t testing.TB, cmd string, payload []byte) Message {
	t.Helper()
	m, err := Decode(cmd, payload)
	if err != nil {
		t.Fatalf("decode %s: %v", cmd, err)
	}
	return m
}

func mustTx(t testing.TB, s string) *Tx {
	t.Helper()
	tx, err := ParseTx(unhex(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func repeatHash(b byte) (h Hash) {
	for i := range h {
		h[i] = b
	}
	return h
}

// Transactions and a block that others made.
const (
	// The main network's first block.
	genesisHeaderHex = "0100000000000000000000000000000000000000000000000000000000000000" +
		"000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa" +
		"4b1e5e4a29ab5f49ffff001d1dac2b7c"
	genesisTxHex = "01000000010000000000000000000000000000000000000000000000000000000000000000" +
		"ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e" +
		"63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062" +
		"616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a8" +
		"28e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c" +
		"702b6bf11d5fac00000000"

	// BIP143's native P2WPKH example, signed: the first input spends a bare
	// public key and has no witness, the second has two items.
	bip143TxHex = "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f" +
		"00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e" +
		"5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01" +
		"eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a010000" +
		"0000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d59" +
		"88ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247" +
		"304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a022057" +
		"3a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e831" +
		"88368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000"

	// A regtest coinbase as a compact block carries it.
	coinbaseHex = "02000000010000000000000000000000000000000000000000000000000000000000000000" +
		"ffffffff0302ee00ffffffff0100f9029500000000015100000000"
)
