package chainrpc

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync/atomic"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/wire"
)

func (a *api) coinMethods() []*jsonrpc.Method {
	const category = "Blockchain"
	scan := new(scanState)
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "gettxout", Category: category,
			Summary:  "Returns an unspent output, or null if there is none.",
			Results:  []jsonrpc.Shape{{When: "if it is unspent", Like: rpctypes.UnspentOutput{}}, {When: "otherwise"}},
			Examples: [][]any{{"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", 0}}}, a.getTxOut),
		jsonrpc.Define(jsonrpc.Method{Name: "gettxoutsetinfo", Category: category,
			Summary:  "Returns statistics about all unspent outputs, read one by one. Hashes let two nodes compare\ntheir sets; \"none\" is the fastest.",
			Examples: [][]any{{}, {"none"}, {"muhash"}}}, a.getTxOutSetInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "scantxoutset", Category: category,
			Summary: "Looks through all unspent outputs for those that pay to certain scripts. Known descriptors are\n" +
				"addr(), raw(), pk(), pkh(), wpkh(), combo(), multi(), sortedmulti(), sh(), wsh(), tr() and rawtr(),\n" +
				"with plain or extended keys. Of a range, the first 1,001 indexes are looked at unless told otherwise.",
			Results: []jsonrpc.Shape{
				{When: "when action is start", Like: rpctypes.ScanResult{}},
				{When: "when action is abort", Like: true, Help: "Whether a scan was running"},
				{When: "when action is status and a scan is running", Like: rpctypes.ScanProgress{}},
				{When: "when action is status and no scan is running"},
			},
			Examples: [][]any{{"start", []string{"raw(76a91411b366edfc0a8b66feebae5c2e25a7b6a5d1cf3188ac)#fm24fxxy"}}, {"status"}, {"abort"}}},
			func(ctx context.Context, p scanParams) (any, error) { return a.scanTxOutSet(ctx, p, scan) }),
	}
}

type txOutParams struct {
	TxID    wire.Hash `rpc:"txid" help:"The transaction's id"`
	N       uint32    `rpc:"n" help:"The output's place in it"`
	Mempool bool      `rpc:"include_mempool" default:"true" help:"Whether unconfirmed transactions count"`
}

func (a *api) getTxOut(_ context.Context, p txOutParams) (any, error) {
	op := wire.OutPoint{Hash: p.TxID, Index: p.N}
	coin, ok, at, err := a.Chain.Coin(op)
	if err != nil {
		return nil, err
	}
	r := rpctypes.UnspentOutput{BestBlock: at.Hash.String()}
	if p.Mempool {
		if a.Txs.IsSpent(op) {
			return nil, nil
		}
		if tx := a.Txs.Unconfirmed(op.Hash); !ok && tx != nil && int(op.Index) < len(tx.Out) {
			out := &tx.Out[op.Index]
			r.Value, r.Script = rpctypes.Amount(out.Value), describe.Script(out.Script, a.network())
			return r, nil
		}
	}
	if !ok {
		return nil, nil
	}
	r.Confirmations = at.Height - coin.Height + 1
	r.Value, r.Script, r.Coinbase = rpctypes.Amount(coin.Value), describe.Script(coin.Script, a.network()), coin.Coinbase
	return r, nil
}

type txOutSetParams struct {
	HashType string                `rpc:"hash_type" default:"\"hash_serialized_3\"" help:"hash_serialized_3, muhash or none"`
	At       *rpcargs.HashOrHeight `rpc:"hash_or_height" help:"The block to look at; only the tip is possible"`
	UseIndex bool                  `rpc:"use_index" default:"true" help:"Accepted for the sake of other clients"`
}

// bogoSize is what an output counts beside its script: id, place, height,
// amount and the script's length.
const bogoSize = 32 + 4 + 4 + 8 + 2

// appendCoin writes a coin in the form that hashes of the set are made of.
func appendCoin(dst []byte, op *wire.OutPoint, c *coins.Coin) []byte {
	dst = op.Append(dst)
	code := uint32(c.Height) << 1
	if c.Coinbase {
		code |= 1
	}
	dst = binary.LittleEndian.AppendUint32(dst, code)
	out := wire.TxOut{Value: c.Value, Script: c.Script}
	return out.Append(dst)
}

func (a *api) getTxOutSetInfo(ctx context.Context, p txOutSetParams) (r rpctypes.TxOutSetInfo, err error) {
	var serialized hash.Hash
	var mu *muhash
	switch p.HashType {
	case "hash_serialized_3":
		serialized = sha256.New()
	case "muhash":
		mu = newMuhash()
	case "none":
	default:
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "'%s' is not a valid hash_type", p.HashType)
	}
	if p.At != nil {
		tip := a.Chain.Tip()
		if at, err := a.resolve(*p.At); err != nil {
			return r, err
		} else if at != tip {
			return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Querying specific block heights requires coinstatsindex")
		}
	}
	snap, at, err := a.Chain.CoinSnapshot(ctx)
	if err != nil {
		return r, err
	}
	defer snap.Close()
	r = rpctypes.TxOutSetInfo{Height: at.Height, BestBlock: at.Hash}
	var last wire.Hash
	var buf []byte
	err = snap.All(func(op wire.OutPoint, c coins.Coin) error {
		if r.TxOuts == 0 || op.Hash != last {
			r.Transactions++
			last = op.Hash
		}
		r.TxOuts++
		r.BogoSize += bogoSize + int64(len(c.Script))
		r.TotalAmount += rpctypes.Amount(c.Value)
		if serialized != nil || mu != nil {
			buf = appendCoin(buf[:0], &op, &c)
		}
		if serialized != nil {
			serialized.Write(buf)
		}
		if mu != nil {
			mu.add(buf)
		}
		return ctx.Err()
	})
	if err != nil {
		return r, err
	}
	if serialized != nil {
		h := wire.Hash(sha256.Sum256(serialized.Sum(nil)))
		r.Serialized = &h
	}
	if mu != nil {
		h := mu.sum()
		r.Muhash = &h
	}
	r.DiskSize = a.Chain.CoinSetDiskSize()
	return r, nil
}

// resolve finds a block by hash, or by height in the best chain.
func (a *api) resolve(h rpcargs.HashOrHeight) (*headertree.Node, error) {
	if !h.IsHeight {
		return a.lookup(h.Hash)
	}
	tip := a.Chain.Tip()
	switch {
	case h.Height < 0:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Target block height %d is negative", h.Height)
	case h.Height > tip.Height:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Target block height %d after current tip %d", h.Height, tip.Height)
	}
	return tip.Ancestor(h.Height), nil
}

type scanParams struct {
	Action  string               `rpc:"action" help:"start, status or abort"`
	Objects []rpcargs.ScanObject `rpc:"scanobjects,optional" item:"descriptor" help:"What to look for"`
}

func (a *api) scanTxOutSet(ctx context.Context, p scanParams, state *scanState) (any, error) {
	switch p.Action {
	case "status":
		if !state.isRunning() {
			return nil, nil
		}
		return rpctypes.ScanProgress{Progress: int(state.progress.Load())}, nil
	case "abort":
		return state.abort(), nil
	}
	wanted, err := a.scanTargets(ctx, p.Action, p.Objects)
	if err != nil {
		return nil, err
	}
	ctx, end, err := state.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	return a.scan(ctx, wanted, &state.progress)
}

// scan looks at every coin.
func (a *api) scan(ctx context.Context, wanted map[string]scanTarget, progress *atomic.Int32) (any, error) {
	snap, at, err := a.Chain.CoinSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	r := rpctypes.ScanResult{Height: at.Height, BestBlock: at.Hash, Unspents: []rpctypes.ScannedCoin{}}
	err = snap.All(func(op wire.OutPoint, c coins.Coin) error {
		r.TxOuts++
		// Ids are spread evenly, so the first byte tells how far the scan is.
		progress.Store(int32(op.Hash[0]) * 100 / 256)
		if t, hit := wanted[string(c.Script)]; hit {
			block := at.Ancestor(c.Height)
			r.Unspents = append(r.Unspents, rpctypes.ScannedCoin{
				TxID: op.Hash, Vout: op.Index, Script: append(jsonrpc.Hex(nil), c.Script...),
				Desc: t.describe(), Amount: rpctypes.Amount(c.Value), Coinbase: c.Coinbase,
				Height: c.Height, BlockHash: block.Hash, Confirmations: at.Height - c.Height + 1,
			})
			r.TotalAmount += rpctypes.Amount(c.Value)
		}
		return ctx.Err()
	})
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	r.Success = err == nil
	return r, nil
}
