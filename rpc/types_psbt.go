package rpc

import (
	"starling/script"
	"starling/wallet/partial"
)

type finalized struct {
	PSBT     string `json:"psbt,omitempty" help:"the partially signed transaction, unless it was extracted"`
	Hex      Hex    `json:"hex,omitempty" help:"the signed transaction, if it was extracted"`
	Complete bool   `json:"complete" help:"whether all inputs are final"`
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

type psbtScript struct {
	Asm  string       `json:"asm"`
	Hex  Hex          `json:"hex"`
	Type script.Class `json:"type"`
}

type psbtOutputSpent struct {
	Amount Amount       `json:"amount" help:"in coins"`
	Script scriptResult `json:"scriptPubKey"`
}

type psbtKey struct {
	PubKey      Hex    `json:"pubkey"`
	Fingerprint string `json:"master_fingerprint" help:"of the master key"`
	Path        string `json:"path" help:"from the master key"`
}

type psbtTapKey struct {
	psbtKey
	Leaves []Hex `json:"leaf_hashes" help:"the leaves that hold the key"`
}

type psbtXPub struct {
	XPub        string `json:"xpub"`
	Fingerprint string `json:"master_fingerprint" help:"of the master key"`
	Path        string `json:"path" help:"from the master key"`
}

type psbtTapSig struct {
	PubKey Hex `json:"pubkey" help:"its x coordinate"`
	Leaf   Hex `json:"leaf_hash"`
	Sig    Hex `json:"sig"`
}

type psbtTapScript struct {
	Script   Hex   `json:"script"`
	Version  byte  `json:"leaf_ver"`
	Controls []Hex `json:"control_blocks"`
}

type psbtTapLeaf struct {
	Depth   int  `json:"depth"`
	Version byte `json:"leaf_ver"`
	Script  Hex  `json:"script"`
}

type psbtProprietary struct {
	Identifier Hex    `json:"identifier"`
	Subtype    uint64 `json:"subtype"`
	Key        Hex    `json:"key"`
	Value      Hex    `json:"value"`
}

type psbtInput struct {
	Previous     *txResult         `json:"non_witness_utxo,omitempty" help:"the transaction whose output is spent"`
	Spent        *psbtOutputSpent  `json:"witness_utxo,omitempty" help:"the output that is spent"`
	Sigs         Object            `json:"partial_signatures,omitempty" help:"signatures by public key"`
	HashType     string            `json:"sighash,omitempty" help:"what signatures must cover"`
	Redeem       *psbtScript       `json:"redeem_script,omitempty"`
	Witness      *psbtScript       `json:"witness_script,omitempty"`
	Keys         []psbtKey         `json:"bip32_derivs,omitempty" help:"where keys come from"`
	FinalScript  *scriptSig        `json:"final_scriptSig,omitempty"`
	FinalWitness []Hex             `json:"final_scriptwitness,omitempty"`
	RIPEMD160    Object            `json:"ripemd160_preimages,omitempty"`
	SHA256       Object            `json:"sha256_preimages,omitempty"`
	HASH160      Object            `json:"hash160_preimages,omitempty"`
	HASH256      Object            `json:"hash256_preimages,omitempty"`
	TapKeySig    Hex               `json:"taproot_key_path_sig,omitempty"`
	TapSigs      []psbtTapSig      `json:"taproot_script_path_sigs,omitempty"`
	TapScripts   []psbtTapScript   `json:"taproot_scripts,omitempty"`
	TapKeys      []psbtTapKey      `json:"taproot_bip32_derivs,omitempty"`
	TapInternal  Hex               `json:"taproot_internal_key,omitempty"`
	TapRoot      Hex               `json:"taproot_merkle_root,omitempty"`
	Proprietary  []psbtProprietary `json:"proprietary,omitempty"`
	Unknown      Object            `json:"unknown,omitempty"`
}

type psbtOutput struct {
	Redeem      *psbtScript       `json:"redeem_script,omitempty"`
	Witness     *psbtScript       `json:"witness_script,omitempty"`
	Keys        []psbtKey         `json:"bip32_derivs,omitempty" help:"where keys come from"`
	TapInternal Hex               `json:"taproot_internal_key,omitempty"`
	TapTree     []psbtTapLeaf     `json:"taproot_tree,omitempty"`
	TapKeys     []psbtTapKey      `json:"taproot_bip32_derivs,omitempty"`
	Proprietary []psbtProprietary `json:"proprietary,omitempty"`
	Unknown     Object            `json:"unknown,omitempty"`
}

type decodedPSBT struct {
	Tx          txResult          `json:"tx" help:"the transaction without signatures"`
	XPubs       []psbtXPub        `json:"global_xpubs"`
	Version     uint32            `json:"psbt_version"`
	Proprietary []psbtProprietary `json:"proprietary"`
	Unknown     Object            `json:"unknown"`
	Inputs      []psbtInput       `json:"inputs"`
	Outputs     []psbtOutput      `json:"outputs"`
	Fee         *Amount           `json:"fee,omitempty" help:"in coins, if it is known what all inputs spend"`
}

type processed struct {
	PSBT     string `json:"psbt" help:"the partially signed transaction in base64"`
	Complete bool   `json:"complete" help:"whether all inputs are signed"`
	Hex      Hex    `json:"hex,omitempty" help:"the signed transaction, if it is complete"`
}
