package settings

import "starling/internal/layered"

// minPrune is the smallest target of automatic pruning, in MiB: below it the
// last 288 blocks, which peers may ask for, may not fit.
const minPrune = 550

// chainOptions are the settings about blocks and what is kept of them.
func chainOptions() []layered.Option {
	return []layered.Option{
		{Name: "dbcache", Value: "MIB", Kind: layered.Number, Default: int64(450), Least: 4, Most: 1 << 20, Help: "memory for the set of unspent outputs, in MiB"},
		{Name: "prune", Value: "MIB", Kind: layered.Number, Least: 0, Most: 1 << 30, Help: "delete old blocks to stay below so many MiB (at least 550); 1 prunes on request only, 0 keeps all"},
		{Name: "txindex", Kind: layered.Bool, Help: "keep an index of all transactions"},
		{Name: "blockfilterindex", Kind: layered.Bool, Help: "keep the compact filters of all blocks (BIP158)"},
		{Name: "peerblockfilters", Kind: layered.Bool, Help: "serve compact filters to peers (BIP157); needs blockfilterindex"},
		{Name: "assume-valid", Value: "HASH", Help: "block below which scripts are not checked; 0 checks all (default built in)"},
		{Name: "min-chain-work", Value: "HEX", Help: "work below which a chain is not believed (default built in)"},
		{Name: "load-block", Value: "FILE", Kind: layered.List, Help: "read blocks from a file at start; may be repeated"},
		{Name: "reindex", Kind: layered.Bool, Help: "rebuild everything else from the block files"},
	}
}

// settleChain fills in what is kept of blocks. The two settings that change the
// network are settled with it.
func (s *Settings) settleChain() error {
	c := &s.Server
	c.DBCache = s.Number("dbcache") << 20
	c.Load, c.Reindex = s.List("load-block"), s.Bool("reindex")
	s.TxIndex, s.BlockFilters, s.ServeFilters = s.Bool("txindex"), s.Bool("blockfilterindex"), s.Bool("peerblockfilters")
	if s.ServeFilters && !s.BlockFilters {
		return s.Fail("peerblockfilters", "there is nothing to serve without blockfilterindex")
	}
	c.Prune = s.Number("prune") // 0 keeps all, 1 prunes on request
	if c.Prune > 1 {
		if c.Prune < minPrune {
			return s.Fail("prune", "at least %d MiB are needed to keep what peers may ask for (1 prunes on request only)", minPrune)
		}
		c.Prune <<= 20
	}
	if c.Prune > 0 && s.TxIndex {
		return s.Fail("prune", "a pruned node can not keep a transaction index")
	}
	return nil
}
