package node

import (
	"errors"
	"fmt"
	"time"

	"starling/mempool"
	"starling/mining"
	"starling/node/settings"
	"starling/wallet"
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
	if !m.On {
		return nil
	}
	payout, err := n.Payout()
	if err != nil {
		return &settings.Error{Name: "mine", Reason: err.Error()}
	}
	n.Worker = mining.NewWorker(mining.WorkerConfig{
		Miner: n.Miner, Script: payout, Threads: m.Threads, MinTxs: m.MinTxs, Pace: m.Pace,
		Behind: n.behind, Log: n.part("mining"),
	})
	if n.Metrics != nil {
		n.Metrics.WatchMiner(n.Worker)
	}
	return nil
}

// payoutLabel is the label of the address that blocks pay to, so that the next
// start finds it again.
const payoutLabel = "mining"

// Payout returns the script that blocks made here pay to: what the settings
// say, or else an address of the node's wallet.
func (n *Node) Payout() ([]byte, error) {
	if s := n.cfg.Mining.Payout; s != nil {
		return s, nil
	}
	w, err := n.onlyWallet()
	if err != nil {
		return nil, err
	}
	for _, l := range w.Labelled() {
		if l.Label == payoutLabel && l.Mine {
			return l.Script, nil
		}
	}
	a, err := w.NewAddress("", payoutLabel)
	if err != nil {
		return nil, fmt.Errorf("wallet %s: %w", w.Name(), err)
	}
	return a.Script(), nil
}

// onlyWallet returns the wallet that is meant when none is named: the only one,
// or of several the one with the usual name.
func (n *Node) onlyWallet() (*wallet.Wallet, error) {
	const instead = "say where with --miner ADDRESS"
	if n.Wallets == nil {
		return nil, errors.New("this node has no wallets that blocks could pay to; " + instead)
	}
	switch all := n.Wallets.Loaded(); len(all) {
	case 0:
		return nil, errors.New("no wallet is loaded that blocks could pay to; make one with \"starling wallet create\", or " + instead)
	case 1:
		return all[0], nil
	default:
		w, err := n.Wallets.Get(wallet.DefaultName)
		if err != nil {
			return nil, fmt.Errorf("%d wallets are loaded, and it is not clear which one blocks should pay to; %s", len(all), instead)
		}
		return w, nil
	}
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
