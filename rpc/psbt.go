package rpc

import (
	"context"
	"math/rand/v2"

	"starling/wallet/partial"
	"starling/wire"
)

func (a *txAPI) psbtMethods() []*Method {
	const category = "Rawtransactions"
	return []*Method{
		define(Method{Name: "decodepsbt", Category: category,
			Summary: "Describes a partially signed transaction.", Examples: [][]any{{"cHNidP8…"}}}, a.decodePSBT),
		define(Method{Name: "combinepsbt", Category: category,
			Summary: "Puts together what several copies of one partially signed transaction hold.",
			Returns: "The partially signed transaction in base64", Examples: [][]any{{[]string{"cHNidP8…", "cHNidP8…"}}}}, a.combinePSBT),
		define(Method{Name: "joinpsbts", Category: category,
			Summary: "Makes one partially signed transaction of several different ones, with all their inputs and outputs\n" +
				"in an order by chance. Signatures are dropped.",
			Returns: "The partially signed transaction in base64", Examples: [][]any{{[]string{"cHNidP8…", "cHNidP8…"}}}}, a.joinPSBTs),
		define(Method{Name: "finalizepsbt", Category: category,
			Summary:  "Turns signatures into final scripts and witnesses where there are enough of them.",
			Examples: [][]any{{"cHNidP8…"}}}, a.finalizePSBT),
		define(Method{Name: "analyzepsbt", Category: category,
			Summary:  "Says what a partially signed transaction lacks, and who has to provide it.",
			Examples: [][]any{{"cHNidP8…"}}}, a.analyzePSBT),
		define(Method{Name: "utxoupdatepsbt", Category: category,
			Summary: "Adds to a partially signed transaction what the node knows of the outputs that it spends, and what\n" +
				"descriptors tell of their scripts and keys.",
			Returns: "The partially signed transaction in base64", Examples: [][]any{{"cHNidP8…"}}}, a.utxoUpdatePSBT),
		define(Method{Name: "descriptorprocesspsbt", Category: category,
			Summary: "Adds to a partially signed transaction what the node and descriptors know, and signs with the private\n" +
				"keys in the descriptors.",
			Examples: [][]any{{"cHNidP8…", []string{"wpkh(private key)"}}}}, a.descriptorProcessPSBT),
	}
}

// parsePSBT reads a partially signed transaction in base64.
func parsePSBT(s string) (*partial.Packet, error) {
	p, err := partial.ParseBase64(s)
	if err != nil {
		return nil, Errorf(CodeDeserialization, "TX decode failed %v", err)
	}
	return p, nil
}

func parsePSBTs(texts []string) ([]*partial.Packet, error) {
	ps := make([]*partial.Packet, len(texts))
	for i, s := range texts {
		p, err := parsePSBT(s)
		if err != nil {
			return nil, err
		}
		ps[i] = p
	}
	return ps, nil
}

func (a *txAPI) createPSBT(_ context.Context, p createParams) (string, error) {
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

func (a *txAPI) convertToPSBT(_ context.Context, p convertParams) (string, error) {
	tx, ok := decodeTxAs(p.Hex, p.IsWitness)
	if !ok {
		return "", Errorf(CodeDeserialization, "TX decode failed")
	}
	if p.Drop {
		tx = partial.Unsigned(tx)
	}
	packet, err := partial.New(tx)
	if err != nil {
		return "", Errorf(CodeDeserialization, "Inputs must not have scriptSigs and scriptWitnesses")
	}
	return packet.Base64(), nil
}

type psbtsParams struct {
	Txs []string `rpc:"txs" item:"psbt" help:"Partially signed transactions in base64"`
}

func (a *txAPI) combinePSBT(_ context.Context, p psbtsParams) (string, error) {
	if len(p.Txs) == 0 {
		return "", Errorf(CodeInvalidParam, "Parameter 'txs' cannot be empty")
	}
	ps, err := parsePSBTs(p.Txs)
	if err != nil {
		return "", err
	}
	all, err := partial.Combine(ps...)
	if err != nil {
		return "", Errorf(CodeInvalidParam, "%v", err)
	}
	return all.Base64(), nil
}

func (a *txAPI) joinPSBTs(_ context.Context, p psbtsParams) (string, error) {
	if len(p.Txs) < 2 {
		return "", Errorf(CodeInvalidParam, "At least two PSBTs are required to join PSBTs.")
	}
	ps, err := parsePSBTs(p.Txs)
	if err != nil {
		return "", err
	}
	all, err := partial.Join(rand.Shuffle, ps...)
	if err != nil {
		return "", Errorf(CodeInvalidParam, "%v", err)
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

type finalized struct {
	PSBT     string `json:"psbt,omitempty" help:"the partially signed transaction, unless it was extracted"`
	Hex      Hex    `json:"hex,omitempty" help:"the signed transaction, if it was extracted"`
	Complete bool   `json:"complete" help:"whether all inputs are final"`
}

func (a *txAPI) finalizePSBT(_ context.Context, p finalizeParams) (r finalized, err error) {
	packet, err := parsePSBT(p.PSBT)
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

type psbtMissing struct {
	PubKeys []Hex `json:"pubkeys,omitempty" help:"HASH160 of public keys that are not known"`
	Sigs    []Hex `json:"signatures,omitempty" help:"HASH160 of public keys whose signatures are missing"`
	Redeem  Hex   `json:"redeemscript,omitempty" help:"HASH160 of a redeem script that is missing"`
	Witness Hex   `json:"witnessscript,omitempty" help:"SHA-256 of a witness script that is missing"`
}

type psbtInputAnalysis struct {
	HasSpent bool         `json:"has_utxo" help:"whether it is known what the input spends"`
	Final    bool         `json:"is_final"`
	Missing  *psbtMissing `json:"missing,omitempty"`
	Next     partial.Role `json:"next,omitempty" help:"who has to do something next"`
}

type psbtAnalysis struct {
	Inputs  []psbtInputAnalysis `json:"inputs,omitempty"`
	VSize   *int                `json:"estimated_vsize,omitempty" help:"of the signed transaction, in virtual bytes"`
	FeeRate *Amount             `json:"estimated_feerate,omitempty" help:"in coins for 1,000 virtual bytes"`
	Fee     *Amount             `json:"fee,omitempty" help:"in coins"`
	Next    partial.Role        `json:"next" help:"who has to do something next"`
	Error   string              `json:"error,omitempty"`
}

func (a *txAPI) analyzePSBT(_ context.Context, p psbtParams) (r psbtAnalysis, err error) {
	packet, err := parsePSBT(p.PSBT)
	if err != nil {
		return r, err
	}
	result := packet.Analyze()
	r = psbtAnalysis{VSize: result.VSize, Next: result.Next, Error: result.Error}
	for _, in := range result.Inputs {
		i := psbtInputAnalysis{HasSpent: in.HasSpent, Final: in.Final, Next: in.Next}
		m := psbtMissing{Redeem: in.Missing.Redeem, Witness: in.Missing.Witness}
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
		fee := Amount(*result.Fee)
		r.Fee = &fee
		if result.VSize != nil {
			rate := fee * 1000 / Amount(*result.VSize)
			r.FeeRate = &rate
		}
	}
	return r, nil
}

// fillPSBT adds the outputs that a partially signed transaction spends, as far
// as the node knows them: the whole transaction from the index or the mempool,
// else the unspent output if witness says that a witness spends it.
func fillPSBT(ctx context.Context, f *Finder, p *partial.Packet, witness func(wire.TxOut) bool) error {
	for i := range p.In {
		if p.In[i].Previous != nil {
			continue
		}
		op := p.Tx.In[i].PrevOut
		prev := f.Unconfirmed(op.Hash)
		if prev == nil {
			tx, _, ok, err := f.Confirmed(ctx, op.Hash)
			if err != nil {
				return err
			}
			if ok {
				prev = tx
			}
		}
		if prev != nil {
			// A transaction that the packet contradicts is left out.
			if p.SetPrevious(i, prev) == nil {
				continue
			}
		}
		coin, ok, _, err := f.Chain.Coin(op)
		if err != nil {
			return err
		}
		if out := (wire.TxOut{Value: coin.Value, Script: coin.Script}); ok && p.In[i].Spent == nil && witness(out) {
			p.SetSpent(i, out)
		}
	}
	return nil
}
