package chainrpc

import (
	"context"
	"errors"
	"slices"
	"strings"

	"starling/chain"
	"starling/chain/headertree"
	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/script"
	"starling/wire"
)

func (a *api) blockchainMethods() []*jsonrpc.Method {
	const category = "Blockchain"
	exampleHash := "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "getblockchaininfo", Category: category,
			Summary: "Tells how far the node is and what it knows of the chain."}, a.getBlockchainInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "getblockcount", Category: category,
			Summary: "Returns the height of the tip; the genesis block has height 0.", Returns: "The height"},
			func(context.Context, jsonrpc.None) (int32, error) { return a.Chain.Tip().Height, nil }),
		jsonrpc.Define(jsonrpc.Method{Name: "getbestblockhash", Category: category,
			Summary: "Returns the hash of the tip.", Returns: "The hash"},
			func(context.Context, jsonrpc.None) (wire.Hash, error) { return a.Chain.Tip().Hash, nil }),
		jsonrpc.Define(jsonrpc.Method{Name: "getblockhash", Category: category,
			Summary: "Returns the hash of the block at a height of the best chain.", Returns: "The hash",
			Examples: [][]any{{1000}}}, a.getBlockHash),
		jsonrpc.Define(jsonrpc.Method{Name: "getblockheader", Category: category,
			Summary:  "Returns the header of a block, described or in hexadecimal digits.",
			Results:  []jsonrpc.Shape{{When: "for verbose = true", Like: rpctypes.BlockHeader{}}, {When: "for verbose = false", Like: jsonrpc.Hex{}, Help: "The header's 80 bytes"}},
			Examples: [][]any{{exampleHash}}}, a.getBlockHeader),
		jsonrpc.Define(jsonrpc.Method{Name: "getblock", Category: category,
			Summary: "Returns a block. Verbosity 0 gives its bytes in hexadecimal digits, 1 describes it with the ids\nof its transactions, 2 with the transactions, 3 also with the outputs that they spend.",
			Results: []jsonrpc.Shape{
				{When: "for verbosity = 0", Like: jsonrpc.Hex{}, Help: "The block's bytes"},
				{When: "for verbosity = 1", Like: rpctypes.Block{}},
				{When: "for verbosity = 2 and 3", Like: rpctypes.BlockWithTxs{}},
			},
			Examples: [][]any{{exampleHash}, {exampleHash, 2}}}, a.getBlock),
		jsonrpc.Define(jsonrpc.Method{Name: "getdifficulty", Category: category,
			Summary: "Returns the difficulty of the tip as a multiple of the least difficulty.", Returns: "The difficulty"},
			func(context.Context, jsonrpc.None) (jsonrpc.Float, error) {
				return describe.Difficulty(a.Chain.Tip().Header.Bits), nil
			}),
		jsonrpc.Define(jsonrpc.Method{Name: "getdeploymentinfo", Category: category,
			Summary:  "Tells which soft forks are in force at a block, or at the tip.",
			Examples: [][]any{{}, {exampleHash}}}, a.getDeploymentInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "waitfornewblock", Category: category, Waits: true,
			Summary:  "Waits until the tip changes, and returns it.",
			Examples: [][]any{{}, {1000}}}, a.waitForNewBlock),
		jsonrpc.Define(jsonrpc.Method{Name: "waitforblock", Category: category, Waits: true,
			Summary:  "Waits until a block is the tip, and returns the tip.",
			Examples: [][]any{{exampleHash, 1000}}}, a.waitForBlock),
		jsonrpc.Define(jsonrpc.Method{Name: "waitforblockheight", Category: category, Waits: true,
			Summary:  "Waits until the tip has at least a height, and returns the tip.",
			Examples: [][]any{{100, 1000}}}, a.waitForBlockHeight),
	}
}

// errBlockNotFound is the answer to a hash that names no known block.
var errBlockNotFound = jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Block not found")

// lookup returns the block with a hash.
func (a *api) lookup(h wire.Hash) (*headertree.Node, error) {
	n := a.Chain.Headers().Lookup(h)
	if n == nil {
		return nil, errBlockNotFound
	}
	return n, nil
}

// block reads and parses a block, with Core's complaints.
func (a *api) block(n *headertree.Node) (*wire.Block, error) {
	b, err := a.Chain.ParsedBlock(n)
	switch {
	case errors.Is(err, chain.ErrPruned):
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "Block not available (pruned data)")
	case errors.Is(err, chain.ErrNoBlock):
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "Block not available (not fully downloaded)")
	case err != nil:
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "Block not found on disk: %v", err)
	}
	return b, nil
}

func (a *api) getBlockchainInfo(context.Context, jsonrpc.None) (rpctypes.BlockchainInfo, error) {
	tip, best := a.Chain.Tip(), a.Chain.Headers().Best()
	info := rpctypes.BlockchainInfo{
		Chain: a.network().Name, Blocks: tip.Height, Headers: best.Height, BestBlockHash: tip.Hash.String(),
		Bits: describe.Bits(tip.Header.Bits), Target: describe.Target(tip.Header.Bits), Difficulty: describe.Difficulty(tip.Header.Bits),
		Time: tip.Time(), MedianTime: tip.MedianTime(),
		VerificationProgress: jsonrpc.Float(a.Chain.VerificationProgress(tip)), InitialBlockDownload: a.Chain.IsInitialDownload(),
		ChainWork: describe.Work(tip), SizeOnDisk: a.Chain.SizeOnDisk(),
		SignetChallenge: a.network().SignetChallenge,
		Warnings:        []string{},
	}
	if target := a.Chain.PruneTarget(); target > 0 {
		height, automatic := a.Chain.PrunedHeight()+1, target > 1
		info.Pruned, info.PruneHeight, info.AutomaticPruning = true, &height, &automatic
		if automatic {
			info.PruneTargetSize = &target
		}
	}
	return info, nil
}

type heightParams struct {
	Height int32 `rpc:"height" help:"The height"`
}

func (a *api) getBlockHash(_ context.Context, p heightParams) (wire.Hash, error) {
	n := a.Chain.At(p.Height)
	if n == nil {
		return wire.Hash{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Block height out of range")
	}
	return n.Hash, nil
}

// header describes a block's header as seen from tip.
func (a *api) header(n, tip *headertree.Node) rpctypes.BlockHeader {
	h := &n.Header
	r := rpctypes.BlockHeader{
		Hash: n.Hash.String(), Confirmations: -1, Height: n.Height,
		Version: h.Version, VersionHex: describe.Bits(uint32(h.Version)), MerkleRoot: h.MerkleRoot.String(),
		Time: n.Time(), MedianTime: n.MedianTime(), Nonce: h.Nonce,
		Bits: describe.Bits(h.Bits), Target: describe.Target(h.Bits), Difficulty: describe.Difficulty(h.Bits), ChainWork: describe.Work(n),
		NTx: n.Txs(),
	}
	if n.Parent != nil {
		s := n.Parent.Hash.String()
		r.Previous = &s
	}
	if tip.Ancestor(n.Height) == n {
		r.Confirmations = tip.Height - n.Height + 1
		if next := tip.Ancestor(n.Height + 1); next != nil {
			s := next.Hash.String()
			r.Next = &s
		}
	}
	return r
}

type blockHeaderParams struct {
	Hash    wire.Hash `rpc:"blockhash" called:"hash" help:"The block's hash"`
	Verbose bool      `rpc:"verbose" default:"true" help:"true describes the header, false gives its bytes"`
}

func (a *api) getBlockHeader(_ context.Context, p blockHeaderParams) (any, error) {
	n, err := a.lookup(p.Hash)
	if err != nil {
		return nil, err
	}
	if !p.Verbose {
		return jsonrpc.Hex(n.Header.Append(nil)), nil
	}
	return a.header(n, a.Chain.Tip()), nil
}

type blockParams struct {
	Hash      wire.Hash         `rpc:"blockhash" help:"The block's hash"`
	Verbosity jsonrpc.Verbosity `rpc:"verbosity|verbose" default:"1" help:"0 for the bytes, 1 for ids, 2 for transactions, 3 with what they spend"`
}

func (a *api) getBlock(_ context.Context, p blockParams) (any, error) {
	n, err := a.lookup(p.Hash)
	if err != nil {
		return nil, err
	}
	tip := a.Chain.Tip()
	b, err := a.block(n)
	if err != nil {
		return nil, err
	}
	if p.Verbosity <= 0 {
		return jsonrpc.Hex(b.Bytes()), nil
	}
	sizes := rpctypes.BlockSizes{BlockHeader: a.header(n, tip), StrippedSize: b.BaseSize(), Size: b.Size(), Weight: b.Weight()}
	if p.Verbosity == 1 {
		r := rpctypes.Block{BlockSizes: sizes, Tx: make([]wire.Hash, len(b.Txs))}
		for i := range b.Txs {
			r.Tx[i] = b.Txs[i].TxID()
		}
		return r, nil
	}
	// Without its undo record, which only connected blocks have, a block is
	// shown without fees.
	undo, err := a.Chain.Undo(n)
	if err != nil || len(undo.Spent) != len(b.Txs)-1 {
		undo = nil
	}
	r := rpctypes.BlockWithTxs{BlockSizes: sizes, Tx: make([]rpctypes.Tx, len(b.Txs))}
	for i := range b.Txs {
		d := describe.TxDescriber{Net: a.network()}
		if undo != nil && i > 0 {
			d.Spent = undo.Spent[i-1]
			d.Prevouts = p.Verbosity >= 3
		}
		r.Tx[i] = d.Describe(&b.Txs[i], true)
	}
	return r, nil
}

type deploymentParams struct {
	Hash *wire.Hash `rpc:"blockhash" help:"The block; the tip if left out"`
}

// getDeploymentInfo reports all soft forks as buried: their heights are
// history, and no new one is being decided on.
func (a *api) getDeploymentInfo(_ context.Context, p deploymentParams) (rpctypes.DeploymentInfo, error) {
	n := a.Chain.Tip()
	if p.Hash != nil {
		var err error
		if n, err = a.lookup(*p.Hash); err != nil {
			return rpctypes.DeploymentInfo{}, err
		}
	}
	net := a.network()
	info := rpctypes.DeploymentInfo{Hash: n.Hash.String(), Height: n.Height, ScriptFlags: scriptFlags(script.BlockFlags(net, n.Height, n.Hash))}
	for _, d := range []struct {
		name   string
		height int32
	}{
		{"bip34", net.BIP34Height}, {"bip66", net.BIP66Height}, {"bip65", net.BIP65Height},
		{"csv", net.CSVHeight}, {"segwit", net.SegwitHeight}, {"taproot", net.TaprootHeight},
	} {
		// What counts is the block after the one looked at.
		info.Deployments = append(info.Deployments, jsonrpc.Entry[rpctypes.Deployment]{Name: d.name, Value: rpctypes.Deployment{Type: "buried", Active: n.Height+1 >= d.height, Height: d.height}})
	}
	return info, nil
}

// waitFor waits until the tip satisfies a condition, the time is up, or the
// caller or the node goes away, and returns the tip.
func (a *api) waitFor(ctx context.Context, timeout int64, met func(*headertree.Node) bool) (rpctypes.Tip, error) {
	if timeout < 0 {
		return rpctypes.Tip{}, jsonrpc.Errorf(jsonrpc.CodeMisc, "Negative timeout")
	}
	if timeout > 0 {
		// The caller waits in real time, whatever the node's clock says.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, rpcargs.Milliseconds(timeout))
		defer cancel()
	}
	for {
		changed := a.Chain.TipChanged()
		tip := a.Chain.Tip()
		if met(tip) {
			return rpctypes.Tip{Hash: tip.Hash, Height: tip.Height}, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			tip = a.Chain.Tip()
			return rpctypes.Tip{Hash: tip.Hash, Height: tip.Height}, nil
		}
	}
}

type waitNewParams struct {
	Timeout int64      `rpc:"timeout" default:"0" help:"How long to wait, in milliseconds; 0 for ever"`
	Current *wire.Hash `rpc:"current_tip" help:"The tip that the caller knows; the present one if left out"`
}

func (a *api) waitForNewBlock(ctx context.Context, p waitNewParams) (rpctypes.Tip, error) {
	known := a.Chain.Tip().Hash
	if p.Current != nil {
		known = *p.Current
	}
	return a.waitFor(ctx, p.Timeout, func(n *headertree.Node) bool { return n.Hash != known })
}

type waitBlockParams struct {
	Hash    wire.Hash `rpc:"blockhash" help:"The block to wait for"`
	Timeout int64     `rpc:"timeout" default:"0" help:"How long to wait, in milliseconds; 0 for ever"`
}

func (a *api) waitForBlock(ctx context.Context, p waitBlockParams) (rpctypes.Tip, error) {
	return a.waitFor(ctx, p.Timeout, func(n *headertree.Node) bool { return n.Hash == p.Hash })
}

type waitHeightParams struct {
	Height  int32 `rpc:"height" help:"The height to wait for"`
	Timeout int64 `rpc:"timeout" default:"0" help:"How long to wait, in milliseconds; 0 for ever"`
}

func (a *api) waitForBlockHeight(ctx context.Context, p waitHeightParams) (rpctypes.Tip, error) {
	return a.waitFor(ctx, p.Timeout, func(n *headertree.Node) bool { return n.Height >= p.Height })
}

// scriptFlags lists the names of script rules in alphabetical order.
func scriptFlags(f script.Flags) []string {
	if f == 0 {
		return []string{}
	}
	names := strings.Split(f.String(), ",")
	slices.Sort(names)
	return names
}
