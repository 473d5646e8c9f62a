package settings

import (
	"runtime"

	"starling/address"
	"starling/chain/consensus"
	"starling/internal/layered"
	"starling/mining"
	"starling/params"
)

// minBlockWeight is what the header and the coinbase of a block may take.
const minBlockWeight = 8000

// miningOptions are the settings about making blocks.
func miningOptions() []layered.Option {
	// More than eight threads for each core would only be slower.
	maxThreads := 8 * int64(runtime.NumCPU())
	return []layered.Option{
		{Name: "mine", Kind: layered.Bool, Help: "search for blocks, and pay what they bring to the node's wallet"},
		{Name: "miner", Value: "ADDRESS", Help: "search for blocks, and pay what they bring to this address"},
		{Name: "mine-threads", Value: "N", Kind: layered.Number, Least: 0, Most: maxThreads, Help: "how many threads search (default all cores but one)"},
		{Name: "mine-min-txs", Value: "N", Kind: layered.Number, Default: int64(1), Least: 0, Most: 1_000_000, Help: "begin when so many transactions wait, and go on until none does; 0 never pauses"},
		{Name: "block-max-weight", Value: "N", Kind: layered.Number, Default: int64(consensus.MaxBlockWeight), Least: minBlockWeight, Most: consensus.MaxBlockWeight, Help: "largest weight of blocks made here"},
		{Name: "block-min-fee", Value: "SAT", Kind: layered.Number, Default: int64(1), Least: 0, Most: params.Coin, Help: "leave out of blocks made here what pays less for 1,000 virtual bytes"},
	}
}

// settleMining fills in whether and how the node makes blocks.
func (s *Settings) settleMining() error {
	s.Mining.MaxWeight, s.Mining.MinFee = s.Number("block-max-weight"), orNone(s.Number("block-min-fee"))
	work := mining.WorkerConfig{Threads: int(s.Number("mine-threads")), MinTxs: int(s.Number("mine-min-txs"))}
	on, name := s.Bool("mine"), "mine"
	if t := s.Text("miner"); t != "" {
		name = "miner"
		to, err := address.Decode(t, s.Server.Network)
		if err != nil {
			return s.Fail(name, "%q: %v", t, err)
		}
		on, work.Script = true, to.Script()
	}
	if on && s.Server.Network.IsSignet() {
		return s.Fail(name, "blocks of %s must be signed (BIP325), so no search finds one; see getblocktemplate", s.Server.Network.Name)
	}
	if on {
		s.Worker = &work
	}
	return nil
}
