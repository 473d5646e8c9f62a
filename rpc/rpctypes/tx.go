package rpctypes

import (
	"starling/rpc/jsonrpc"
	"starling/script"
	"starling/wire"
)

type DescriptorInfo struct {
	Descriptor string   `json:"descriptor" help:"the descriptor without private keys; of alternatives the first"`
	Multipath  []string `json:"multipath_expansion,omitempty" help:"all descriptors that alternatives make"`
	Checksum   string   `json:"checksum" help:"the checksum of the text as it was given"`
	IsRange    bool     `json:"isrange" help:"whether it stands for many scripts"`
	IsSolvable bool     `json:"issolvable" help:"whether a signer with the keys knows enough"`
	HasPrivate bool     `json:"hasprivatekeys" help:"whether it was given with a private key"`
}

type DecodedScript struct {
	Asm     string         `json:"asm" help:"the script as text"`
	Desc    string         `json:"desc" help:"a descriptor of it"`
	Address string         `json:"address,omitempty" help:"only if one address stands for it"`
	Type    script.Class   `json:"type" help:"its standard form, or nonstandard"`
	P2SH    string         `json:"p2sh,omitempty" help:"address of a pay to script hash of it"`
	Segwit  *DecodedSegwit `json:"segwit,omitempty" help:"the witness program that stands for it"`
}

type DecodedSegwit struct {
	Script
	P2SH string `json:"p2sh-segwit" help:"address of a pay to script hash of the witness program"`
}

type SignError struct {
	TxID      wire.Hash     `json:"txid" help:"the transaction whose output the input spends"`
	Vout      uint32        `json:"vout" help:"the place of that output"`
	Witness   []jsonrpc.Hex `json:"witness"`
	ScriptSig jsonrpc.Hex   `json:"scriptSig"`
	Sequence  uint32        `json:"sequence"`
	Error     string        `json:"error" help:"why the input is not complete"`
}

// SignedTx is a transaction after signing.
type SignedTx struct {
	Hex      jsonrpc.Hex `json:"hex" help:"the transaction"`
	Complete bool        `json:"complete" help:"whether all inputs are signed"`
	Errors   []SignError `json:"errors,omitempty" help:"the inputs that are not"`
}

type Multisig struct {
	Address    string      `json:"address"`
	Redeem     jsonrpc.Hex `json:"redeemScript" help:"the script that must be known to spend from it"`
	Descriptor string      `json:"descriptor"`
	Warnings   []string    `json:"warnings,omitempty"`
}

type ScriptSig struct {
	Asm string      `json:"asm"`
	Hex jsonrpc.Hex `json:"hex"`
}

// Script describes a public key script.
type Script struct {
	Asm     string       `json:"asm" help:"the script as text"`
	Desc    string       `json:"desc" help:"a descriptor of it"`
	Hex     jsonrpc.Hex  `json:"hex"`
	Address string       `json:"address,omitempty" help:"only if one address stands for it"`
	Type    script.Class `json:"type" help:"its standard form, or nonstandard"`
}

type PrevOut struct {
	Generated bool   `json:"generated" help:"whether a coinbase made it"`
	Height    int32  `json:"height" help:"of the block that made it"`
	Value     Amount `json:"value"`
	Script    Script `json:"scriptPubKey"`
}

type TxIn struct {
	Coinbase  jsonrpc.Hex   `json:"coinbase,omitempty" help:"the script of a coinbase input"`
	TxID      *wire.Hash    `json:"txid,omitempty" help:"the transaction whose output is spent"`
	Vout      *uint32       `json:"vout,omitempty" help:"the place of that output"`
	ScriptSig *ScriptSig    `json:"scriptSig,omitempty"`
	Witness   []jsonrpc.Hex `json:"txinwitness,omitempty" help:"the witness stack"`
	Prevout   *PrevOut      `json:"prevout,omitempty" help:"the output that is spent"`
	Sequence  uint32        `json:"sequence"`
}

type TxOut struct {
	Value  Amount `json:"value" help:"in coins"`
	N      int    `json:"n" help:"its place"`
	Script Script `json:"scriptPubKey"`
}

// Tx describes a transaction.
type Tx struct {
	InActiveChain *bool       `json:"in_active_chain,omitempty" help:"whether the given block is in the best chain"`
	TxID          wire.Hash   `json:"txid"`
	Hash          wire.Hash   `json:"hash" help:"the id with witness"`
	Version       uint32      `json:"version"`
	Size          int         `json:"size" help:"in bytes"`
	VSize         int         `json:"vsize" help:"in virtual bytes (BIP141)"`
	Weight        int         `json:"weight"`
	LockTime      uint32      `json:"locktime"`
	Vin           []TxIn      `json:"vin"`
	Vout          []TxOut     `json:"vout"`
	Fee           *Amount     `json:"fee,omitempty"`
	Hex           jsonrpc.Hex `json:"hex,omitempty" help:"the transaction's bytes"`

	BlockHash     *wire.Hash `json:"blockhash,omitempty"`
	Confirmations *int32     `json:"confirmations,omitempty"`
	Time          *int64     `json:"time,omitempty" help:"of the block"`
	BlockTime     *int64     `json:"blocktime,omitempty" help:"the same"`
}

type ValidAddress struct {
	IsValid        bool        `json:"isvalid" help:"true"`
	Address        string      `json:"address" help:"the address as it is usually written"`
	Script         jsonrpc.Hex `json:"scriptPubKey" help:"the script that pays to it"`
	IsScript       *bool       `json:"isscript,omitempty" help:"whether it stands for a script; left out if nobody knows"`
	IsWitness      bool        `json:"iswitness" help:"whether it is a witness program"`
	WitnessVersion *int        `json:"witness_version,omitempty"`
	WitnessProgram jsonrpc.Hex `json:"witness_program,omitempty"`
}

type InvalidAddress struct {
	IsValid   bool   `json:"isvalid" help:"false"`
	Locations []int  `json:"error_locations" help:"where the mistakes are, if that is known"`
	Error     string `json:"error" help:"what is wrong with it"`
}
