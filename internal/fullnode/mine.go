package fullnode

import (
	"time"

	"starling/internal/config"
	"starling/mempool"
	"starling/mining"
)

// Mining says what blocks this node makes. The zero value makes them on
// demand only.
type Mining struct {
	On      bool        // search for blocks as long as there is work
	Payout  []byte      // script that they pay to
	Threads int         // 0 for all cores but one
	MinTxs  int         // transactions that must wait for the search to begin; 0 never pauses
	Pace    mining.Pace // waits before each block; nil for none

	MaxWeight int64           // of a block; 0 for the rules' limit
	MinFee    mempool.FeeRate // 0 for the default, negative for none
}

// openMining makes the miner and, if asked for, the worker.
func (n *Node) openMining() error {
	m, c := &n.cfg.Mining, n.Server.Chain()
	cfg := mining.Config{Chain: c, Source: n.Server.Mempool(), Clock: n.Clock, MaxWeight: m.MaxWeight, MinFee: m.MinFee}
	n.Miner = mining.New(cfg)
	n.API.Miner = n.Miner
	if !m.On {
		return nil
	}
	payout := m.Payout
	if payout == nil {
		return &config.Error{Name: "mine", Reason: "there is no wallet that blocks could pay to; say where with --miner ADDRESS"}
	}
	n.Worker = mining.NewWorker(mining.WorkerConfig{
		Miner: n.Miner, Script: payout, Threads: m.Threads, MinTxs: m.MinTxs, Pace: m.Pace,
		Behind: n.behind, Log: n.part("mining"),
	})
	n.API.Worker = n.Worker
	return nil
}

// behindPatience is how long the miner waits for blocks whose headers are
// there. Who holds blocks back must not keep it from working.
const behindPatience = 20 * time.Second

// behind reports whether a block on the tip, which has been the same for so
// long, would likely be wasted: where others mine all the time, as long as the
// node has not caught up; anywhere, while it fetches blocks whose headers it
// has.
func (n *Node) behind(since time.Duration) bool {
	c := n.Server.Chain()
	if !c.Network().MineOnDemand && c.IsInitialDownload() {
		return true
	}
	return c.Headers().Best().Work.Gt(&c.Tip().Work) && since < behindPatience
}
