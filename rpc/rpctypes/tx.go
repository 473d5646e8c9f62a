package rpctypes

import (
	"starling/rpc/jsonrpc"
	"starling/wire"
)

// DescriptorInfo is the result of getdescriptorinfo.
type DescriptorInfo struct {
	Descriptor string   `json:"descriptor" help:"the descriptor without private keys; of alternatives the first"`
	Multipath  []string `json:"multipath_expansion,omitempty" help:"all descriptors that alternatives make; left out if there are none"`
	Checksum   string   `json:"checksum" help:"the checksum of the text as it was given"`
	IsRange    bool     `json:"isrange" help:"whether it stands for many scripts"`
	IsSolvable bool     `json:"issolvable" help:"whether a signer with the keys knows enough"`
	HasPrivate bool     `json:"hasprivatekeys" help:"whether it was given with a private key"`
}

// DecodedScript is the result of decodescript.
type DecodedScript struct {
	Asm     string         `json:"asm" help:"the script as text"`
	Desc    string         `json:"desc" help:"a descriptor of it"`
	Address string         `json:"address,omitempty" help:"its address; only if one stands for it"`
	Type    string         `json:"type" help:"its standard form, or nonstandard"`
	P2SH    string         `json:"p2sh,omitempty" help:"address of a pay to script hash of it; left out where that makes no sense"`
	Segwit  *DecodedSegwit `json:"segwit,omitempty" help:"the witness program that stands for it; left out where that makes no sense"`
}

// DecodedSegwit is a witness program in the result of decodescript.
type DecodedSegwit struct {
	Script
	P2SH string `json:"p2sh-segwit" help:"address of a pay to script hash of the witness program"`
}

// SignError is an input that is not complete, in a [SignedTx].
type SignError struct {
	TxID      wire.Hash     `json:"txid" help:"id of the transaction whose output the input spends"`
	Vout      uint32        `json:"vout" help:"the place of that output"`
	Witness   []jsonrpc.Hex `json:"witness" help:"the input's witness stack so far"`
	ScriptSig jsonrpc.Hex   `json:"scriptSig" help:"the input's script so far"`
	Sequence  uint32        `json:"sequence" help:"the input's sequence number"`
	Error     string        `json:"error" help:"why the input is not complete"`
}

// SignedTx is the result of signrawtransactionwithkey and
// signrawtransactionwithwallet.
type SignedTx struct {
	Hex      jsonrpc.Hex `json:"hex" help:"the transaction's bytes"`
	Complete bool        `json:"complete" help:"whether all inputs are signed"`
	Errors   []SignError `json:"errors,omitempty" help:"the inputs that are not"`
}

// Multisig is the result of createmultisig.
type Multisig struct {
	Address    string      `json:"address" help:"the address"`
	Redeem     jsonrpc.Hex `json:"redeemScript" help:"the script that must be known to spend from it"`
	Descriptor string      `json:"descriptor" help:"a descriptor of it"`
	Warnings   []string    `json:"warnings,omitempty" help:"what to know about it"`
}

// ScriptSig is the script of an input.
type ScriptSig struct {
	Asm string      `json:"asm" help:"the script as text, with the hash types of signatures by name"`
	Hex jsonrpc.Hex `json:"hex" help:"the script's bytes"`
}

// Script is the script of an output.
type Script struct {
	Asm     string      `json:"asm" help:"the script as text"`
	Desc    string      `json:"desc" help:"a descriptor of it"`
	Hex     jsonrpc.Hex `json:"hex" help:"the script's bytes"`
	Address string      `json:"address,omitempty" help:"its address; only if one stands for it"`
	Type    string      `json:"type" help:"its standard form, or nonstandard"`
}

// PrevOut is an output that an input spends, in a [TxIn].
type PrevOut struct {
	Generated bool   `json:"generated" help:"whether a coinbase made it"`
	Height    int32  `json:"height" help:"height of the block that made it"`
	Value     Amount `json:"value" help:"its amount, in coins"`
	Script    Script `json:"scriptPubKey" help:"the script that it pays to"`
}

// TxIn is an input of a [Tx].
type TxIn struct {
	Coinbase  jsonrpc.Hex   `json:"coinbase,omitempty" help:"the input's script; only of coinbases, which have nothing else to tell"`
	TxID      *wire.Hash    `json:"txid,omitempty" help:"id of the transaction whose output is spent"`
	Vout      *uint32       `json:"vout,omitempty" help:"the place of that output"`
	ScriptSig *ScriptSig    `json:"scriptSig,omitempty" help:"the input's script"`
	Witness   []jsonrpc.Hex `json:"txinwitness,omitempty" help:"the witness stack; left out if it is empty"`
	Prevout   *PrevOut      `json:"prevout,omitempty" help:"the output that is spent; only if it was asked for and is known"`
	Sequence  uint32        `json:"sequence" help:"the sequence number"`
}

// TxOut is an output of a [Tx].
type TxOut struct {
	Value  Amount `json:"value" help:"its amount, in coins"`
	N      int    `json:"n" help:"its place, from 0 on"`
	Script Script `json:"scriptPubKey" help:"the script that it pays to"`
}

// Tx is a transaction: the result of getrawtransaction and
// decoderawtransaction, and a part of other results.
type Tx struct {
	InActiveChain *bool       `json:"in_active_chain,omitempty" help:"whether the given block is in the best chain; only if one was given"`
	TxID          wire.Hash   `json:"txid" help:"the transaction's id"`
	Hash          wire.Hash   `json:"hash" help:"the id with witness"`
	Version       uint32      `json:"version" help:"the transaction's version"`
	Size          int         `json:"size" help:"its size in bytes"`
	VSize         int         `json:"vsize" help:"its size in virtual bytes (BIP141)"`
	Weight        int         `json:"weight" help:"its weight (BIP141)"`
	LockTime      uint32      `json:"locktime" help:"the height, or from 500,000,000 on the time, before which no block may hold it"`
	Vin           []TxIn      `json:"vin" help:"the inputs"`
	Vout          []TxOut     `json:"vout" help:"the outputs"`
	Fee           *Amount     `json:"fee,omitempty" help:"what it pays, in coins; only if it is known what it spends"`
	Hex           jsonrpc.Hex `json:"hex,omitempty" help:"the transaction's bytes; left out where the caller has them"`

	BlockHash     *wire.Hash `json:"blockhash,omitempty" help:"hash of the block that holds it; left out if it is unconfirmed or only decoded"`
	Confirmations *int32     `json:"confirmations,omitempty" help:"blocks from that one to the tip, both counted; 0 if it is not in the best chain"`
	Time          *int64     `json:"time,omitempty" help:"time of that block, in seconds since 1970"`
	BlockTime     *int64     `json:"blocktime,omitempty" help:"the same"`
}

// ValidAddress is the result of validateaddress for an address.
type ValidAddress struct {
	IsValid        bool        `json:"isvalid" help:"true"`
	Address        string      `json:"address" help:"the address as it is usually written"`
	Script         jsonrpc.Hex `json:"scriptPubKey" help:"the script that pays to it"`
	IsScript       *bool       `json:"isscript,omitempty" help:"whether it stands for a script; left out if nobody knows"`
	IsWitness      bool        `json:"iswitness" help:"whether it is a witness program"`
	WitnessVersion *int        `json:"witness_version,omitempty" help:"the program's version; only of witness programs"`
	WitnessProgram jsonrpc.Hex `json:"witness_program,omitempty" help:"the program; only of witness programs"`
}

// InvalidAddress is the result of validateaddress for anything else.
type InvalidAddress struct {
	IsValid   bool   `json:"isvalid" help:"false"`
	Locations []int  `json:"error_locations" help:"places of the mistakes in the text, from 0 on, if they are known"`
	Error     string `json:"error" help:"what is wrong with it"`
}
