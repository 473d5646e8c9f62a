package rpctypes

import (
	"starling/rpc/jsonrpc"
	"starling/wallet"
	"starling/wire"
)

type OwnBalances struct {
	Trusted  Amount `json:"trusted" help:"confirmed and mature, or the wallet's own change"`
	Pending  Amount `json:"untrusted_pending" help:"unconfirmed, from others"`
	Immature Amount `json:"immature" help:"from fresh coinbases"`
}

type Balances struct {
	Mine OwnBalances    `json:"mine"`
	Last processedBlock `json:"lastprocessedblock" help:"the block that they are of"`
}

type Unspent struct {
	TxID          wire.Hash   `json:"txid"`
	Vout          uint32      `json:"vout"`
	Address       string      `json:"address,omitempty"`
	Label         *string     `json:"label,omitempty"`
	Script        jsonrpc.Hex `json:"scriptPubKey"`
	Amount        Amount      `json:"amount"`
	Confirmations int32       `json:"confirmations"`
	Redeem        jsonrpc.Hex `json:"redeemScript,omitempty"`
	Witness       jsonrpc.Hex `json:"witnessScript,omitempty"`
	Spendable     bool        `json:"spendable" help:"whether the wallet has the keys"`
	Solvable      bool        `json:"solvable" help:"whether the wallet knows all but, perhaps, the keys"`
	Desc          string      `json:"desc,omitempty"`
	ParentDescs   []string    `json:"parent_descs" help:"the wallet's descriptors that it comes from"`
	Safe          bool        `json:"safe" help:"whether it is confirmed, or the wallet's own change"`
}

type LockedUnspent struct {
	TxID wire.Hash `json:"txid"`
	Vout uint32    `json:"vout"`
}

type ReceivedByAddress struct {
	Address       string      `json:"address"`
	Amount        Amount      `json:"amount"`
	Confirmations int32       `json:"confirmations" help:"of the newest payment"`
	Label         string      `json:"label"`
	TxIDs         []wire.Hash `json:"txids"`
}

type ReceivedByLabel struct {
	Amount        Amount `json:"amount"`
	Confirmations int32  `json:"confirmations" help:"of the newest payment"`
	Label         string `json:"label"`
}

type CreatedWallet struct {
	Name     string   `json:"name" help:"what it is called"`
	Mnemonic string   `json:"mnemonic,omitempty" help:"its seed phrase, if show_mnemonic is set"`
	Warnings []string `json:"warnings,omitempty" help:"what to know about it"`
}

type UnloadedWallet struct {
	Warnings []string `json:"warnings,omitempty"`
}

type WalletDirEntry struct {
	Name     string   `json:"name"`
	Warnings []string `json:"warnings,omitempty"`
}

type WalletDir struct {
	Wallets []WalletDirEntry `json:"wallets"`
}

type Scanning struct {
	Duration int64         `json:"duration" help:"seconds since it began"`
	Progress jsonrpc.Float `json:"progress" help:"between 0 and 1"`
}

type processedBlock struct {
	Hash   wire.Hash `json:"hash"`
	Height int32     `json:"height"`
}

type WalletInfo struct {
	Name          string         `json:"walletname"`
	Version       int            `json:"walletversion" help:"as Core counts it"`
	Format        string         `json:"format" help:"of the file"`
	TxCount       int            `json:"txcount" help:"how many transactions it has"`
	KeyPool       int            `json:"keypoolsize" help:"how many unused addresses are watched"`
	KeyPoolChange int            `json:"keypoolsize_hd_internal" help:"the same for change"`
	UnlockedUntil *int64         `json:"unlocked_until,omitempty" help:"when an encrypted wallet locks itself, in seconds since 1970; 0 while it is locked"`
	Keys          bool           `json:"private_keys_enabled"`
	AvoidReuse    bool           `json:"avoid_reuse"`
	Scanning      any            `json:"scanning" help:"how far a rescan has got, or false"`
	Descriptors   bool           `json:"descriptors"`
	External      bool           `json:"external_signer"`
	Blank         bool           `json:"blank"`
	Birthtime     int64          `json:"birthtime" help:"before which no payment is looked for, in seconds since 1970"`
	Flags         []string       `json:"flags"`
	Seeded        bool           `json:"mnemonic" help:"whether it has a seed phrase"`
	LastProcessed processedBlock `json:"lastprocessedblock" help:"the block that it stands on"`
	Warnings      []string       `json:"warnings,omitempty" help:"what keeps it from following the chain, so that it does not know what it has"`
}

type Mnemonic struct {
	Mnemonic string `json:"mnemonic" help:"the seed phrase"`
	Extra    bool   `json:"passphrase_needed" help:"whether it restores the wallet only together with the passphrase that it was made with"`
}

type Rescan struct {
	Start int32 `json:"start_height"`
	Stop  int32 `json:"stop_height"`
}

// TxDetail is an output of a transaction as the wallet sees it.
type TxDetail struct {
	Address     string          `json:"address,omitempty"`
	ParentDescs []string        `json:"parent_descs,omitempty" help:"the wallet's descriptors that it belongs to"`
	Category    wallet.Category `json:"category" help:"send, receive, generate, immature or orphan"`
	Amount      Amount          `json:"amount" help:"below zero for send"`
	Label       *string         `json:"label,omitempty"`
	Vout        int             `json:"vout"`
	Fee         *Amount         `json:"fee,omitempty" help:"for send, below zero"`
	Abandoned   bool            `json:"abandoned"`
}

// WalletTxInfo is what there is to say about a transaction of the wallet.
type WalletTxInfo struct {
	Confirmations int32       `json:"confirmations" help:"below zero if a block holds another that spends the same"`
	Generated     bool        `json:"generated,omitempty" help:"whether it is a coinbase"`
	Trusted       *bool       `json:"trusted,omitempty" help:"for unconfirmed ones, whether they are the wallet's own"`
	BlockHash     *wire.Hash  `json:"blockhash,omitempty"`
	BlockHeight   *int32      `json:"blockheight,omitempty"`
	BlockIndex    *int32      `json:"blockindex,omitempty" help:"its place in the block"`
	BlockTime     *int64      `json:"blocktime,omitempty"`
	TxID          wire.Hash   `json:"txid"`
	WTxID         wire.Hash   `json:"wtxid"`
	Conflicts     []wire.Hash `json:"walletconflicts" help:"others of the wallet that spend the same"`
	ReplacedBy    *wire.Hash  `json:"replaced_by_txid,omitempty"`
	Replaces      *wire.Hash  `json:"replaces_txid,omitempty"`
	PoolConflicts []wire.Hash `json:"mempoolconflicts" help:"unconfirmed ones that the node has and that keep this one, or what it builds on, from confirming"`
	To            string      `json:"to,omitempty"`
	Time          int64       `json:"time" help:"when the wallet first saw it, in seconds since 1970"`
	TimeReceived  int64       `json:"timereceived"`
	Comment       string      `json:"comment,omitempty"`
	Replaceable   string      `json:"bip125-replaceable" help:"yes, no or unknown"`
}

type HistoryEntry struct {
	TxDetail
	WalletTxInfo
}

type WalletTx struct {
	Amount Amount  `json:"amount" help:"what it brings the wallet, the fee left out"`
	Fee    *Amount `json:"fee,omitempty" help:"below zero; only of the wallet's own payments"`
	WalletTxInfo
	Details []TxDetail     `json:"details"`
	Hex     jsonrpc.Hex    `json:"hex" help:"the transaction's bytes"`
	Decoded any            `json:"decoded,omitempty" help:"the transaction, if verbose is set"`
	Last    processedBlock `json:"lastprocessedblock" help:"the block that all this is of"`
}

type ImportResult struct {
	Success  bool           `json:"success"`
	Warnings []string       `json:"warnings,omitempty"`
	Error    *jsonrpc.Error `json:"error,omitempty"`
}

type AddressInfo struct {
	Address        string      `json:"address"`
	Script         jsonrpc.Hex `json:"scriptPubKey"`
	Mine           bool        `json:"ismine" help:"whether it is the wallet's"`
	Solvable       bool        `json:"solvable" help:"whether the wallet knows all but, perhaps, the keys"`
	Desc           string      `json:"desc,omitempty" help:"a descriptor of it"`
	ParentDesc     string      `json:"parent_desc,omitempty" help:"the wallet's descriptor that it comes from"`
	WatchOnly      bool        `json:"iswatchonly" help:"always false"`
	IsScript       *bool       `json:"isscript,omitempty"`
	IsChange       bool        `json:"ischange"`
	IsWitness      bool        `json:"iswitness"`
	WitnessVersion *int        `json:"witness_version,omitempty"`
	WitnessProgram jsonrpc.Hex `json:"witness_program,omitempty"`
	ScriptType     string      `json:"script,omitempty" help:"the form of the script behind a script hash"`
	ScriptHex      jsonrpc.Hex `json:"hex,omitempty" help:"that script"`
	PubKey         jsonrpc.Hex `json:"pubkey,omitempty"`
	Compressed     *bool       `json:"iscompressed,omitempty"`
	Timestamp      *int64      `json:"timestamp,omitempty" help:"when its key was made, as far as is known, in seconds since 1970"`
	KeyPath        string      `json:"hdkeypath,omitempty" help:"where the key comes from"`
	MasterKey      string      `json:"hdmasterfingerprint,omitempty"`
	Labels         []string    `json:"labels"`
}

type AddressPurpose struct {
	Purpose string `json:"purpose"`
}

type WalletDescriptor struct {
	Desc      string   `json:"desc"`
	Timestamp int64    `json:"timestamp" help:"before which nothing was paid to it, in seconds since 1970"`
	Active    bool     `json:"active" help:"whether new addresses come from it"`
	Internal  *bool    `json:"internal,omitempty" help:"whether these are for change"`
	Range     *[]int32 `json:"range,omitempty" help:"the first and the last index that is watched"`
	Next      *int32   `json:"next,omitempty" help:"the next index to give out"`
	NextIndex *int32   `json:"next_index,omitempty" help:"the same"`
}

type WalletDescriptors struct {
	Wallet      string             `json:"wallet_name"`
	Descriptors []WalletDescriptor `json:"descriptors"`
}

type FundedTx struct {
	Hex    jsonrpc.Hex `json:"hex" help:"the transaction"`
	Fee    Amount      `json:"fee"`
	Change int         `json:"changepos" help:"the output with the change, or -1"`
}

type FundedPSBT struct {
	PSBT   string `json:"psbt" help:"the partially signed transaction in base64"`
	Fee    Amount `json:"fee"`
	Change int    `json:"changepos" help:"the output with the change, or -1"`
}

type Simulated struct {
	Change Amount `json:"balance_change" help:"in coins"`
}

// Sent is what verbose calls return.
type Sent struct {
	TxID   wire.Hash `json:"txid"`
	Reason string    `json:"fee_reason" help:"where the fee rate comes from"`
}

type SendResult struct {
	Complete bool        `json:"complete" help:"whether it has all signatures"`
	TxID     *wire.Hash  `json:"txid,omitempty" help:"if it is complete"`
	Hex      jsonrpc.Hex `json:"hex,omitempty" help:"the transaction, if it is complete and was not sent"`
	PSBT     string      `json:"psbt,omitempty" help:"the same as a PSBT, if it was not sent"`
	Fee      *Amount     `json:"fee,omitempty" help:"what it pays for itself, in coins"`
}

type BumpResult struct {
	TxID   *wire.Hash `json:"txid,omitempty" help:"of the new transaction"`
	PSBT   string     `json:"psbt,omitempty" help:"the new transaction, unsigned"`
	OldFee Amount     `json:"origfee"`
	Fee    Amount     `json:"fee"`
	Errors []string   `json:"errors"`
}

type SinceBlock struct {
	Transactions []HistoryEntry `json:"transactions"`
	Removed      []HistoryEntry `json:"removed,omitempty"`
	LastBlock    wire.Hash      `json:"lastblock" help:"to be given as blockhash the next time"`
}
