package node

import (
	"context"
	"path/filepath"

	"starling/mempool"
	"starling/server"
	"starling/server/fanout"
	"starling/wallet"
	"starling/wire"
)

// openWallets opens the wallets of the node.
func (n *Node) openWallets(ctx context.Context) error {
	if n.cfg.NoWallet {
		return nil
	}
	sc, cfg := &n.cfg.Server, n.cfg.Wallet
	cfg.Chain, cfg.Pool = wallet.OverChain(n.Server.Chain()), poolOf{n.Server}
	cfg.FS, cfg.Dir, cfg.Clock, cfg.Log = sc.FS, WalletDir(sc.Dir), n.Clock, n.part("wallet")
	m, err := wallet.New(cfg)
	if err != nil {
		return err
	}
	n.Server.Subscribe("wallet", fanout.Subscriber{Pool: walletPool{m: m}})
	n.Wallets = m
	return m.Open(ctx)
}

// WalletDir returns where the wallets of a network are, given its data
// directory.
func WalletDir(netDir string) string { return filepath.Join(netDir, "wallets") }

// walletPool tells wallets what enters and leaves the mempool.
type walletPool struct {
	mempool.NopObserver
	m *wallet.Manager
}

// TxAdded implements [mempool.Observer].
func (p walletPool) TxAdded(e *mempool.Entry) { p.m.TxAdded(e.Tx) }

// TxRemoved implements [mempool.Observer].
func (p walletPool) TxRemoved(e *mempool.Entry, _ mempool.RemovalReason) { p.m.TxRemoved(e.Tx) }

// poolOf is what wallets see of a node's unconfirmed transactions. It
// implements [wallet.Pool].
type poolOf struct{ n *server.Server }

func (p poolOf) Submit(ctx context.Context, tx *wire.Tx) error { return p.n.SubmitTx(ctx, tx, 0) }

func (p poolOf) Has(txid wire.Hash) bool { return p.n.Mempool().Get(txid) != nil }

func (p poolOf) Tx(txid wire.Hash) *wire.Tx {
	if e := p.n.Mempool().Get(txid); e != nil {
		return e.Tx
	}
	return nil
}

func (p poolOf) All() []*wire.Tx {
	entries := p.n.Mempool().Entries()
	all := make([]*wire.Tx, len(entries))
	for i, e := range entries {
		all[i] = e.Tx
	}
	return all
}

func (p poolOf) MinFee() int64 { return int64(p.n.Mempool().MinFee()) }

func (p poolOf) IncrementalFee() int64 { return int64(p.n.Mempool().Info().Incremental) }

func (p poolOf) EstimateFee(target int, conservative bool) (int64, bool) {
	fees := p.n.Fees()
	if fees == nil {
		return 0, false
	}
	e, err := fees.Estimate(target, conservative)
	return e.Rate, err == nil
}

func (p poolOf) Package(txid wire.Hash) (wallet.Package, bool) {
	d, ok := p.n.Mempool().Details(txid)
	return wallet.Package{
		Ancestors: d.AncestorCount, Descendants: d.DescendantCount, AncestorSize: d.AncestorSize, AncestorFees: d.AncestorFees,
	}, ok
}
