package server

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"time"

	"starling/clock"
	"starling/mempool/feeest"
)

const (
	// feesFile holds what was learned about fees.
	feesFile = "fee_estimates.dat"
	// saveFeesEvery is how often it is written, beside at the end, as Core does.
	saveFeesEvery = time.Hour
)

// openFees makes what estimates fees. What earlier runs have learned is read
// now, before the first transaction or block can be seen.
func (n *Server) openFees() {
	n.fees = &feeest.Watcher{
		Estimator: feeest.New(),
		Current:   func() bool { return !n.chain.IsInitialDownload() },
	}
	n.loadFees()
}

// Fees returns what estimates fees.
func (n *Server) Fees() *feeest.Estimator { return n.fees.Estimator }

func (n *Server) feesPath() string { return path.Join(n.cfg.Dir, feesFile) }

// loadFees reads what earlier runs have learned. Without it the node learns
// anew.
func (n *Server) loadFees() {
	err := n.Fees().Load(n.cfg.FS, n.feesPath(), n.clk.Now())
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, feeest.ErrStale):
		n.log.Info(err.Error())
	default:
		n.log.Warn("fee estimates can not be read; fees are learned anew", "err", err)
	}
}

func (n *Server) saveFees() {
	if err := n.Fees().Save(n.cfg.FS, n.feesPath(), n.clk.Now()); err != nil {
		n.log.Warn("can not save fee estimates", "err", err)
	}
}

// keepFees saves them now and then, and at the end, when nobody will see any
// more what becomes of the transactions that wait.
func (n *Server) keepFees(ctx context.Context) {
	for clock.Sleep(ctx, n.clk, saveFeesEvery) == nil {
		n.saveFees()
	}
	n.Fees().Forget()
	n.saveFees()
}
