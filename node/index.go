package node

import (
	"errors"
	"path/filepath"

	"starling/index"
)

// openIndexes opens the indexes that are asked for.
func (n *Node) openIndexes() (err error) {
	opts := func(name string) index.Options {
		return index.Options{
			Source: index.Over(n.Server.Chain()), FS: n.cfg.Server.FS, Dir: filepath.Join(n.cfg.Server.Dir, "indexes", name),
			Clock: n.Clock, Log: n.part("index"),
		}
	}
	if n.cfg.TxIndex {
		if n.TxIndex, err = index.OpenTx(opts("txindex")); err != nil {
			return err
		}
	}
	if n.cfg.BlockFilters {
		if n.Filters, err = index.OpenFilters(opts("blockfilter")); err != nil {
			return err
		}
		if n.cfg.ServeFilters {
			n.Server.ServeFilters(n.Filters)
		}
	}
	return nil
}

// closeIndexes closes those that are open.
func (n *Node) closeIndexes() error {
	var errs []error
	if n.TxIndex != nil {
		errs = append(errs, n.TxIndex.Close())
	}
	if n.Filters != nil {
		errs = append(errs, n.Filters.Close())
	}
	return errors.Join(errs...)
}
