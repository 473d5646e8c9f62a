package client

import (
	"context"
	"encoding/json"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

// Input is an input of a transaction to be made.
type Input struct {
	TxID     wire.Hash `json:"txid"`
	Vout     uint32    `json:"vout"`
	Sequence *uint32   `json:"sequence,omitempty"` // nil for what fits the lock time
	Weight   int64     `json:"weight,omitempty"`   // what the signed input weighs at most, where a wallet cannot know
}

// Output is an output of a transaction to be made: an address and an amount, or
// data. In SendAll an address without an amount gets what is left.
type Output struct {
	Address string
	Amount  rpctypes.Amount
	Data    jsonrpc.Hex // carried by an output that nobody can spend
}

// MarshalJSON writes the output as methods take it.
func (o Output) MarshalJSON() ([]byte, error) {
	if len(o.Data) > 0 {
		return json.Marshal(jsonrpc.Object{{Name: "data", Value: o.Data}})
	}
	return json.Marshal(jsonrpc.Object{{Name: o.Address, Value: o.Amount}})
}

// Places turns a list of outputs into inputs that spend them.
func Places(ops ...wire.OutPoint) []Input {
	in := make([]Input, len(ops))
	for i, op := range ops {
		in[i] = Input{TxID: op.Hash, Vout: op.Index}
	}
	return in
}

// orEmpty makes nil an empty list, where the node wants one.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// rawTxArgs are the arguments of getrawtransaction.
type rawTxArgs struct {
	txArg
	Verbosity int        `json:"verbosity"`
	Block     *wire.Hash `json:"blockhash,omitempty"`
}

// GetRawTransaction returns the bytes of a transaction. It is looked for among
// the unconfirmed ones, in the block given, nil for none, and in the transaction
// index if the node keeps one.
func (c *Client) GetRawTransaction(ctx context.Context, id wire.Hash, block *wire.Hash) (jsonrpc.Hex, error) {
	return get[jsonrpc.Hex](ctx, c, "getrawtransaction", rawTxArgs{txArg{id}, 0, block})
}

// GetRawTransactionVerbose describes a transaction; with prevouts set also the
// outputs that it spends.
func (c *Client) GetRawTransactionVerbose(ctx context.Context, id wire.Hash, block *wire.Hash, prevouts bool) (rpctypes.Tx, error) {
	verbosity := 1
	if prevouts {
		verbosity = 2
	}
	return get[rpctypes.Tx](ctx, c, "getrawtransaction", rawTxArgs{txArg{id}, verbosity, block})
}

// hexArg is a transaction or a script.
type hexArg struct {
	Hex jsonrpc.Hex `json:"hexstring"`
}

// DecodeRawTransaction describes a transaction.
func (c *Client) DecodeRawTransaction(ctx context.Context, tx jsonrpc.Hex) (rpctypes.Tx, error) {
	return get[rpctypes.Tx](ctx, c, "decoderawtransaction", hexArg{tx})
}

// DecodeScript describes a script.
func (c *Client) DecodeScript(ctx context.Context, script jsonrpc.Hex) (rpctypes.DecodedScript, error) {
	return get[rpctypes.DecodedScript](ctx, c, "decodescript", hexArg{script})
}

// CreateOptions are for CreateRawTransaction and CreatePSBT.
type CreateOptions struct {
	LockTime    uint32 `json:"locktime,omitempty"`
	Replaceable *bool  `json:"replaceable,omitempty"` // whether it says so (BIP125); nil means true
	Version     int32  `json:"version,omitempty"`     // 0 means 2
}

// createArgs are the arguments of methods that make transactions.
type createArgs struct {
	Inputs  []Input  `json:"inputs"`
	Outputs []Output `json:"outputs"`
	*CreateOptions
}

// CreateRawTransaction makes a transaction that is not signed.
func (c *Client) CreateRawTransaction(ctx context.Context, in []Input, out []Output, o *CreateOptions) (jsonrpc.Hex, error) {
	return get[jsonrpc.Hex](ctx, c, "createrawtransaction", createArgs{orEmpty(in), orEmpty(out), o})
}

// CreatePSBT makes a partially signed transaction, in base64.
func (c *Client) CreatePSBT(ctx context.Context, in []Input, out []Output, o *CreateOptions) (string, error) {
	return get[string](ctx, c, "createpsbt", createArgs{orEmpty(in), orEmpty(out), o})
}

// ConvertToPSBT turns a transaction into a partially signed one. Signatures that
// it has are dropped if drop is set, and refused otherwise.
func (c *Client) ConvertToPSBT(ctx context.Context, tx jsonrpc.Hex, drop bool) (string, error) {
	return get[string](ctx, c, "converttopsbt", struct {
		hexArg
		Drop bool `json:"permitsigdata"`
	}{hexArg{tx}, drop})
}

// PrevTx is an output that a transaction spends and that the node does not know.
type PrevTx struct {
	TxID    wire.Hash        `json:"txid"`
	Vout    uint32           `json:"vout"`
	Script  jsonrpc.Hex      `json:"scriptPubKey"`
	Redeem  jsonrpc.Hex      `json:"redeemScript,omitempty"`
	Witness jsonrpc.Hex      `json:"witnessScript,omitempty"`
	Amount  *rpctypes.Amount `json:"amount,omitempty"` // signatures in witnesses cover it
}

// SignOptions are for SignRawTransactionWithKey and SignRawTransactionWithWallet.
type SignOptions struct {
	PrevTxs  []PrevTx `json:"prevtxs,omitempty"`
	HashType string   `json:"sighashtype,omitempty"` // DEFAULT, ALL, NONE or SINGLE, perhaps with |ANYONECANPAY
}

// SignRawTransactionWithKey signs the inputs of a transaction with private keys
// in wallet import format.
func (c *Client) SignRawTransactionWithKey(ctx context.Context, tx jsonrpc.Hex, keys []string, o *SignOptions) (rpctypes.SignedTx, error) {
	return get[rpctypes.SignedTx](ctx, c, "signrawtransactionwithkey", struct {
		hexArg
		Keys []string `json:"privkeys"`
		*SignOptions
	}{hexArg{tx}, orEmpty(keys), o})
}

// CombineRawTransaction puts the signatures together that several copies of one
// transaction have.
func (c *Client) CombineRawTransaction(ctx context.Context, txs ...jsonrpc.Hex) (jsonrpc.Hex, error) {
	return get[jsonrpc.Hex](ctx, c, "combinerawtransaction", struct {
		Txs []jsonrpc.Hex `json:"txs"`
	}{orEmpty(txs)})
}

// CreateMultisig makes an address that asks for several signatures. kind is
// legacy, the default, p2sh-segwit or bech32.
func (c *Client) CreateMultisig(ctx context.Context, need int, keys []jsonrpc.Hex, kind string) (rpctypes.Multisig, error) {
	return get[rpctypes.Multisig](ctx, c, "createmultisig", struct {
		Need int           `json:"nrequired"`
		Keys []jsonrpc.Hex `json:"keys"`
		Kind string        `json:"address_type,omitempty"`
	}{need, orEmpty(keys), kind})
}

// GetDescriptorInfo reads a descriptor and says what it is.
func (c *Client) GetDescriptorInfo(ctx context.Context, descriptor string) (rpctypes.DescriptorInfo, error) {
	return get[rpctypes.DescriptorInfo](ctx, c, "getdescriptorinfo", deriveArgs{Descriptor: descriptor})
}

// deriveArgs are the arguments of deriveaddresses.
type deriveArgs struct {
	Descriptor string    `json:"descriptor"`
	Range      *[2]int64 `json:"range,omitempty"`
}

// DeriveAddresses returns the addresses of a descriptor, which must have its
// checksum; of one with a range those of the first to the last index.
func (c *Client) DeriveAddresses(ctx context.Context, d Descriptor) ([]string, error) {
	return get[[]string](ctx, c, "deriveaddresses", deriveArgs{d.Desc, d.Range})
}

// DeriveAddressesMultipath is DeriveAddresses for a descriptor with alternatives,
// and returns the addresses of each.
func (c *Client) DeriveAddressesMultipath(ctx context.Context, d Descriptor) ([][]string, error) {
	return get[[][]string](ctx, c, "deriveaddresses", deriveArgs{d.Desc, d.Range})
}

// SignMessageWithPrivKey signs a text with a private key in wallet import format,
// and returns the signature in base64.
func (c *Client) SignMessageWithPrivKey(ctx context.Context, key, text string) (string, error) {
	return get[string](ctx, c, "signmessagewithprivkey", struct {
		Key  string `json:"privkey"`
		Text string `json:"message"`
	}{key, text})
}

// VerifyMessage reports whether a text was signed with the key of an address.
func (c *Client) VerifyMessage(ctx context.Context, address, signature, text string) (bool, error) {
	return get[bool](ctx, c, "verifymessage", struct {
		Address   string `json:"address"`
		Signature string `json:"signature"`
		Text      string `json:"message"`
	}{address, signature, text})
}
