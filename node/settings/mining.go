package settings

import (
	"runtime"

	"starling/address"
	"starling/chain/consensus"
	"starling/params"
)

// Mining says whether and how a node searches for blocks.
type Mining struct {
	On      bool
	Payout  []byte // script of --miner; nil to pay to the node's wallet
	Threads int    // 0 for all cores but one
	MinTxs  int    // transactions that must wait for the search to begin

	MaxWeight int64 // of a block
	MinFee    int64 // in satoshi for 1,000 virtual bytes
}

// minBlockWeight is what the header and the coinbase of a block may take.
const minBlockWeight = 8000

// miningOptions are the settings about making blocks.
func miningOptions() []Option {
	// More than eight threads for each core would only be slower.
	maxThreads := 8 * int64(runtime.NumCPU())
	return []Option{
		{Name: "mine", kind: kindBool, def: false, Help: "search for blocks, and pay what they bring to the node's wallet"},
		{Name: "miner", Value: "ADDRESS", kind: kindString, def: "", Help: "search for blocks, and pay what they bring to this address"},
		{Name: "mine-threads", Value: "N", kind: kindInt, def: int64(0), least: 0, most: maxThreads, Help: "how many threads search (default all cores but one)"},
		{Name: "mine-min-txs", Value: "N", kind: kindInt, def: int64(1), least: 0, most: 1_000_000, Help: "begin when so many transactions wait, and go on until none does; 0 never pauses"},
		{Name: "block-max-weight", Value: "N", kind: kindInt, def: int64(consensus.MaxBlockWeight), least: minBlockWeight, most: consensus.MaxBlockWeight, Help: "largest weight of blocks made here"},
		{Name: "block-min-fee", Value: "SAT", kind: kindInt, def: int64(1), least: 0, most: params.Coin, Help: "leave out of blocks made here what pays less for 1,000 virtual bytes"},
	}
}

// settleMining checks the settings about making blocks.
func (c *Config) settleMining() error {
	m := &c.Mining
	m.On = c.values["mine"].(bool)
	m.Threads, m.MinTxs = int(c.num("mine-threads")), int(c.num("mine-min-txs"))
	m.MaxWeight, m.MinFee = c.num("block-max-weight"), c.num("block-min-fee")
	name := "mine"
	if s := c.str("miner"); s != "" {
		name = "miner"
		to, err := address.Decode(s, c.Network)
		if err != nil {
			return c.fail(name, "%q: %v", s, err)
		}
		m.On, m.Payout = true, to.Script()
	}
	if m.On && c.Network.IsSignet() {
		return c.fail(name, "blocks of %s must be signed (BIP325), so no search finds one; see getblocktemplate", c.Network.Name)
	}
	return nil
}
