package chainrpc

import (
	"context"

	"starling/chain/headertree"
	"starling/index/gcs"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/wire"
)

// Filters are the compact filters of blocks (BIP158).
type Filters interface {
	Filter(n *headertree.Node) (filter []byte, ok bool, err error)
	FilterHeader(n *headertree.Node) (hash, header wire.Hash, ok bool, err error)
	Height() (height int32, synced bool)
}

func (a *api) filterMethods() []*jsonrpc.Method {
	const category = "Blockchain"
	scan := new(scanState)
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "getblockfilter", Category: category,
			Summary:  "Returns the compact filter of a block (BIP158), which tells what scripts may be in it. The node\nmust keep an index of them.",
			Examples: [][]any{{"00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee", "basic"}}}, a.getBlockFilter),
		jsonrpc.Define(jsonrpc.Method{Name: "scanblocks", Category: category,
			Summary: "Looks through the compact filters of blocks for those that may make or spend outputs of certain\n" +
				"scripts, named as for scantxoutset. The node must keep an index of filters.",
			Results: []jsonrpc.Shape{
				{When: "when action is start", Like: rpctypes.BlockScan{}},
				{When: "when action is abort", Like: true, Help: "Whether a scan was running"},
				{When: "when action is status and a scan is running", Like: rpctypes.BlockScanProgress{}},
				{When: "when action is status and no scan is running"},
			},
			Examples: [][]any{{"start", []string{"addr(bcrt1q4u4nsgk6ug0sqz7r3rj9tykjxrsl0yy4d0wwte)"}, 300_000}, {"status"}, {"abort"}}},
			func(ctx context.Context, p scanBlocksParams) (any, error) { return a.scanBlocks(ctx, p, scan) }),
	}
}

type blockFilterParams struct {
	Block wire.Hash `rpc:"blockhash" help:"The block's hash"`
	Type  string    `rpc:"filtertype" default:"\"basic\"" help:"The filter's type; only basic is known"`
}

// checkFilterType refuses types of filters that are not known, and all if the
// node keeps none.
func (a *api) checkFilterType(name string) error {
	if name != "basic" {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Unknown filtertype")
	}
	if a.Filters == nil {
		return jsonrpc.Errorf(jsonrpc.CodeMisc, "Index is not enabled for filtertype basic")
	}
	return nil
}

func (a *api) getBlockFilter(_ context.Context, p blockFilterParams) (r rpctypes.BlockFilter, err error) {
	if err := a.checkFilterType(p.Type); err != nil {
		return r, err
	}
	n, err := a.lookup(p.Block)
	if err != nil {
		return r, err
	}
	filter, ok, err := a.Filters.Filter(n)
	if err != nil {
		return r, err
	}
	if !ok {
		return r, a.noFilter(n)
	}
	_, header, ok, err := a.Filters.FilterHeader(n)
	if err == nil && !ok {
		err = a.noFilter(n)
	}
	return rpctypes.BlockFilter{Filter: filter, Header: header}, err
}

// noFilter says why there is no filter of a block, as Core does.
func (a *api) noFilter(n *headertree.Node) error {
	switch _, synced := a.Filters.Height(); {
	case n.Parent != nil && !n.Has(headertree.Connected):
		return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Filter not found. Block was not connected to active chain.")
	case !synced:
		return jsonrpc.Errorf(jsonrpc.CodeMisc, "Filter not found. Block filters are still in the process of being indexed.")
	}
	return jsonrpc.Errorf(jsonrpc.CodeInternal, "Filter not found. This error is unexpected and indicates index corruption.")
}

type scanBlocksOptions struct {
	Check bool `rpc:"filter_false_positives" default:"false" help:"Whether to look into the blocks that match, which takes longer and needs them on disk"`
}

type scanBlocksParams struct {
	Action  string               `rpc:"action" help:"start, status or abort"`
	Objects []rpcargs.ScanObject `rpc:"scanobjects,optional" item:"descriptor" help:"What to look for"`
	From    int32                `rpc:"start_height" default:"0" help:"Height of the first block"`
	To      *int32               `rpc:"stop_height" help:"Height of the last block; the tip's if left out"`
	Type    string               `rpc:"filtertype" default:"\"basic\"" help:"The filters' type; only basic is known"`
	Options *scanBlocksOptions   `rpc:"options,named" help:"How to look"`
}

func (a *api) scanBlocks(ctx context.Context, p scanBlocksParams, state *scanState) (any, error) {
	switch p.Action {
	case "status":
		if !state.isRunning() {
			return nil, nil
		}
		return rpctypes.BlockScanProgress{Progress: int(state.progress.Load()), Height: state.height.Load()}, nil
	case "abort":
		return state.abort(), nil
	case "start":
		if err := a.checkFilterType(p.Type); err != nil {
			return nil, err
		}
	}
	wanted, err := a.scanTargets(ctx, p.Action, p.Objects)
	if err != nil {
		return nil, err
	}
	tip := a.Chain.Tip()
	last := tip
	if p.From < 0 || p.From > tip.Height {
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "Invalid start_height")
	}
	if p.To != nil {
		if *p.To < p.From || *p.To > tip.Height {
			return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "Invalid stop_height")
		}
		last = tip.Ancestor(*p.To)
	}
	ctx, end, err := state.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	return a.scanFilters(ctx, &blockScan{wanted: wanted, from: p.From, last: last, check: p.Options != nil && p.Options.Check}, state)
}

// blockScan is what a scan of filters is to do.
type blockScan struct {
	wanted map[string]scanTarget
	from   int32
	last   *headertree.Node
	check  bool
}

// scanFilters looks at the filters of a range of blocks. One that is not there ends
// the scan with an error: an answer without its block would look complete.
func (a *api) scanFilters(ctx context.Context, s *blockScan, state *scanState) (any, error) {
	scripts := make([][]byte, 0, len(s.wanted))
	for script := range s.wanted {
		scripts = append(scripts, []byte(script))
	}
	r := rpctypes.BlockScan{From: s.from, To: s.from, Relevant: []wire.Hash{}, Completed: true}
	for h := s.from; h <= s.last.Height; h++ {
		if ctx.Err() != nil {
			r.Completed = false
			break
		}
		state.height.Store(h)
		state.progress.Store(int32(int64(h-s.from) * 100 / int64(s.last.Height-s.from+1)))
		n := s.last.Ancestor(h)
		hit, err := a.mayHave(n, scripts)
		if hit && err == nil && s.check {
			hit, err = a.has(n, s.wanted)
		}
		if err != nil {
			return nil, err
		}
		if hit {
			r.Relevant = append(r.Relevant, n.Hash)
		}
		r.To = h
	}
	return r, nil
}

// mayHave asks the filter of a block for scripts.
func (a *api) mayHave(n *headertree.Node, scripts [][]byte) (bool, error) {
	raw, ok, err := a.Filters.Filter(n)
	if err != nil {
		return false, err
	}
	if !ok {
		return false, a.noFilter(n)
	}
	f, err := gcs.Decode(n.Hash, raw)
	if err != nil {
		return false, err
	}
	return f.MatchAny(scripts), nil
}

// has looks into a block for scripts that it makes or spends.
func (a *api) has(n *headertree.Node, wanted map[string]scanTarget) (bool, error) {
	b, err := a.block(n)
	if err != nil {
		return false, err
	}
	for i := range b.Txs {
		for j := range b.Txs[i].Out {
			if _, ok := wanted[string(b.Txs[i].Out[j].Script)]; ok {
				return true, nil
			}
		}
	}
	undo, err := a.Chain.Undo(n)
	if err != nil {
		return false, err
	}
	for _, spent := range undo.Spent {
		for i := range spent {
			if _, ok := wanted[string(spent[i].Script)]; ok {
				return true, nil
			}
		}
	}
	return false, nil
}
