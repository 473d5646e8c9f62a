package rpctypes

import (
	"starling/rpc/jsonrpc"
	"starling/wire"
)

// WalletPath is where calls for one wallet go, followed by its name.
const WalletPath = "/wallet/"

// OwnBalances is what a wallet has, in the result of getbalances.
type OwnBalances struct {
	Trusted  Amount `json:"trusted" help:"confirmed and mature, or the wallet's own change, in coins"`
	Pending  Amount `json:"untrusted_pending" help:"unconfirmed, from others, in coins"`
	Immature Amount `json:"immature" help:"from coinbases that cannot be spent yet, in coins"`
}

// Balances is the result of getbalances.
type Balances struct {
	Mine OwnBalances    `json:"mine" help:"what the wallet has"`
	Last ProcessedBlock `json:"lastprocessedblock" help:"the block that they are of"`
}

// ProcessedBlock is the block that a wallet stands on, in the results of
// getbalances, getwalletinfo and gettransaction.
type ProcessedBlock struct {
	Hash   wire.Hash `json:"hash" help:"the block's hash"`
	Height int32     `json:"height" help:"the block's height"`
}

// Unspent is an output in the result of listunspent.
type Unspent struct {
	TxID          wire.Hash   `json:"txid" help:"id of the transaction that made it"`
	Vout          uint32      `json:"vout" help:"the output's place in that transaction"`
	Address       string      `json:"address,omitempty" help:"the address that it pays to, if there is one"`
	Label         *string     `json:"label,omitempty" help:"the address's label; left out for change"`
	Script        jsonrpc.Hex `json:"scriptPubKey" help:"the script that it pays to"`
	Amount        Amount      `json:"amount" help:"its amount, in coins"`
	Confirmations int32       `json:"confirmations" help:"blocks from that of the output to the tip, both counted; 0 if it is unconfirmed"`
	Redeem        jsonrpc.Hex `json:"redeemScript,omitempty" help:"the script behind its script hash, if there is one"`
	Witness       jsonrpc.Hex `json:"witnessScript,omitempty" help:"the script behind its witness script hash, if there is one"`
	Spendable     bool        `json:"spendable" help:"whether the wallet has the keys"`
	Solvable      bool        `json:"solvable" help:"whether the wallet knows all but, perhaps, the keys"`
	Desc          string      `json:"desc,omitempty" help:"a descriptor of its script; only if it is solvable"`
	ParentDescs   []string    `json:"parent_descs" help:"the wallet's descriptors that it comes from"`
	Safe          bool        `json:"safe" help:"whether it is confirmed, or the wallet's own change"`
}

// LockedUnspent is an output in the result of listlockunspent.
type LockedUnspent struct {
	TxID wire.Hash `json:"txid" help:"id of the transaction that made it"`
	Vout uint32    `json:"vout" help:"the output's place in that transaction"`
}

// ReceivedByAddress is an address in the result of listreceivedbyaddress.
type ReceivedByAddress struct {
	Address       string      `json:"address" help:"the address"`
	Amount        Amount      `json:"amount" help:"what was paid to it in all, in coins"`
	Confirmations int32       `json:"confirmations" help:"confirmations of the newest payment; 0 if there is none"`
	Label         string      `json:"label" help:"the address's label; empty if it has none"`
	TxIDs         []wire.Hash `json:"txids" help:"ids of the payments"`
}

// ReceivedByLabel is a label in the result of listreceivedbylabel.
type ReceivedByLabel struct {
	Amount        Amount `json:"amount" help:"what was paid to its addresses in all, in coins"`
	Confirmations int32  `json:"confirmations" help:"confirmations of the newest payment; 0 if there is none"`
	Label         string `json:"label" help:"the label; empty for addresses without one"`
}

// CreatedWallet is the result of createwallet, loadwallet and restorewallet.
type CreatedWallet struct {
	Name     string   `json:"name" help:"what it is called"`
	Mnemonic string   `json:"mnemonic,omitempty" help:"its seed phrase (mnemonic); only if show_mnemonic is set"`
	Warnings []string `json:"warnings,omitempty" help:"what to know about it"`
}

// UnloadedWallet is the result of unloadwallet.
type UnloadedWallet struct {
	Warnings []string `json:"warnings,omitempty" help:"what to know about it"`
}

// WalletDirEntry is a wallet in the result of listwalletdir.
type WalletDirEntry struct {
	Name     string   `json:"name" help:"what it is called"`
	Warnings []string `json:"warnings,omitempty" help:"what to know about it"`
}

// WalletDir is the result of listwalletdir.
type WalletDir struct {
	Wallets []WalletDirEntry `json:"wallets" help:"the wallets on disk, loaded or not"`
}

// Scanning is how far a wallet has got that is reading the chain, in the result
// of getwalletinfo.
type Scanning struct {
	Duration int64         `json:"duration" help:"seconds since it began"`
	Progress jsonrpc.Float `json:"progress" help:"how much is done, from 0 to 1"`
}

// WalletInfo is the result of getwalletinfo.
type WalletInfo struct {
	Name          string                    `json:"walletname" help:"what it is called"`
	Version       int                       `json:"walletversion" help:"the version, as Core counts it"`
	Format        string                    `json:"format" help:"the format of the file: starling"`
	TxCount       int                       `json:"txcount" help:"number of its transactions"`
	KeyPool       int                       `json:"keypoolsize" help:"number of unused addresses that are watched"`
	KeyPoolChange int                       `json:"keypoolsize_hd_internal" help:"the same for change"`
	UnlockedUntil *int64                    `json:"unlocked_until,omitempty" help:"when an encrypted wallet locks itself, in seconds since 1970; 0 while it is locked; left out if it is not encrypted"`
	Keys          bool                      `json:"private_keys_enabled" help:"whether it holds private keys; false if it only watches"`
	AvoidReuse    bool                      `json:"avoid_reuse" help:"always false: not supported"`
	Scanning      jsonrpc.OrFalse[Scanning] `json:"scanning" help:"how far a rescan has got"`
	Descriptors   bool                      `json:"descriptors" help:"always true: there are no other wallets"`
	External      bool                      `json:"external_signer" help:"always false: not supported"`
	Blank         bool                      `json:"blank" help:"whether it was made without keys"`
	Birthtime     int64                     `json:"birthtime" help:"before which no payment is looked for, in seconds since 1970"`
	Flags         []string                  `json:"flags" help:"what it was made as, by Core's names"`
	Seeded        bool                      `json:"mnemonic" help:"whether it has a seed phrase (mnemonic)"`
	LastProcessed ProcessedBlock            `json:"lastprocessedblock" help:"the block that it stands on"`
	Warnings      []string                  `json:"warnings,omitempty" help:"what keeps it from following the chain, so that it does not know what it has"`
}

// Mnemonic is the result of getwalletmnemonic.
type Mnemonic struct {
	Mnemonic string `json:"mnemonic" help:"the seed phrase"`
	Extra    bool   `json:"passphrase_needed" help:"whether it restores the wallet only together with the passphrase that it was made with"`
}

// Rescan is the result of rescanblockchain.
type Rescan struct {
	Start int32 `json:"start_height" help:"height of the first block that was read"`
	Stop  int32 `json:"stop_height" help:"height of the last block that was read"`
}

// TxDetail is an output of a transaction as the wallet sees it, in the results
// of gettransaction, listtransactions and listsinceblock.
type TxDetail struct {
	Address     string   `json:"address,omitempty" help:"the address that it pays to, if there is one"`
	ParentDescs []string `json:"parent_descs,omitempty" help:"the wallet's descriptors that it belongs to"`
	Category    string   `json:"category" help:"send, receive, generate, immature or orphan"`
	Amount      Amount   `json:"amount" help:"its amount in coins; below zero for send"`
	Label       *string  `json:"label,omitempty" help:"the address's label; left out if it has none"`
	Vout        int      `json:"vout" help:"the output's place in the transaction"`
	Fee         *Amount  `json:"fee,omitempty" help:"what the transaction pays, in coins, below zero; only for send"`
	Abandoned   bool     `json:"abandoned" help:"whether the transaction was given up"`
}

// WalletTxInfo is what there is to say about a transaction of the wallet, in
// the results of gettransaction, listtransactions and listsinceblock.
type WalletTxInfo struct {
	Confirmations int32       `json:"confirmations" help:"blocks from that of the transaction to the tip, both counted; 0 if it is unconfirmed; below zero if a block holds another that spends the same"`
	Generated     bool        `json:"generated,omitempty" help:"whether it is a coinbase"`
	Trusted       *bool       `json:"trusted,omitempty" help:"whether it is the wallet's own; only if it is unconfirmed"`
	BlockHash     *wire.Hash  `json:"blockhash,omitempty" help:"hash of the block that holds it; left out, as what else is about that block, if it is unconfirmed"`
	BlockHeight   *int32      `json:"blockheight,omitempty" help:"height of that block"`
	BlockIndex    *int32      `json:"blockindex,omitempty" help:"its place in that block; the coinbase has 0"`
	BlockTime     *int64      `json:"blocktime,omitempty" help:"time of that block, in seconds since 1970"`
	TxID          wire.Hash   `json:"txid" help:"the transaction's id"`
	WTxID         wire.Hash   `json:"wtxid" help:"the id with witness"`
	Conflicts     []wire.Hash `json:"walletconflicts" help:"ids of others of the wallet that spend the same"`
	ReplacedBy    *wire.Hash  `json:"replaced_by_txid,omitempty" help:"id of the one that it was replaced by, with a higher fee"`
	Replaces      *wire.Hash  `json:"replaces_txid,omitempty" help:"id of the one that it replaces"`
	PoolConflicts []wire.Hash `json:"mempoolconflicts" help:"ids of unconfirmed ones that the node has and that keep this one, or what it builds on, from confirming"`
	To            string      `json:"to,omitempty" help:"whom it is for, as the sender noted"`
	Time          int64       `json:"time" help:"when the wallet first saw it, in seconds since 1970"`
	TimeReceived  int64       `json:"timereceived" help:"the same"`
	Comment       string      `json:"comment,omitempty" help:"what it is for, as the sender noted"`
	Replaceable   string      `json:"bip125-replaceable" help:"whether it or an ancestor says that it may be replaced: yes, no or unknown"`
}

// HistoryEntry is a payment in the results of listtransactions and
// listsinceblock.
type HistoryEntry struct {
	TxDetail
	WalletTxInfo
}

// WalletTx is the result of gettransaction.
type WalletTx struct {
	Amount Amount  `json:"amount" help:"what it brings the wallet, the fee left out, in coins"`
	Fee    *Amount `json:"fee,omitempty" help:"what it pays, in coins, below zero; only of the wallet's own payments"`
	WalletTxInfo
	Details []TxDetail     `json:"details" help:"its outputs that matter to the wallet"`
	Hex     jsonrpc.Hex    `json:"hex" help:"the transaction's bytes"`
	Decoded *Tx            `json:"decoded,omitempty" help:"the transaction; only if verbose is set"`
	Last    ProcessedBlock `json:"lastprocessedblock" help:"the block that all this is of"`
}

// ImportResult is a descriptor in the result of importdescriptors.
type ImportResult struct {
	Success  bool           `json:"success" help:"whether it was imported"`
	Warnings []string       `json:"warnings,omitempty" help:"what to know about it"`
	Error    *jsonrpc.Error `json:"error,omitempty" help:"why it was not imported"`
}

// AddressInfo is the result of getaddressinfo.
type AddressInfo struct {
	Address        string      `json:"address" help:"the address as it is usually written"`
	Script         jsonrpc.Hex `json:"scriptPubKey" help:"the script that pays to it"`
	Mine           bool        `json:"ismine" help:"whether it is the wallet's"`
	Solvable       bool        `json:"solvable" help:"whether the wallet knows all but, perhaps, the keys"`
	Desc           string      `json:"desc,omitempty" help:"a descriptor of it; only if it is solvable"`
	ParentDesc     string      `json:"parent_desc,omitempty" help:"the wallet's descriptor that it comes from"`
	WatchOnly      bool        `json:"iswatchonly" help:"always false"`
	IsScript       *bool       `json:"isscript,omitempty" help:"whether it stands for a script; left out if nobody knows"`
	IsChange       bool        `json:"ischange" help:"whether it is for change"`
	IsWitness      bool        `json:"iswitness" help:"whether it is a witness program"`
	WitnessVersion *int        `json:"witness_version,omitempty" help:"the program's version; only of witness programs"`
	WitnessProgram jsonrpc.Hex `json:"witness_program,omitempty" help:"the program; only of witness programs"`
	ScriptType     string      `json:"script,omitempty" help:"the standard form of the script behind a script hash"`
	ScriptHex      jsonrpc.Hex `json:"hex,omitempty" help:"that script"`
	PubKey         jsonrpc.Hex `json:"pubkey,omitempty" help:"the public key; only if there is one"`
	Compressed     *bool       `json:"iscompressed,omitempty" help:"whether the public key is compressed"`
	Timestamp      *int64      `json:"timestamp,omitempty" help:"when its key was made, as far as is known, in seconds since 1970"`
	KeyPath        string      `json:"hdkeypath,omitempty" help:"the way from the master key to the key"`
	MasterKey      string      `json:"hdmasterfingerprint,omitempty" help:"fingerprint of the master key, in hexadecimal digits"`
	Labels         []string    `json:"labels" help:"its label, or none"`
}

// AddressPurpose is an address in the result of getaddressesbylabel.
type AddressPurpose struct {
	Purpose string `json:"purpose" help:"receive for the wallet's own addresses, send for others"`
}

// WalletDescriptor is a descriptor in the result of listdescriptors.
type WalletDescriptor struct {
	Desc      string   `json:"desc" help:"the descriptor, with its checksum"`
	Timestamp int64    `json:"timestamp" help:"before which nothing was paid to it, in seconds since 1970"`
	Active    bool     `json:"active" help:"whether new addresses come from it"`
	Internal  *bool    `json:"internal,omitempty" help:"whether these are for change; only if it is active"`
	Range     *[]int32 `json:"range,omitempty" help:"the first and the last index that is watched; only if it has a range"`
	Next      *int32   `json:"next,omitempty" help:"the next index to give out; only if it has a range"`
	NextIndex *int32   `json:"next_index,omitempty" help:"the same"`
}

// WalletDescriptors is the result of listdescriptors.
type WalletDescriptors struct {
	Wallet      string             `json:"wallet_name" help:"what the wallet is called"`
	Descriptors []WalletDescriptor `json:"descriptors" help:"its descriptors"`
}

// FundedTx is the result of fundrawtransaction.
type FundedTx struct {
	Hex    jsonrpc.Hex `json:"hex" help:"the transaction's bytes"`
	Fee    Amount      `json:"fee" help:"what it pays, in coins"`
	Change int         `json:"changepos" help:"the place of the output with the change, or -1"`
}

// FundedPSBT is the result of walletcreatefundedpsbt.
type FundedPSBT struct {
	PSBT   string `json:"psbt" help:"the partially signed transaction in base64"`
	Fee    Amount `json:"fee" help:"what it pays, in coins"`
	Change int    `json:"changepos" help:"the place of the output with the change, or -1"`
}

// Simulated is the result of simulaterawtransaction.
type Simulated struct {
	Change Amount `json:"balance_change" help:"by how much the wallet would have more, in coins; below zero if less"`
}

// Sent is the result of sendtoaddress and sendmany if verbose is set.
type Sent struct {
	TxID   wire.Hash `json:"txid" help:"the transaction's id"`
	Reason string    `json:"fee_reason" help:"where the fee rate comes from"`
}

// SendResult is the result of send and sendall.
type SendResult struct {
	Complete bool        `json:"complete" help:"whether it has all signatures"`
	TxID     *wire.Hash  `json:"txid,omitempty" help:"the transaction's id; only if it is complete"`
	Hex      jsonrpc.Hex `json:"hex,omitempty" help:"the transaction's bytes; only if it is complete and was not sent"`
	PSBT     string      `json:"psbt,omitempty" help:"the same as a partially signed transaction in base64; only if it was not sent"`
	Fee      *Amount     `json:"fee,omitempty" help:"what it pays for itself, in coins"`
}

// BumpResult is the result of bumpfee and psbtbumpfee.
type BumpResult struct {
	TxID   *wire.Hash `json:"txid,omitempty" help:"id of the new transaction; only for bumpfee"`
	PSBT   string     `json:"psbt,omitempty" help:"the new transaction, unsigned, in base64; only for psbtbumpfee"`
	OldFee Amount     `json:"origfee" help:"what the old one pays, in coins"`
	Fee    Amount     `json:"fee" help:"what the new one pays, in coins"`
	Errors []string   `json:"errors" help:"always empty: errors are errors of the call"`
}

// SinceBlock is the result of listsinceblock.
type SinceBlock struct {
	Transactions []HistoryEntry `json:"transactions" help:"the payments, the oldest first"`
	Removed      []HistoryEntry `json:"removed,omitempty" help:"those that were only in blocks that left the chain"`
	LastBlock    wire.Hash      `json:"lastblock" help:"to be given as blockhash the next time"`
}
