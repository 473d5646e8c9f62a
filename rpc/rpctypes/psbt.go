package rpctypes

import "starling/rpc/jsonrpc"

// FinalizedPSBT is the result of finalizepsbt.
type FinalizedPSBT struct {
	PSBT     string      `json:"psbt,omitempty" help:"the partially signed transaction in base64, unless it was extracted"`
	Hex      jsonrpc.Hex `json:"hex,omitempty" help:"the signed transaction, if it was extracted"`
	Complete bool        `json:"complete" help:"whether all inputs are final"`
}

// PSBTMissing is what an input lacks, in the result of analyzepsbt.
type PSBTMissing struct {
	PubKeys []jsonrpc.Hex `json:"pubkeys,omitempty" help:"HASH160 of public keys that are not known"`
	Sigs    []jsonrpc.Hex `json:"signatures,omitempty" help:"HASH160 of public keys whose signatures are missing"`
	Redeem  jsonrpc.Hex   `json:"redeemscript,omitempty" help:"HASH160 of a redeem script that is missing"`
	Witness jsonrpc.Hex   `json:"witnessscript,omitempty" help:"SHA-256 of a witness script that is missing"`
}

// PSBTInputAnalysis is an input in the result of analyzepsbt.
type PSBTInputAnalysis struct {
	HasSpent bool         `json:"has_utxo" help:"whether it is known what the input spends"`
	Final    bool         `json:"is_final" help:"whether the input is final"`
	Missing  *PSBTMissing `json:"missing,omitempty" help:"what it lacks; left out for nothing"`
	Next     string       `json:"next,omitempty" help:"who has to do something next: updater, signer, finalizer or extractor"`
}

// PSBTAnalysis is the result of analyzepsbt.
type PSBTAnalysis struct {
	Inputs  []PSBTInputAnalysis `json:"inputs,omitempty" help:"the inputs, in order"`
	VSize   *int                `json:"estimated_vsize,omitempty" help:"size of the signed transaction in virtual bytes; left out if nobody can know"`
	FeeRate *Amount             `json:"estimated_feerate,omitempty" help:"its fee rate in coins for 1,000 virtual bytes; left out if nobody can know"`
	Fee     *Amount             `json:"fee,omitempty" help:"what it pays, in coins; only if it is known what all inputs spend"`
	Next    string              `json:"next" help:"who has to do something next: creator, updater, signer, finalizer or extractor"`
	Error   string              `json:"error,omitempty" help:"what is wrong with it, if anything"`
}

// PSBTScript is a redeem or witness script in the result of decodepsbt.
type PSBTScript struct {
	Asm  string      `json:"asm" help:"the script as text"`
	Hex  jsonrpc.Hex `json:"hex" help:"the script's bytes"`
	Type string      `json:"type" help:"its standard form, or nonstandard"`
}

// PSBTSpentOutput is an output that an input spends, in the result of
// decodepsbt.
type PSBTSpentOutput struct {
	Amount Amount `json:"amount" help:"its amount, in coins"`
	Script Script `json:"scriptPubKey" help:"the script that it pays to"`
}

// PSBTKey says where a key comes from, in the result of decodepsbt.
type PSBTKey struct {
	PubKey      jsonrpc.Hex `json:"pubkey" help:"the public key"`
	Fingerprint string      `json:"master_fingerprint" help:"fingerprint of the master key, in hexadecimal digits"`
	Path        string      `json:"path" help:"the way from the master key"`
}

// PSBTTapKey is a [PSBTKey] of taproot.
type PSBTTapKey struct {
	PSBTKey
	Leaves []jsonrpc.Hex `json:"leaf_hashes" help:"hashes of the leaves that hold the key"`
}

// PSBTXPub is an extended key in the result of decodepsbt.
type PSBTXPub struct {
	XPub        string `json:"xpub" help:"the extended public key"`
	Fingerprint string `json:"master_fingerprint" help:"fingerprint of the master key, in hexadecimal digits"`
	Path        string `json:"path" help:"the way from the master key"`
}

// PSBTTapSig is a signature for a leaf of taproot, in the result of decodepsbt.
type PSBTTapSig struct {
	PubKey jsonrpc.Hex `json:"pubkey" help:"x coordinate of the public key"`
	Leaf   jsonrpc.Hex `json:"leaf_hash" help:"hash of the leaf"`
	Sig    jsonrpc.Hex `json:"sig" help:"the signature"`
}

// PSBTTapScript is a script of taproot that an input may use, in the result of
// decodepsbt.
type PSBTTapScript struct {
	Script   jsonrpc.Hex   `json:"script" help:"the script"`
	Version  byte          `json:"leaf_ver" help:"the leaf's version"`
	Controls []jsonrpc.Hex `json:"control_blocks" help:"proofs of the places that it has in the tree"`
}

// PSBTTapLeaf is a leaf of an output's tree, in the result of decodepsbt.
type PSBTTapLeaf struct {
	Depth   int         `json:"depth" help:"how deep in the tree it is; 0 for the root"`
	Version byte        `json:"leaf_ver" help:"the leaf's version"`
	Script  jsonrpc.Hex `json:"script" help:"the leaf's script"`
}

// PSBTProprietary is a field that some program has for itself, in the result of
// decodepsbt.
type PSBTProprietary struct {
	Identifier jsonrpc.Hex `json:"identifier" help:"whose field it is"`
	Subtype    uint64      `json:"subtype" help:"which of that program's fields"`
	Key        jsonrpc.Hex `json:"key" help:"the whole key of the field"`
	Value      jsonrpc.Hex `json:"value" help:"the value"`
}

// PSBTInput is an input in the result of decodepsbt.
type PSBTInput struct {
	Previous     *Tx                      `json:"non_witness_utxo,omitempty" help:"the transaction whose output is spent"`
	Spent        *PSBTSpentOutput         `json:"witness_utxo,omitempty" help:"the output that is spent"`
	Sigs         jsonrpc.Map[jsonrpc.Hex] `json:"partial_signatures,omitempty" key:"pubkey" help:"signatures by public key"`
	HashType     string                   `json:"sighash,omitempty" help:"what signatures must cover"`
	Redeem       *PSBTScript              `json:"redeem_script,omitempty" help:"the script behind the script hash"`
	Witness      *PSBTScript              `json:"witness_script,omitempty" help:"the script behind the witness script hash"`
	Keys         []PSBTKey                `json:"bip32_derivs,omitempty" help:"where keys come from"`
	FinalScript  *ScriptSig               `json:"final_scriptSig,omitempty" help:"the input's final script"`
	FinalWitness []jsonrpc.Hex            `json:"final_scriptwitness,omitempty" help:"the input's final witness stack"`
	RIPEMD160    jsonrpc.Map[jsonrpc.Hex] `json:"ripemd160_preimages,omitempty" key:"hash" help:"what RIPEMD-160 hashes are of"`
	SHA256       jsonrpc.Map[jsonrpc.Hex] `json:"sha256_preimages,omitempty" key:"hash" help:"what SHA-256 hashes are of"`
	HASH160      jsonrpc.Map[jsonrpc.Hex] `json:"hash160_preimages,omitempty" key:"hash" help:"what HASH160 hashes are of"`
	HASH256      jsonrpc.Map[jsonrpc.Hex] `json:"hash256_preimages,omitempty" key:"hash" help:"what HASH256 hashes are of"`
	TapKeySig    jsonrpc.Hex              `json:"taproot_key_path_sig,omitempty" help:"signature with the output's own key"`
	TapSigs      []PSBTTapSig             `json:"taproot_script_path_sigs,omitempty" help:"signatures for leaves"`
	TapScripts   []PSBTTapScript          `json:"taproot_scripts,omitempty" help:"leaves that may be used"`
	TapKeys      []PSBTTapKey             `json:"taproot_bip32_derivs,omitempty" help:"where keys of taproot come from"`
	TapInternal  jsonrpc.Hex              `json:"taproot_internal_key,omitempty" help:"x coordinate of the internal key"`
	TapRoot      jsonrpc.Hex              `json:"taproot_merkle_root,omitempty" help:"root of the tree of leaves"`
	Proprietary  []PSBTProprietary        `json:"proprietary,omitempty" help:"fields that programs have for themselves"`
	Unknown      jsonrpc.Map[jsonrpc.Hex] `json:"unknown,omitempty" key:"key" help:"fields that this node does not know"`
}

// PSBTOutput is an output in the result of decodepsbt.
type PSBTOutput struct {
	Redeem      *PSBTScript              `json:"redeem_script,omitempty" help:"the script behind the script hash"`
	Witness     *PSBTScript              `json:"witness_script,omitempty" help:"the script behind the witness script hash"`
	Keys        []PSBTKey                `json:"bip32_derivs,omitempty" help:"where keys come from"`
	TapInternal jsonrpc.Hex              `json:"taproot_internal_key,omitempty" help:"x coordinate of the internal key"`
	TapTree     []PSBTTapLeaf            `json:"taproot_tree,omitempty" help:"the leaves, in the order of the tree"`
	TapKeys     []PSBTTapKey             `json:"taproot_bip32_derivs,omitempty" help:"where keys of taproot come from"`
	Proprietary []PSBTProprietary        `json:"proprietary,omitempty" help:"fields that programs have for themselves"`
	Unknown     jsonrpc.Map[jsonrpc.Hex] `json:"unknown,omitempty" key:"key" help:"fields that this node does not know"`
}

// PSBT is the result of decodepsbt.
type PSBT struct {
	Tx          Tx                       `json:"tx" help:"the transaction without signatures"`
	XPubs       []PSBTXPub               `json:"global_xpubs" help:"extended keys that keys come from"`
	Version     uint32                   `json:"psbt_version" help:"the version of the format"`
	Proprietary []PSBTProprietary        `json:"proprietary" help:"fields that programs have for themselves"`
	Unknown     jsonrpc.Map[jsonrpc.Hex] `json:"unknown" key:"key" help:"fields that this node does not know"`
	Inputs      []PSBTInput              `json:"inputs" help:"what is known of the inputs, in order"`
	Outputs     []PSBTOutput             `json:"outputs" help:"what is known of the outputs, in order"`
	Fee         *Amount                  `json:"fee,omitempty" help:"what it pays, in coins; only if it is known what all inputs spend"`
}

// ProcessedPSBT is the result of walletprocesspsbt and descriptorprocesspsbt.
type ProcessedPSBT struct {
	PSBT     string      `json:"psbt" help:"the partially signed transaction in base64"`
	Complete bool        `json:"complete" help:"whether all inputs are signed"`
	Hex      jsonrpc.Hex `json:"hex,omitempty" help:"the signed transaction; only if it is complete"`
}
