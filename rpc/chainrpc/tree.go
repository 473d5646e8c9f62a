package chainrpc

import (
	"context"
	"errors"
	"slices"

	"starling/chain"
	"starling/chain/headertree"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

func (a *api) treeMethods() []*jsonrpc.Method {
	const category = "Blockchain"
	hash := "00000000000000000000d45d2a4ae2cbeaaecbd0bb2ffe9f6cb4e5ba9bb45d44"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "getchaintips", Category: category,
			Summary: "Returns the ends of all known branches, the best chain's among them."}, a.getChainTips),
		jsonrpc.Define(jsonrpc.Method{Name: "invalidateblock", Category: category,
			Summary:  "Declares a block invalid, as if it broke a rule, and moves to the best chain without it.",
			Examples: [][]any{{hash}}}, a.invalidateBlock),
		jsonrpc.Define(jsonrpc.Method{Name: "reconsiderblock", Category: category,
			Summary:  "Takes back that a block, its ancestors and its descendants are invalid.",
			Examples: [][]any{{hash}}}, a.reconsiderBlock),
		jsonrpc.Define(jsonrpc.Method{Name: "preciousblock", Category: category,
			Summary:  "Prefers a block over others with as much work that came before it. A restart forgets it.",
			Examples: [][]any{{hash}}}, a.preciousBlock),
		jsonrpc.Define(jsonrpc.Method{Name: "verifychain", Category: category,
			Summary: "Checks the last blocks again.", Returns: "Whether they are sound",
			Examples: [][]any{{}, {4, 0}}}, a.verifyChain),
		jsonrpc.Define(jsonrpc.Method{Name: "pruneblockchain", Category: category,
			Summary:  "Deletes old blocks up to a height; the last 288 always stay.",
			Returns:  "The height of the last block that was deleted",
			Examples: [][]any{{1000}}}, a.pruneBlockchain),
	}
}

func (a *api) getChainTips(context.Context, jsonrpc.None) ([]rpctypes.ChainTip, error) {
	tip := a.Chain.Tip()
	ends := a.Chain.Headers().Tips()
	// While bodies are still being fetched the tip is no end of the tree.
	if !slices.Contains(ends, tip) {
		ends = append(ends, tip)
	}
	// The highest comes first; the hash makes the order of others fixed.
	slices.SortFunc(ends, func(x, y *headertree.Node) int {
		if x.Height != y.Height {
			return int(y.Height - x.Height)
		}
		return slices.Compare(x.Hash[:], y.Hash[:])
	})
	tips := make([]rpctypes.ChainTip, len(ends))
	for i, n := range ends {
		t := rpctypes.ChainTip{Height: n.Height, Hash: n.Hash, BranchLen: n.Height - headertree.Fork(n, tip).Height}
		switch {
		case tip.Ancestor(n.Height) == n:
			t.Status = "active"
		case n.Failed():
			t.Status = "invalid"
		case n.ChainTx() == 0:
			t.Status = "headers-only"
		case n.Has(headertree.Connected):
			// It was in the best chain once.
			t.Status = "valid-fork"
		default:
			t.Status = "valid-headers"
		}
		tips[i] = t
	}
	return tips, nil
}

type blockHashParams struct {
	Hash wire.Hash `rpc:"blockhash" help:"The block's hash"`
}

func (a *api) invalidateBlock(ctx context.Context, p blockHashParams) (jsonrpc.Null, error) {
	n, err := a.lookup(p.Hash)
	if err != nil {
		return nil, err
	}
	if err := a.Chain.Invalidate(ctx, n); err != nil {
		return nil, treeError(err)
	}
	return nil, a.Chain.Settle(ctx)
}

// treeError turns an error of changing what is valid into Core's.
func treeError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, chain.ErrStopped) {
		return err
	}
	return jsonrpc.Errorf(jsonrpc.CodeDatabase, "%v", err)
}

func (a *api) reconsiderBlock(ctx context.Context, p blockHashParams) (jsonrpc.Null, error) {
	n, err := a.lookup(p.Hash)
	if err != nil {
		return nil, err
	}
	if err := a.Chain.Reconsider(ctx, n); err != nil {
		return nil, treeError(err)
	}
	return nil, a.Chain.Settle(ctx)
}

func (a *api) preciousBlock(ctx context.Context, p blockHashParams) (jsonrpc.Null, error) {
	n, err := a.lookup(p.Hash)
	if err != nil {
		return nil, err
	}
	if err := a.Chain.Precious(ctx, n); err != nil {
		return nil, treeError(err)
	}
	return nil, a.Chain.Settle(ctx)
}

type verifyParams struct {
	Level   int32 `rpc:"checklevel" default:"3" help:"How thoroughly, 0 to 4: read, check, read what was spent, take back, check scripts"`
	NBlocks int32 `rpc:"nblocks" default:"6" help:"How many blocks; 0 for all"`
}

func (a *api) verifyChain(ctx context.Context, p verifyParams) (bool, error) {
	err := a.Chain.Verify(ctx, min(max(p.Level, 0), 4), p.NBlocks)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		// The answer has no room for what is wrong.
		a.Log.Error("the chain does not verify", "err", err)
	}
	return err == nil, nil
}

type pruneParams struct {
	Height int64 `rpc:"height" help:"Up to which height; from 1,000,000,000 on it is a time, in seconds since 1970"`
}

// pruneTimeFrom is where numbers are taken for times.
const pruneTimeFrom = 1_000_000_000

func (a *api) pruneBlockchain(ctx context.Context, p pruneParams) (int32, error) {
	if a.Chain.PruneTarget() == 0 {
		return 0, jsonrpc.Errorf(jsonrpc.CodeMisc, "Cannot prune blocks because node is not in prune mode.")
	}
	tip := a.Chain.Tip()
	height := p.Height
	if height < 0 {
		return 0, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Negative block height.")
	}
	if height > pruneTimeFrom {
		// Two hours are what times may be off.
		n := firstAfter(tip, height-2*60*60)
		if n == nil {
			return 0, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Could not find block with at least the specified timestamp.")
		}
		height = int64(n.Height)
	}
	switch {
	case tip.Height < a.network().PruneAfterHeight:
		return 0, jsonrpc.Errorf(jsonrpc.CodeMisc, "Blockchain is too short for pruning.")
	case height > int64(tip.Height):
		return 0, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Blockchain is shorter than the attempted prune height.")
	}
	return a.Chain.PruneTo(ctx, int32(min(height, int64(tip.Height-chain.KeepBlocks))))
}

// firstAfter returns the first block of the chain that ends with tip such that
// it or one before it has at least the given time.
func firstAfter(tip *headertree.Node, t int64) *headertree.Node {
	var found *headertree.Node
	for n := tip; n != nil; n = n.Parent {
		if n.Time() >= t {
			found = n
		}
	}
	return found
}
