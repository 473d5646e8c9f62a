package netfile

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/pelletier/go-toml/v2"

	"starling/address"
	"starling/params"
)

// Encode returns the text of a network's file. It fails for a network that a
// file cannot describe, such as Bitcoin's.
func Encode(n *params.Network) ([]byte, error) {
	if err := n.Validate(); err != nil {
		return nil, explain(err)
	}
	f, err := describe(n)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "# A network of one's own, for Starling: %s\n\n", n.Name)
	e := toml.NewEncoder(&buf)
	e.SetIndentTables(false)
	if err := e.Encode(f); err != nil {
		return nil, err
	}
	// What was written must say what was meant.
	back, err := Parse(buf.Bytes())
	if err != nil {
		return nil, fmt.Errorf("a file cannot describe network %s: %w", n.Name, err)
	}
	if back.GenesisHash != n.GenesisHash {
		return nil, fmt.Errorf("a file cannot describe network %s: its genesis block is of another form", n.Name)
	}
	return buf.Bytes(), nil
}

// describe turns a network into the file about it.
func describe(n *params.Network) (*file, error) {
	h, tx := &n.Genesis.Header, &n.Genesis.Txs[0]
	script := tx.In[0].Script
	if len(script) < 2 || int(script[0]) != len(script)-1 {
		return nil, bad("genesis.text", "the coinbase of network %s is not a text", n.Name)
	}
	period := n.DifficultyInterval()
	if period > math.MaxInt32/2 {
		return nil, bad("blocks.period", "is too long")
	}
	f := &file{
		Format: format, Name: n.Name, Magic: n.Magic,
		Port: n.DefaultPort, RPCPort: n.RPCPort, Seeds: n.FixedSeeds, DNSSeeds: n.DNSSeeds,
		Transports: n.Transports, Libp2pPrefix: n.Libp2pPrefix, DiscoveryKey: n.DiscoveryKey,
		Genesis: genesis{
			Hash: hash(n.GenesisHash), Time: h.Time().UTC().Truncate(time.Second), Bits: bits(h.Bits), Nonce: h.Nonce,
			Text: string(script[1:]), Spendable: n.GenesisSpendable,
		},
		Blocks: blocks{
			Limit: bits(n.PowLimitBits), Spacing: span(n.TargetSpacing), Period: int64(period),
			Retarget: !n.NoRetargeting, MinDifficulty: n.AllowMinDifficulty, BIP94: n.EnforceBIP94, OnDemand: n.MineOnDemand,
		},
		Coins:  coins{Subsidy: amount(n.InitialSubsidy), Halving: n.SubsidyHalvingInterval, Maturity: n.CoinbaseMaturity},
		Policy: policy{MinFee: n.MinRelayFee},
		Links: links{
			PingInterval: (*span)(&n.PingInterval), PingTimeout: (*span)(&n.PingTimeout), TxWait: (*span)(&n.TxWait),
		},
		Forks: forks{
			BIP34: n.BIP34Height, BIP65: n.BIP65Height, BIP66: n.BIP66Height, CSV: n.CSVHeight, Segwit: n.SegwitHeight,
		},
		Prefixes: prefixes{HRP: n.Bech32HRP, PubKeyHash: n.PubKeyHashPrefix, ScriptHash: n.ScriptHashPrefix, WIF: n.WIFPrefix},
	}
	if f.Seeds == nil {
		f.Seeds = []string{}
	}
	for i := range tx.Out {
		o := output{Amount: amount(tx.Out[i].Value)}
		if a, ok := address.FromScript(tx.Out[i].Script, n); ok {
			o.Address = a.String()
		} else {
			o.Script = tx.Out[i].Script
		}
		f.Genesis.Outputs = append(f.Genesis.Outputs, o)
	}
	return f, nil
}
