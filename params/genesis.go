package params

import (
	"encoding/hex"

	"github.com/holiman/uint256"

	"starling/wire"
)

const (
	// genesisMessage is the newspaper headline in the first coinbase.
	genesisMessage = "The Times 03/Jan/2009 Chancellor on brink of second bailout for banks"
	// genesisKey is the public key that the first coinbase pays.
	genesisKey = "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6" +
		"49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f"

	opPushData1 = 0x4c
	opCheckSig  = 0xac
)

// genesisSpec is what the genesis blocks of Bitcoin's networks differ in.
type genesisSpec struct {
	message string
	key     string // hexadecimal public key that is paid
	time    uint32
	bits    uint32
	nonce   uint32
}

// block builds the genesis block: version 1, with one coinbase that pays the
// first subsidy to the key.
func (g genesisSpec) block() *wire.Block {
	// The first coinbase pushed the compact form of the first target and the
	// number 4 before its message, and all later ones copied it.
	script := []byte{4, 0xff, 0xff, 0x00, 0x1d, 1, 4}
	if len(g.message) >= opPushData1 {
		script = append(script, opPushData1)
	}
	script = append(script, byte(len(g.message)))
	script = append(script, g.message...)

	key := mustHex(g.key)
	pay := append([]byte{byte(len(key))}, key...)
	pay = append(pay, opCheckSig)

	tx := wire.NewTx(1,
		[]wire.TxIn{{
			PrevOut:  wire.OutPoint{Index: wire.NullIndex},
			Script:   script,
			Sequence: wire.SequenceFinal,
		}},
		[]wire.TxOut{{Value: 50 * Coin, Script: pay}},
		0)
	return wire.NewBlock(wire.Header{
		Version:    1,
		MerkleRoot: tx.TxID(),
		Timestamp:  g.time,
		Bits:       g.bits,
		Nonce:      g.nonce,
	}, []*wire.Tx{tx})
}

// mustHex decodes a constant; it panics on a bad one.
func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic("params: bad constant: " + err.Error())
	}
	return b
}

// number decodes a constant of up to 64 hexadecimal digits, most significant
// first.
func number(s string) *uint256.Int { return new(uint256.Int).SetBytes(mustHex(s)) }
