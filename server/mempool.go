package server

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"sync"

	"starling/mempool"
	"starling/netsync/txdownload"
	"starling/relay"
	"starling/store"
	"starling/wire"
)

const (
	// checkedTxs is how many transactions are remembered whose scripts have
	// been checked, so that blocks need not check them again: more than a full
	// mempool holds. They take 8.7 MB once they are there.
	checkedTxs = 1 << 18

	// poolFile and ownFile hold the mempool and the ids of this node's own
	// transactions in it.
	poolFile = "mempool.dat"
	ownFile  = "owntxs.dat"
	// ownVersion is the version of ownFile: the ids, one after the other.
	ownVersion = 1

	// maxMoved is of how many of the blocks that a change of the tip connects
	// the transactions are looked at: as many as the filter of confirmed ones
	// has room for.
	maxMoved = 8
)

// openPool makes the mempool and what surrounds it.
func (n *Server) openPool() error {
	cfg := &n.cfg
	pc := cfg.Pool
	pc.Chain, pc.Verifier, pc.Clock, pc.Log, pc.FS = n.chain, n.verifier, n.clk, cfg.Logs("mempool"), cfg.FS
	pc.RequireStandard = !cfg.AcceptNonStandard
	if pc.MinRelayFee == 0 {
		// Below zero is how the pool is told that there is none.
		pc.MinRelayFee = -1
		if rate := cfg.Network.MinRelayFee; rate > 0 {
			pc.MinRelayFee = mempool.FeeRate(rate)
		}
	}
	switch {
	case cfg.ForgetPool:
		pc.File = ""
	case pc.File == "":
		pc.File = path.Join(cfg.Dir, poolFile)
	}
	n.txs = txdownload.New(txdownload.Config{Pool: poolView{n}, Seed: cfg.seedFor("txdownload"), Wait: cfg.txWait(), MaxAnnounced: cfg.MaxAnnounced, Rejects: cfg.MaxRejects})
	n.relay = relay.New(relay.Config{
		InboundDelay: cfg.RelayDelayInbound, OutboundDelay: cfg.RelayDelayOutbound,
		MinRelayFee: max(pc.MinRelayFee, 0), IncrementalFee: pc.IncrementalFee, Seed: cfg.seedFor("relay"),
		Gradual: n.asksPools(),
	})
	n.openFees()
	n.subscribePool()
	pc.Observer = n.fanout.Pool()
	var err error
	if n.pool, err = mempool.New(pc); err != nil {
		return err
	}
	n.chain.AttachPool(n.fanout.Moves(n.pool))
	return nil
}

// Mempool returns the transactions that wait for a block.
func (n *Server) Mempool() *mempool.Pool { return n.pool }

// WantsTxs reports whether the node asks peers for transactions.
func (n *Server) WantsTxs() bool { return !n.cfg.BlocksOnly }

// TxDownload returns what is being fetched, and the orphans.
func (n *Server) TxDownload() *txdownload.Manager { return n.txs }

// SubmitTx takes a transaction of this node's users into the mempool, if it
// may, and has it announced, now and every ten minutes or so until a block
// holds it. It is refused if it pays more than maxFeeRate satoshi for 1,000
// virtual bytes, a guard against mistakes; 0 is for no limit. The error is a
// *[mempool.Rejection] if the mempool does not take it; that it has it already
// is no error.
func (n *Server) SubmitTx(ctx context.Context, tx *wire.Tx, maxFeeRate int64) error {
	txid := tx.TxID()
	if n.pool.Get(txid) == nil {
		_, err := n.pool.Add(ctx, tx, mempool.AddOptions{MaxFeeRate: mempool.FeeRate(maxFeeRate), Local: true})
		if err != nil && n.pool.Get(txid) == nil {
			return err
		}
	}
	n.AnnounceTx(txid)
	return nil
}

// AnnounceTx has a transaction of the mempool announced as [Server.SubmitTx] does.
// It is for those that have entered it otherwise, as in a package.
func (n *Server) AnnounceTx(txid wire.Hash) {
	n.relay.Own(n.clk.Now(), txid)
	wake(n.wakeTxs)
}

// startPool reads the saved mempool and keeps it saved, until the function that
// it returns is called.
func (n *Server) startPool(ctx context.Context) (stop func()) {
	var wg sync.WaitGroup
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	wg.Go(func() { n.keepFees(runCtx) })
	wg.Go(func() { n.pool.Run(runCtx) })
	wg.Go(func() {
		// After a crash blocks that are there may have to be connected again;
		// before they are, what spends their outputs looks invalid.
		if n.chain.Settle(ctx) != nil {
			return
		}
		if _, err := n.pool.Load(ctx); err != nil {
			if ctx.Err() == nil {
				n.log.Error("the mempool can not be read", "err", err)
			}
			return
		}
		if !n.cfg.ForgetPool {
			n.loadOwn()
			wake(n.wakeTxs)
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// loadOwn reads which transactions of the mempool are this node's own.
func (n *Server) loadOwn() {
	own := n.pool.Unbroadcast()
	b, err := store.ReadFileChecked(n.cfg.FS, path.Join(n.cfg.Dir, ownFile), ownVersion)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil || len(b)%wire.HashSize != 0:
		n.log.Warn("it is not known which transactions are this node's own; they are announced once, but not again", "err", err)
	default:
		for ; len(b) > 0; b = b[wire.HashSize:] {
			own = append(own, wire.Hash(b[:wire.HashSize]))
		}
	}
	n.relay.Restore(n.clk.Now(), own)
}

// saveOwn writes which transactions of the mempool are this node's own.
func (n *Server) saveOwn(ids []wire.Hash) {
	if n.cfg.ForgetPool {
		return
	}
	b := make([]byte, 0, len(ids)*wire.HashSize)
	for i := range ids {
		b = append(b, ids[i][:]...)
	}
	if err := store.WriteFileAtomic(n.cfg.FS, path.Join(n.cfg.Dir, ownFile), ownVersion, b); err != nil {
		n.log.Warn("can not save which transactions are this node's own", "err", err)
	}
}

// poolView is the mempool as the download of transactions sees it.
type poolView struct{ n *Server }

// HasTx implements [txdownload.Pool].
func (v poolView) HasTx(txid wire.Hash) bool { return v.n.pool.Get(txid) != nil }

// HasWTx implements [txdownload.Pool].
func (v poolView) HasWTx(wtxid wire.Hash) bool { return v.n.pool.GetByWTxID(wtxid) != nil }

// arrivals are the transactions that have entered the mempool and that the
// download has not heard of.
type arrivals struct {
	mu  sync.Mutex
	txs []*wire.Tx
}

func (a *arrivals) push(tx *wire.Tx) {
	a.mu.Lock()
	a.txs = append(a.txs, tx)
	a.mu.Unlock()
}

func (a *arrivals) take() []*wire.Tx {
	a.mu.Lock()
	defer a.mu.Unlock()
	txs := a.txs
	a.txs = nil
	return txs
}
