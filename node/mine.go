package node

import (
	"errors"
	"fmt"
	"time"

	"starling/internal/layered"
	"starling/mining"
	"starling/wallet"
)

// openMining makes the miner and, if asked for, the worker.
func (n *Node) openMining() error {
	cfg := n.cfg.Mining
	cfg.Chain, cfg.Source, cfg.Clock = n.Server.Chain(), n.Server.Mempool(), n.Clock
	n.Miner = mining.New(cfg)
	if n.cfg.Worker == nil {
		return nil
	}
	payout, err := n.Payout()
	if err != nil {
		return &layered.Error{Name: "mine", Reason: err.Error()}
	}
	work := *n.cfg.Worker
	work.Miner, work.Script, work.Behind, work.Log = n.Miner, payout, n.behind, n.part("mining")
	n.Worker = mining.NewWorker(work)
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
	if w := n.cfg.Worker; w != nil && w.Script != nil {
		return w.Script, nil
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
