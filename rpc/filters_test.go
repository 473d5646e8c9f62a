package rpc

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/index"
	"starling/index/gcs"
	"starling/params"
	"starling/rpc/chainrpc"
	"starling/rpc/jsonrpc"
	"starling/rpc/noderpc"
	"starling/rpc/rpctypes"
	"starling/rpc/txfind"
	"starling/wire"
)

// filterNode is a node with an index of filters, which stands still until run is
// called.
func filterNode(t *testing.T) (n *testNode, run func()) {
	n = newTestNode(t, params.Regtest())
	x, err := index.OpenFilters(index.Options{Source: index.Over(n.chain), FS: vfs.NewMem(), Dir: "filters"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	started := false
	t.Cleanup(func() {
		cancel()
		if started {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	n.table = NewMethods(Groups{
		Chain: chainrpc.Deps{Chain: n.chain, Txs: &txfind.Finder{Chain: n.chain, Pool: n.node.Mempool()}, Filters: x},
		Node:  noderpc.Deps{Network: n.chain.Network(), Filters: x},
	})
	return n, func() {
		if !started {
			started = true
			go func() { done <- x.Run(ctx) }()
		}
		if err := x.WaitSynced(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// giveBlocks has the node take blocks.
func (n *testNode) giveBlocks(blocks ...chaintest.Block) {
	n.t.Helper()
	for _, b := range blocks {
		if o := n.chain.Process(n.t.Context(), chain.Incoming{Raw: b.Bytes(), Requested: true}); o.Err != nil {
			n.t.Fatal(o.Err)
		}
	}
	if err := n.chain.Settle(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
}

func TestBlockFilter(t *testing.T) {
	n, run := filterNode(t)
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 103)
	n.giveBlocks(blocks...)
	hash := blocks[0].Hash().String()
	n.fails(jsonrpc.CodeMisc, "Filter not found. Block filters are still in the process of being indexed.", "getblockfilter", hash)
	run()
	n.want(`{"basic block filter index":{"synced":true,"best_block_height":103}}`, "getindexinfo")
	n.want(`{"basic block filter index":{"synced":true,"best_block_height":103}}`, "getindexinfo", "basic block filter index")
	n.want(`{}`, "getindexinfo", "txindex")

	var before wire.Hash
	for _, b := range append([]chaintest.Block{m.Genesis()}, blocks...) {
		got := get[rpctypes.BlockFilter](n, "getblockfilter", b.Hash().String(), "basic")
		if _, want := gcs.Header(got.Filter, before); got.Header != want {
			t.Fatalf("block %d: header %v", b.Height, got.Header)
		}
		f, err := gcs.Decode(b.Hash(), got.Filter)
		if err != nil || !f.Match(b.Txs[0].Out[0].Script) {
			t.Fatalf("block %d: %v, %v", b.Height, got, err)
		}
		before = got.Header
	}
	n.fails(jsonrpc.CodeInvalidAddress, "Unknown filtertype", "getblockfilter", hash, "extended")
	n.fails(jsonrpc.CodeInvalidAddress, "Block not found", "getblockfilter", wire.Hash{1}.String())
	next := m.Next(blocks[102], 0)
	if _, _, err := n.chain.Headers().Add(&next.Header, next.Header.Time()); err != nil {
		t.Fatal(err)
	}
	n.fails(jsonrpc.CodeInvalidAddress, "Filter not found. Block was not connected to active chain.", "getblockfilter", next.Hash().String())

	without := newTestNode(t, params.Regtest())
	without.fails(jsonrpc.CodeMisc, "Index is not enabled for filtertype basic", "getblockfilter", hash)
	without.fails(jsonrpc.CodeMisc, "Index is not enabled for filtertype basic", "scanblocks", "start", []string{"raw(51)"})
	without.want("null", "scanblocks", "status")
}

// TestScanBlocks looks for the blocks that make and spend a script.
func TestScanBlocks(t *testing.T) {
	n, run := filterNode(t)
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 101)
	// A script of its own is made in one block and spent in the one after the next.
	op, value := blocks[0].Coinbase()
	pay := payScript(op, value, []byte{0x51, 0x75, 0x51})
	blocks = append(blocks, m.Next(blocks[100], 0, pay))
	blocks = append(blocks, m.Next(blocks[101], 0))
	spend := chaintest.Spend(wire.OutPoint{Hash: pay.TxID()}, value, 0, 1)
	blocks = append(blocks, m.Next(blocks[102], 0, spend))
	made, spent := blocks[101].Hash(), blocks[103].Hash()
	n.giveBlocks(blocks...)
	what := []string{"raw(517551)"}
	n.fails(jsonrpc.CodeMisc, "Filter not found. Block filters are still in the process of being indexed.", "scanblocks", "start", what)
	run()

	scan := func(args ...any) rpctypes.BlockScan {
		t.Helper()
		r := get[rpctypes.BlockScan](n, "scanblocks", append([]any{"start", what}, args...)...)
		if !r.Completed {
			t.Error("not completed")
		}
		return r
	}
	check := map[string]any{"filter_false_positives": true}
	for _, tc := range []struct {
		args []any
		want rpctypes.BlockScan
	}{
		{nil, rpctypes.BlockScan{From: 0, To: 104, Relevant: []wire.Hash{made, spent}}},
		{[]any{103}, rpctypes.BlockScan{From: 103, To: 104, Relevant: []wire.Hash{spent}}},
		{[]any{0, 103}, rpctypes.BlockScan{From: 0, To: 103, Relevant: []wire.Hash{made}}},
		{[]any{103, 103, "basic"}, rpctypes.BlockScan{From: 103, To: 103}},
		{[]any{0, 104, "basic", check}, rpctypes.BlockScan{From: 0, To: 104, Relevant: []wire.Hash{made, spent}}},
	} {
		got := scan(tc.args...)
		if got.From != tc.want.From || got.To != tc.want.To || len(got.Relevant) != len(tc.want.Relevant) {
			t.Errorf("%v: %+v", tc.args, got)
			continue
		}
		for i := range got.Relevant {
			if got.Relevant[i] != tc.want.Relevant[i] {
				t.Errorf("%v: %+v", tc.args, got)
			}
		}
	}
	// The filter of a block seems to have one script in 784,931 that is not there.
	wrong := falseMatch(t, n, made)
	n.want(`{"from_height":102,"to_height":102,"relevant_blocks":["`+made.String()+`"],"completed":true}`, "scanblocks", "start", []string{wrong}, 102, 102)
	n.want(`{"from_height":102,"to_height":102,"relevant_blocks":[],"completed":true}`, "scanblocks", "start", []string{wrong}, 102, 102, "basic", check)
	// The genesis block is looked into as well.
	genesis := "raw(" + hex.EncodeToString(m.Genesis().Txs[0].Out[0].Script) + ")"
	n.want(`{"from_height":0,"to_height":1,"relevant_blocks":["`+m.Genesis().Hash().String()+`"],"completed":true}`, "scanblocks", "start", []string{genesis}, 0, 1, "basic", check)

	n.want("false", "scanblocks", "abort")
	n.want("null", "scanblocks", "status")
	n.fails(jsonrpc.CodeInvalidParam, "Invalid action 'x'", "scanblocks", "x")
	n.fails(jsonrpc.CodeMisc, "scanobjects argument is required for the start action", "scanblocks", "start")
	n.fails(jsonrpc.CodeInvalidAddress, "Unknown filtertype", "scanblocks", "start", what, 0, 1, "x")
	for _, from := range []int{-1, 105} {
		n.fails(jsonrpc.CodeMisc, "Invalid start_height", "scanblocks", "start", what, from)
	}
	for _, to := range []int{4, 105, -1} {
		n.fails(jsonrpc.CodeMisc, "Invalid stop_height", "scanblocks", "start", what, 5, to)
	}

	// A caller who has gone away ends the scan, and says how far it was.
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := n.table.Lookup("scanblocks").Call(gone, json.RawMessage(`["start",["raw(51)"]]`))
	if r, ok := got.(rpctypes.BlockScan); err == nil && (!ok || r.Completed) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// falseMatch finds a script that a block's filter seems to have.
func falseMatch(t *testing.T, n *testNode, block wire.Hash) string {
	t.Helper()
	f, err := gcs.Decode(block, get[rpctypes.BlockFilter](n, "getblockfilter", block.String()).Filter)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint32(100_000_000) {
		if s := binary.BigEndian.AppendUint32([]byte{4}, i); f.Match(s) {
			return "raw(" + hex.EncodeToString(s) + ")"
		}
	}
	t.Fatal("there is none")
	return ""
}

// payScript pays what anybody can spend to a script.
func payScript(op wire.OutPoint, value int64, script []byte) *wire.Tx {
	return wire.NewTx(2, []wire.TxIn{{PrevOut: op, Sequence: 0xffffffff}}, []wire.TxOut{{Value: value, Script: script}}, 0)
}
