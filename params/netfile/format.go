package netfile

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"starling/params"
	"starling/wire"
)

// format is the number of the form that files have. It changes when a reader
// of the old form would misread the new one.
const format = 1

// file is a network file. A key whose tag says omitempty may be missing, all
// others must be there: a rule that a file leaves open could be taken
// differently by the next version of the program, and split the network.
type file struct {
	Format int    `toml:"format" comment:"This file is the same for every node of the network. Whoever has it joins with\n  starling node --network FILE\nMost of it cannot change once the network is in use."`
	Name   string `toml:"name" comment:"What the network is called; also the directory of its data."`
	Magic  magic  `toml:"magic" comment:"The four bytes that open every message."`

	Port    uint16   `toml:"port" comment:"Where nodes listen for peers and for RPC unless told otherwise."`
	RPCPort uint16   `toml:"rpc-port"`
	Seeds   []string `toml:"seeds" comment:"Nodes that every node connects to, as host:port. May be changed at any time."`

	DNSSeeds     []string `toml:"dns-seeds,omitempty" comment:"Names that resolve to addresses of nodes."`
	Transports   []string `toml:"transports" comment:"How nodes speak to each other, the best way first."`
	Libp2pPrefix string   `toml:"libp2p-prefix" comment:"What keeps this network's nodes apart from others in shared protocols."`
	DiscoveryKey string   `toml:"discovery-key"`

	Genesis  genesis  `toml:"genesis" comment:"The first block. Its hash stands for all of this table."`
	Blocks   blocks   `toml:"blocks" comment:"Blocks: targets in compact form, as in block headers."`
	Coins    coins    `toml:"coins"`
	Policy   policy   `toml:"policy"`
	Links    links    `toml:"links,omitempty" comment:"How nodes keep in touch. May be changed at any time."`
	Forks    forks    `toml:"forks" comment:"The first block at which each of Bitcoin's later rules holds."`
	Prefixes prefixes `toml:"prefixes" comment:"How addresses and keys begin."`
}

type genesis struct {
	Hash      hash      `toml:"hash"`
	Time      time.Time `toml:"time"`
	Bits      bits      `toml:"bits"`
	Nonce     uint32    `toml:"nonce"`
	Text      string    `toml:"text" comment:"Stands in its coinbase."`
	Spendable bool      `toml:"spendable" comment:"Whether what it pays can be spent, and at once."`
	Outputs   []output  `toml:"outputs" comment:"What it pays: an amount in coins to an address, or to a script in hexadecimal digits."`
}

type output struct {
	Address string   `toml:"address,omitempty"`
	Script  hexBytes `toml:"script,omitempty"`
	Amount  amount   `toml:"amount"`
}

type blocks struct {
	Limit         bits  `toml:"limit" comment:"The easiest target."`
	Spacing       span  `toml:"spacing" comment:"The time that blocks should be apart."`
	Period        int64 `toml:"period" comment:"How many blocks pass between changes of the difficulty."`
	Retarget      bool  `toml:"retarget" comment:"Whether the difficulty changes at all."`
	MinDifficulty bool  `toml:"min-difficulty" comment:"Whether a block that comes more than two spacings late may be as easy as can be."`
	BIP94         bool  `toml:"bip94" comment:"Whether times must go on across periods (BIP94)."`
	OnDemand      bool  `toml:"on-demand" comment:"Whether blocks may be made by command."`
}

type coins struct {
	Subsidy  amount `toml:"subsidy" comment:"What a block may create, in coins, and after how many blocks that halves."`
	Halving  int32  `toml:"halving"`
	Maturity int32  `toml:"maturity" comment:"How many blocks deep a coinbase must be to be spent."`
}

type policy struct {
	MinFee int64 `toml:"min-fee" comment:"The fee below which transactions are neither passed on nor mined, in satoshi\nfor 1,000 virtual bytes."`
}

// links are keys that older files do not have.
type links struct {
	PingInterval *span `toml:"ping-interval,omitempty" comment:"How often peers are pinged, and how long they may take to answer."`
	PingTimeout  *span `toml:"ping-timeout,omitempty"`
	TxWait       *span `toml:"tx-wait,omitempty" comment:"How long to wait for a better announcer of a transaction before asking for it."`
}

type forks struct {
	BIP34  int32 `toml:"bip34"`
	BIP65  int32 `toml:"bip65"`
	BIP66  int32 `toml:"bip66"`
	CSV    int32 `toml:"csv"`
	Segwit int32 `toml:"segwit"`
}

type prefixes struct {
	HRP        string `toml:"hrp" comment:"Of segregated-witness addresses."`
	PubKeyHash uint8  `toml:"pubkey-hash" comment:"Version bytes of base58 addresses and private keys."`
	ScriptHash uint8  `toml:"script-hash"`
	WIF        uint8  `toml:"wif"`
}

// The types below are values as the file writes them.

type magic [4]byte

// MarshalText implements encoding.TextMarshaler.
func (m magic) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(m[:])), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *magic) UnmarshalText(b []byte) error {
	raw, err := hex.DecodeString(string(b))
	if err != nil || len(raw) != len(m) {
		return fmt.Errorf("%q is not eight hexadecimal digits", b)
	}
	*m = magic(raw)
	return nil
}

type bits uint32

// MarshalText implements encoding.TextMarshaler.
func (v bits) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%08x", uint32(v)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *bits) UnmarshalText(b []byte) error {
	n, err := ParseBits(string(b))
	*v = bits(n)
	return err
}

// ParseBits reads a target in compact form, eight hexadecimal digits.
func ParseBits(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil || len(s) != 8 {
		return 0, fmt.Errorf("%q is not eight hexadecimal digits", s)
	}
	if _, ok := params.Target(uint32(n)); !ok {
		return 0, fmt.Errorf("%s is not the compact form of a target", s)
	}
	return uint32(n), nil
}

type hash wire.Hash

// MarshalText implements encoding.TextMarshaler.
func (h hash) MarshalText() ([]byte, error) { return []byte(wire.Hash(h).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *hash) UnmarshalText(b []byte) error {
	v, err := wire.HashFromString(string(b))
	if err != nil || len(b) != 2*wire.HashSize {
		return fmt.Errorf("%q is not %d hexadecimal digits", b, 2*wire.HashSize)
	}
	*h = hash(v)
	return nil
}

type hexBytes []byte

// MarshalText implements encoding.TextMarshaler.
func (x hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(x)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (x *hexBytes) UnmarshalText(b []byte) error {
	raw, err := hex.DecodeString(string(b))
	if err != nil {
		return fmt.Errorf("%q is not in hexadecimal digits", b)
	}
	*x = raw
	return nil
}

type span time.Duration

// MarshalText implements encoding.TextMarshaler.
func (s span) MarshalText() ([]byte, error) {
	text := time.Duration(s).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return []byte(text), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *span) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a time such as 10s or 2m", b)
	}
	*s = span(d)
	return nil
}

// amount is a number of satoshi that is written in coins.
type amount int64

// coinDigits is how many decimals a coin has.
const coinDigits = 8

// MarshalText implements encoding.TextMarshaler.
func (a amount) MarshalText() ([]byte, error) {
	s := fmt.Sprintf("%d.%08d", a/params.Coin, a%params.Coin)
	return []byte(strings.TrimSuffix(strings.TrimRight(s, "0"), ".")), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *amount) UnmarshalText(b []byte) error {
	n, err := ParseCoins(string(b))
	*a = amount(n)
	return err
}

// ParseCoins reads an amount of coins with up to eight decimals, exactly, and
// returns it in satoshi.
func ParseCoins(s string) (int64, error) {
	whole, part, _ := strings.Cut(s, ".")
	if whole == "" || len(whole) > 8 || len(part) > coinDigits || strings.HasSuffix(s, ".") ||
		strings.Trim(whole+part, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not an amount of coins such as 50 or 0.25", s)
	}
	return strconv.ParseInt(whole+part+strings.Repeat("0", coinDigits-len(part)), 10, 64)
}
