package client

import (
	"context"

	"starling/rpc/rpctypes"
)

// psbtArg is a partially signed transaction in base64.
type psbtArg struct {
	PSBT string `json:"psbt"`
}

// psbtsArg are several of them.
type psbtsArg struct {
	Txs []string `json:"txs"`
}

// DecodePSBT describes a partially signed transaction.
func (c *Client) DecodePSBT(ctx context.Context, psbt string) (rpctypes.PSBT, error) {
	return get[rpctypes.PSBT](ctx, c, "decodepsbt", psbtArg{psbt})
}

// AnalyzePSBT says what a partially signed transaction lacks, and who has to
// provide it.
func (c *Client) AnalyzePSBT(ctx context.Context, psbt string) (rpctypes.PSBTAnalysis, error) {
	return get[rpctypes.PSBTAnalysis](ctx, c, "analyzepsbt", psbtArg{psbt})
}

// CombinePSBT puts together what several copies of one partially signed
// transaction hold.
func (c *Client) CombinePSBT(ctx context.Context, psbts ...string) (string, error) {
	return get[string](ctx, c, "combinepsbt", psbtsArg{orEmpty(psbts)})
}

// JoinPSBTs makes one partially signed transaction of several different ones.
func (c *Client) JoinPSBTs(ctx context.Context, psbts ...string) (string, error) {
	return get[string](ctx, c, "joinpsbts", psbtsArg{orEmpty(psbts)})
}

// FinalizePSBT turns signatures into final scripts and witnesses where there are
// enough of them. With extract set, a complete one is returned as a transaction.
func (c *Client) FinalizePSBT(ctx context.Context, psbt string, extract bool) (rpctypes.FinalizedPSBT, error) {
	return get[rpctypes.FinalizedPSBT](ctx, c, "finalizepsbt", struct {
		psbtArg
		Extract bool `json:"extract"`
	}{psbtArg{psbt}, extract})
}

// UTXOUpdatePSBT adds to a partially signed transaction what the node and
// descriptors know.
func (c *Client) UTXOUpdatePSBT(ctx context.Context, psbt string, of ...Descriptor) (string, error) {
	return get[string](ctx, c, "utxoupdatepsbt", struct {
		psbtArg
		Descriptors []Descriptor `json:"descriptors,omitempty"`
	}{psbtArg{psbt}, of})
}

// ProcessOptions are for DescriptorProcessPSBT and WalletProcessPSBT.
type ProcessOptions struct {
	Sign     *bool  `json:"sign,omitempty"`        // for WalletProcessPSBT: nil means true
	HashType string `json:"sighashtype,omitempty"` // DEFAULT, ALL, NONE or SINGLE, perhaps with |ANYONECANPAY
	Origins  *bool  `json:"bip32derivs,omitempty"` // add where keys come from; nil means true
	Finalize *bool  `json:"finalize,omitempty"`    // nil means true
}

// DescriptorProcessPSBT adds to a partially signed transaction what the node and
// descriptors know, and signs with the private keys in the descriptors.
func (c *Client) DescriptorProcessPSBT(ctx context.Context, psbt string, of []Descriptor, o *ProcessOptions) (rpctypes.ProcessedPSBT, error) {
	if o == nil {
		o = new(ProcessOptions)
	}
	return get[rpctypes.ProcessedPSBT](ctx, c, "descriptorprocesspsbt", struct {
		psbtArg
		Descriptors []Descriptor `json:"descriptors"`
		HashType    string       `json:"sighashtype,omitempty"`
		Origins     *bool        `json:"bip32derivs,omitempty"`
		Finalize    *bool        `json:"finalize,omitempty"`
	}{psbtArg{psbt}, orEmpty(of), o.HashType, o.Origins, o.Finalize})
}

// WalletProcessPSBT adds to a partially signed transaction what the wallet knows,
// and signs with its keys.
func (c *Client) WalletProcessPSBT(ctx context.Context, psbt string, o *ProcessOptions) (rpctypes.ProcessedPSBT, error) {
	return get[rpctypes.ProcessedPSBT](ctx, c, "walletprocesspsbt", struct {
		psbtArg
		*ProcessOptions
	}{psbtArg{psbt}, o})
}
