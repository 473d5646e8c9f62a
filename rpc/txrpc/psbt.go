package txrpc

import (
	"context"
	"math/rand/v2"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/wallet/partial"
)

func (a *api) psbtMethods() []*jsonrpc.Method {
	const category = "Rawtransactions"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "decodepsbt", Category: category,
			Summary: "Describes a partially signed transaction.", Examples: [][]any{{"cHNidP8…"}}}, a.decodePSBT),
		jsonrpc.Define(jsonrpc.Method{Name: "combinepsbt", Category: category,
			Summary: "Puts together what several copies of one partially signed transaction hold.",
			Returns: "The partially signed transaction in base64", Examples: [][]any{{[]string{"cHNidP8…", "cHNidP8…"}}}}, a.combinePSBT),
		jsonrpc.Define(jsonrpc.Method{Name: "joinpsbts", Category: category,
			Summary: "Makes one partially signed transaction of several different ones, with all their inputs and outputs\n" +
				"in an order by chance. Signatures are dropped.",
			Returns: "The partially signed transaction in base64", Examples: [][]any{{[]string{"cHNidP8…", "cHNidP8…"}}}}, a.joinPSBTs),
		jsonrpc.Define(jsonrpc.Method{Name: "finalizepsbt", Category: category,
			Summary:  "Turns signatures into final scripts and witnesses where there are enough of them.",
			Examples: [][]any{{"cHNidP8…"}}}, a.finalizePSBT),
		jsonrpc.Define(jsonrpc.Method{Name: "analyzepsbt", Category: category,
			Summary:  "Says what a partially signed transaction lacks, and who has to provide it.",
			Examples: [][]any{{"cHNidP8…"}}}, a.analyzePSBT),
		jsonrpc.Define(jsonrpc.Method{Name: "utxoupdatepsbt", Category: category,
			Summary: "Adds to a partially signed transaction what the node knows of the outputs that it spends, and what\n" +
				"descriptors tell of their scripts and keys.",
			Returns: "The partially signed transaction in base64", Examples: [][]any{{"cHNidP8…"}}}, a.utxoUpdatePSBT),
		jsonrpc.Define(jsonrpc.Method{Name: "descriptorprocesspsbt", Category: category,
			Summary: "Adds to a partially signed transaction what the node and descriptors know, and signs with the private\n" +
				"keys in the descriptors.",
			Examples: [][]any{{"cHNidP8…", []string{"wpkh(private key)"}}}}, a.descriptorProcessPSBT),
	}
}

func parsePSBTs(texts []string) ([]*partial.Packet, error) {
	ps := make([]*partial.Packet, len(texts))
	for i, s := range texts {
		p, err := rpcargs.ParsePSBT(s)
		if err != nil {
			return nil, err
		}
		ps[i] = p
	}
	return ps, nil
}

func (a *api) createPSBT(_ context.Context, p createParams) (string, error) {
	tx, err := p.build(a.network())
	if err != nil {
		return "", err
	}
	packet, err := partial.New(tx)
	if err != nil {
		return "", err
	}
	return packet.Base64(), nil
}

type convertParams struct {
	Hex       string `rpc:"hexstring" help:"The transaction in hexadecimal digits"`
	Drop      bool   `rpc:"permitsigdata" default:"false" help:"Whether signatures may be dropped; otherwise a transaction with signatures is refused"`
	IsWitness *bool  `rpc:"iswitness" help:"Whether it has a witness; both are tried if left out"`
}

func (a *api) convertToPSBT(_ context.Context, p convertParams) (string, error) {
	tx, ok := rpcargs.DecodeTxAs(p.Hex, p.IsWitness)
	if !ok {
		return "", jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed")
	}
	if p.Drop {
		tx = partial.Unsigned(tx)
	}
	packet, err := partial.New(tx)
	if err != nil {
		return "", jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Inputs must not have scriptSigs and scriptWitnesses")
	}
	return packet.Base64(), nil
}

type psbtsParams struct {
	Txs []string `rpc:"txs" item:"psbt" help:"Partially signed transactions in base64"`
}

func (a *api) combinePSBT(_ context.Context, p psbtsParams) (string, error) {
	if len(p.Txs) == 0 {
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Parameter 'txs' cannot be empty")
	}
	ps, err := parsePSBTs(p.Txs)
	if err != nil {
		return "", err
	}
	all, err := partial.Combine(ps...)
	if err != nil {
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "%v", err)
	}
	return all.Base64(), nil
}

func (a *api) joinPSBTs(_ context.Context, p psbtsParams) (string, error) {
	if len(p.Txs) < 2 {
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "At least two PSBTs are required to join PSBTs.")
	}
	ps, err := parsePSBTs(p.Txs)
	if err != nil {
		return "", err
	}
	all, err := partial.Join(rand.Shuffle, ps...)
	if err != nil {
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "%v", err)
	}
	return all.Base64(), nil
}

type psbtParams struct {
	PSBT string `rpc:"psbt" help:"The partially signed transaction in base64"`
}

type finalizeParams struct {
	PSBT    string `rpc:"psbt" help:"The partially signed transaction in base64"`
	Extract bool   `rpc:"extract" default:"true" help:"Whether the signed transaction is returned if it is complete"`
}

func (a *api) finalizePSBT(_ context.Context, p finalizeParams) (r rpctypes.FinalizedPSBT, err error) {
	packet, err := rpcargs.ParsePSBT(p.PSBT)
	if err != nil {
		return r, err
	}
	r.Complete = packet.Finalize()
	if r.Complete && p.Extract {
		tx, err := packet.Extract()
		if err != nil {
			return r, err
		}
		r.Hex = tx.Bytes()
		return r, nil
	}
	r.PSBT = packet.Base64()
	return r, nil
}

func (a *api) analyzePSBT(_ context.Context, p psbtParams) (r rpctypes.PSBTAnalysis, err error) {
	packet, err := rpcargs.ParsePSBT(p.PSBT)
	if err != nil {
		return r, err
	}
	result := packet.Analyze()
	r = rpctypes.PSBTAnalysis{VSize: result.VSize, Next: string(result.Next), Error: result.Error}
	for _, in := range result.Inputs {
		i := rpctypes.PSBTInputAnalysis{HasSpent: in.HasSpent, Final: in.Final, Next: string(in.Next)}
		m := rpctypes.PSBTMissing{Redeem: in.Missing.Redeem, Witness: in.Missing.Witness}
		for _, h := range in.Missing.PubKeys {
			m.PubKeys = append(m.PubKeys, h[:])
		}
		for _, h := range in.Missing.Sigs {
			m.Sigs = append(m.Sigs, h[:])
		}
		if m.PubKeys != nil || m.Sigs != nil || m.Redeem != nil || m.Witness != nil {
			i.Missing = &m
		}
		r.Inputs = append(r.Inputs, i)
	}
	if result.Fee != nil {
		fee := rpctypes.Amount(*result.Fee)
		r.Fee = &fee
		if result.VSize != nil {
			rate := fee * 1000 / rpctypes.Amount(*result.VSize)
			r.FeeRate = &rate
		}
	}
	return r, nil
}
