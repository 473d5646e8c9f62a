package rpctypes

import (
	"starling/rpc/jsonrpc"
	"starling/script"
	"starling/wallet/partial"
)

type FinalizedPSBT struct {
	PSBT     string      `json:"psbt,omitempty" help:"the partially signed transaction, unless it was extracted"`
	Hex      jsonrpc.Hex `json:"hex,omitempty" help:"the signed transaction, if it was extracted"`
	Complete bool        `json:"complete" help:"whether all inputs are final"`
}

type PSBTMissing struct {
	PubKeys []jsonrpc.Hex `json:"pubkeys,omitempty" help:"HASH160 of public keys that are not known"`
	Sigs    []jsonrpc.Hex `json:"signatures,omitempty" help:"HASH160 of public keys whose signatures are missing"`
	Redeem  jsonrpc.Hex   `json:"redeemscript,omitempty" help:"HASH160 of a redeem script that is missing"`
	Witness jsonrpc.Hex   `json:"witnessscript,omitempty" help:"SHA-256 of a witness script that is missing"`
}

type PSBTInputAnalysis struct {
	HasSpent bool         `json:"has_utxo" help:"whether it is known what the input spends"`
	Final    bool         `json:"is_final"`
	Missing  *PSBTMissing `json:"missing,omitempty"`
	Next     partial.Role `json:"next,omitempty" help:"who has to do something next"`
}

type PSBTAnalysis struct {
	Inputs  []PSBTInputAnalysis `json:"inputs,omitempty"`
	VSize   *int                `json:"estimated_vsize,omitempty" help:"of the signed transaction, in virtual bytes"`
	FeeRate *Amount             `json:"estimated_feerate,omitempty" help:"in coins for 1,000 virtual bytes"`
	Fee     *Amount             `json:"fee,omitempty" help:"in coins"`
	Next    partial.Role        `json:"next" help:"who has to do something next"`
	Error   string              `json:"error,omitempty"`
}

type PSBTScript struct {
	Asm  string       `json:"asm"`
	Hex  jsonrpc.Hex  `json:"hex"`
	Type script.Class `json:"type"`
}

type PSBTSpentOutput struct {
	Amount Amount `json:"amount" help:"in coins"`
	Script Script `json:"scriptPubKey"`
}

type PSBTKey struct {
	PubKey      jsonrpc.Hex `json:"pubkey"`
	Fingerprint string      `json:"master_fingerprint" help:"of the master key"`
	Path        string      `json:"path" help:"from the master key"`
}

type PSBTTapKey struct {
	PSBTKey
	Leaves []jsonrpc.Hex `json:"leaf_hashes" help:"the leaves that hold the key"`
}

type PSBTXPub struct {
	XPub        string `json:"xpub"`
	Fingerprint string `json:"master_fingerprint" help:"of the master key"`
	Path        string `json:"path" help:"from the master key"`
}

type PSBTTapSig struct {
	PubKey jsonrpc.Hex `json:"pubkey" help:"its x coordinate"`
	Leaf   jsonrpc.Hex `json:"leaf_hash"`
	Sig    jsonrpc.Hex `json:"sig"`
}

type PSBTTapScript struct {
	Script   jsonrpc.Hex   `json:"script"`
	Version  byte          `json:"leaf_ver"`
	Controls []jsonrpc.Hex `json:"control_blocks"`
}

type PSBTTapLeaf struct {
	Depth   int         `json:"depth"`
	Version byte        `json:"leaf_ver"`
	Script  jsonrpc.Hex `json:"script"`
}

type PSBTProprietary struct {
	Identifier jsonrpc.Hex `json:"identifier"`
	Subtype    uint64      `json:"subtype"`
	Key        jsonrpc.Hex `json:"key"`
	Value      jsonrpc.Hex `json:"value"`
}

type PSBTInput struct {
	Previous     *Tx               `json:"non_witness_utxo,omitempty" help:"the transaction whose output is spent"`
	Spent        *PSBTSpentOutput  `json:"witness_utxo,omitempty" help:"the output that is spent"`
	Sigs         jsonrpc.Object    `json:"partial_signatures,omitempty" help:"signatures by public key"`
	HashType     string            `json:"sighash,omitempty" help:"what signatures must cover"`
	Redeem       *PSBTScript       `json:"redeem_script,omitempty"`
	Witness      *PSBTScript       `json:"witness_script,omitempty"`
	Keys         []PSBTKey         `json:"bip32_derivs,omitempty" help:"where keys come from"`
	FinalScript  *ScriptSig        `json:"final_scriptSig,omitempty"`
	FinalWitness []jsonrpc.Hex     `json:"final_scriptwitness,omitempty"`
	RIPEMD160    jsonrpc.Object    `json:"ripemd160_preimages,omitempty"`
	SHA256       jsonrpc.Object    `json:"sha256_preimages,omitempty"`
	HASH160      jsonrpc.Object    `json:"hash160_preimages,omitempty"`
	HASH256      jsonrpc.Object    `json:"hash256_preimages,omitempty"`
	TapKeySig    jsonrpc.Hex       `json:"taproot_key_path_sig,omitempty"`
	TapSigs      []PSBTTapSig      `json:"taproot_script_path_sigs,omitempty"`
	TapScripts   []PSBTTapScript   `json:"taproot_scripts,omitempty"`
	TapKeys      []PSBTTapKey      `json:"taproot_bip32_derivs,omitempty"`
	TapInternal  jsonrpc.Hex       `json:"taproot_internal_key,omitempty"`
	TapRoot      jsonrpc.Hex       `json:"taproot_merkle_root,omitempty"`
	Proprietary  []PSBTProprietary `json:"proprietary,omitempty"`
	Unknown      jsonrpc.Object    `json:"unknown,omitempty"`
}

type PSBTOutput struct {
	Redeem      *PSBTScript       `json:"redeem_script,omitempty"`
	Witness     *PSBTScript       `json:"witness_script,omitempty"`
	Keys        []PSBTKey         `json:"bip32_derivs,omitempty" help:"where keys come from"`
	TapInternal jsonrpc.Hex       `json:"taproot_internal_key,omitempty"`
	TapTree     []PSBTTapLeaf     `json:"taproot_tree,omitempty"`
	TapKeys     []PSBTTapKey      `json:"taproot_bip32_derivs,omitempty"`
	Proprietary []PSBTProprietary `json:"proprietary,omitempty"`
	Unknown     jsonrpc.Object    `json:"unknown,omitempty"`
}

type PSBT struct {
	Tx          Tx                `json:"tx" help:"the transaction without signatures"`
	XPubs       []PSBTXPub        `json:"global_xpubs"`
	Version     uint32            `json:"psbt_version"`
	Proprietary []PSBTProprietary `json:"proprietary"`
	Unknown     jsonrpc.Object    `json:"unknown"`
	Inputs      []PSBTInput       `json:"inputs"`
	Outputs     []PSBTOutput      `json:"outputs"`
	Fee         *Amount           `json:"fee,omitempty" help:"in coins, if it is known what all inputs spend"`
}

type ProcessedPSBT struct {
	PSBT     string      `json:"psbt" help:"the partially signed transaction in base64"`
	Complete bool        `json:"complete" help:"whether all inputs are signed"`
	Hex      jsonrpc.Hex `json:"hex,omitempty" help:"the signed transaction, if it is complete"`
}
