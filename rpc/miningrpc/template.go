package miningrpc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/mining"
	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

// templateMethods are the methods of BIP22, BIP23 and BIP145 for programs that
// search for blocks themselves.
func (a *api) templateMethods() []*jsonrpc.Method {
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "getblocktemplate", Category: "Mining", Waits: true,
			Summary: "Returns what a new block needs, for programs that search for one (BIP22, BIP23, BIP145). With mode\n" +
				"\"proposal\" it tells whether a block of one's own would be accepted, had it the work. With a\n" +
				"longpollid it answers once there is something better.",
			Results: []jsonrpc.Shape{
				{When: "for a template", Like: rpctypes.BlockTemplate{}},
				{When: "for a proposal that is good", Like: nil},
				{When: "for any other proposal", Like: "", Help: "What is wrong with it, by BIP22"},
			},
			Examples: [][]any{{map[string]any{"rules": []string{"segwit"}}}}}, a.getBlockTemplate),
	}
}

// templateRequest is the argument of getblocktemplate. Members that it does
// not know are for other servers, and ignored.
type templateRequest struct {
	mode       string
	rules      []string
	longPollID string
	longPoll   bool // whether there is an id, readable or not
	data       json.RawMessage
}

func (*templateRequest) ArgType() jsonrpc.Type { return jsonrpc.TypeObject }
func (*templateRequest) ArgWord() string {
	return `{"mode":"str","capabilities":["str",...],"rules":["str",...],"longpollid":"str","data":"hex"}`
}

func (r *templateRequest) DecodeArg(_ string, raw json.RawMessage) error {
	ms, err := jsonrpc.DecodeObject(raw)
	if err != nil {
		return err
	}
	switch m := jsonrpc.Get(ms, "mode"); jsonrpc.TypeOf(m) {
	case jsonrpc.TypeNull:
		r.mode = "template"
	case jsonrpc.TypeString:
		if err := json.Unmarshal(m, &r.mode); err != nil {
			return err
		}
	default:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid mode")
	}
	if l := jsonrpc.Get(ms, "longpollid"); jsonrpc.TypeOf(l) != jsonrpc.TypeNull {
		r.longPoll = true
		if jsonrpc.TypeOf(l) == jsonrpc.TypeString {
			if err := json.Unmarshal(l, &r.longPollID); err != nil {
				return err
			}
		}
	}
	if l := jsonrpc.Get(ms, "rules"); jsonrpc.TypeOf(l) == jsonrpc.TypeArray {
		if err := json.Unmarshal(l, &r.rules); err != nil {
			return jsonrpc.Errorf(jsonrpc.CodeType, "rules must be texts")
		}
	}
	r.data = jsonrpc.Get(ms, "data")
	return nil
}

type templateParams struct {
	Request templateRequest `rpc:"template_request" help:"What is asked for: rules must hold \"segwit\""`
}

func (a *api) getBlockTemplate(ctx context.Context, p templateParams) (any, error) {
	r := p.Request
	switch r.mode {
	case "proposal":
		return a.proposal(ctx, r.data)
	case "template":
	default:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid mode")
	}
	if err := a.mayMine(); err != nil {
		return nil, err
	}
	if r.longPoll {
		if err := a.longPoll(ctx, r.longPollID); err != nil {
			return nil, err
		}
	}
	for _, rule := range []string{"signet", "segwit"} {
		if rule == "signet" && !a.network().IsSignet() || slices.Contains(r.rules, rule) {
			continue
		}
		call := `{"rules": ["segwit"]}`
		if rule == "signet" {
			call = `{"rules": ["segwit", "signet"]}`
		}
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "getblocktemplate must be called with the %s rule set (call with %s)", rule, call)
	}
	d, err := a.Miner.Latest(ctx)
	if err != nil {
		return nil, generateError(err)
	}
	return a.describeDraft(d), nil
}

// mayMine refuses templates that would be a waste of work: those of a node of
// the main network that does not know what the others are doing.
func (a *api) mayMine() error {
	if a.Miner == nil {
		return jsonrpc.Errorf(jsonrpc.CodeMisc, "This node makes no blocks")
	}
	if a.network().Name != "main" {
		return nil
	}
	if a.Peers() == 0 {
		return jsonrpc.Errorf(jsonrpc.CodeClientNotConnected, "Starling is not connected!")
	}
	if a.Chain.IsInitialDownload() {
		return jsonrpc.Errorf(jsonrpc.CodeClientInDownload, "Starling is in initial sync and waiting for blocks...")
	}
	return nil
}

// longPoll waits until there is something better than what the id stands for:
// the hash of a tip, and the pool's number behind it.
func (a *api) longPoll(ctx context.Context, id string) error {
	known, seq := a.Chain.Tip(), uint64(0)
	if id != "" {
		const digits = 2 * wire.HashSize
		hash, err := jsonrpc.ParseHash("longpollid", id[:min(digits, len(id))])
		if err != nil {
			return err
		}
		known = a.Chain.Headers().Lookup(hash)
		// As in Core, a number that can not be read is just another one.
		seq, _ = strconv.ParseUint(id[digits:], 10, 64)
	}
	if err := a.Miner.WaitBetter(ctx, known, seq); err != nil {
		return jsonrpc.Errorf(jsonrpc.CodeClientNotConnected, "Shutting down")
	}
	return nil
}

// describeDraft writes a draft as BIP22, BIP23 and BIP145 want it.
func (a *api) describeDraft(d *mining.Draft) rpctypes.BlockTemplate {
	net, height := a.network(), d.Parent.Height+1
	coinbase := &d.Block.Txs[0]
	// The draft may be some seconds old; the time is not.
	minTime := mining.MinTime(d.Parent, net)
	now := max(a.Clock.Now().Unix(), minTime)
	bits := headertree.NextBits(d.Parent, now, net)
	r := rpctypes.BlockTemplate{
		Capabilities: []string{"proposal"}, Version: d.Block.Header.Version,
		Rules: []string{}, VBAvailable: jsonrpc.Map[int]{}, CoinbaseAux: jsonrpc.Map[jsonrpc.Hex]{},
		PreviousBlockHash: d.Parent.Hash, Transactions: make([]rpctypes.TemplateTx, len(d.Txs)),
		CoinbaseValue: coinbase.Out[0].Value,
		LongPollID:    fmt.Sprintf("%v%d", d.Parent.Hash, d.Sequence),
		Target:        describe.Target(bits), Bits: describe.Bits(bits), MinTime: minTime, CurTime: now,
		Mutable: []string{"time", "transactions", "prevblock"}, NonceRange: "00000000ffffffff",
		SigOpLimit: consensus.MaxSigOpsCost, SizeLimit: consensus.MaxBlockWeight, WeightLimit: consensus.MaxBlockWeight,
		Height: height, SignetChallenge: net.SignetChallenge,
	}
	segwit := height >= net.SegwitHeight
	for _, rule := range []struct {
		name string
		on   bool
	}{
		{"csv", height >= net.CSVHeight}, {"!segwit", segwit},
		{"!signet", net.IsSignet()}, {"taproot", height >= net.TaprootHeight},
	} {
		if rule.on {
			r.Rules = append(r.Rules, rule.name)
		}
	}
	places := make(map[wire.Hash]int, len(d.Txs))
	for i, e := range d.Txs {
		t := rpctypes.TemplateTx{
			Data: e.Tx.Bytes(), TxID: e.TxID, Hash: e.WTxID, Depends: []int{},
			Fee: e.Fee, SigOps: e.SigOps, Weight: e.Weight,
		}
		for j := range e.Tx.In {
			if at, ok := places[e.Tx.In[j].PrevOut.Hash]; ok && !slices.Contains(t.Depends, at) {
				t.Depends = append(t.Depends, at)
			}
		}
		places[e.TxID] = i + 1
		if !segwit {
			t.SigOps /= wire.WitnessScale
		}
		r.Transactions[i] = t
	}
	if !segwit {
		r.SigOpLimit /= wire.WitnessScale
		r.SizeLimit /= wire.WitnessScale
		r.WeightLimit = 0
	}
	if i := consensus.FindWitnessCommitment(d.Block); i >= 0 {
		r.Commitment = coinbase.Out[i].Script
	}
	return r
}

// proposal tells whether a block would be accepted, had it the work.
func (a *api) proposal(ctx context.Context, data json.RawMessage) (any, error) {
	var digits string
	if jsonrpc.TypeOf(data) != jsonrpc.TypeString || json.Unmarshal(data, &digits) != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeType, "Missing data String key for proposal")
	}
	b, err := decodeBlock(digits)
	if err != nil {
		return nil, err
	}
	if n := a.Chain.Headers().Lookup(b.Hash()); n != nil {
		switch {
		case n.Failed():
			return "duplicate-invalid", nil
		case a.Chain.Contains(n) || n.Data() != nil:
			return "duplicate", nil
		default:
			return "duplicate-inconclusive", nil
		}
	}
	err = a.Chain.CheckProposal(ctx, b)
	var rule *consensus.RuleError
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &rule):
		return rule.Reason, nil
	}
	return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "%v", err)
}

// decodeBlock reads a block with its ids hashed.
func decodeBlock(digits string) (*wire.Block, error) {
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Block decode failed")
	}
	b, err := wire.ParseBlock(raw)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Block decode failed")
	}
	b.HashTxs()
	return b, nil
}
