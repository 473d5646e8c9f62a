package rpc

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"starling/address"
	"starling/params"
	"starling/script"
)

// Descriptors name scripts by text (BIP380 to BIP386). Only those without
// extended keys are known here.

const (
	// descriptorChars are the characters of descriptors, in the order that
	// gives each a number for the checksum (BIP380).
	descriptorChars = "0123456789()[],'/*abcdefgh@:$%{}" +
		"IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~" +
		"ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
	// checksumChars are those of the checksum itself.
	checksumChars = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	checksumLen   = 8
)

// descriptorPoly folds one symbol into the checksum (BIP380).
func descriptorPoly(c uint64, symbol uint64) uint64 {
	top := c >> 35
	c = (c&0x7ffffffff)<<5 ^ symbol
	for i, g := range [...]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd} {
		if top>>i&1 == 1 {
			c ^= g
		}
	}
	return c
}

// descriptorChecksum returns the checksum of a descriptor, or "" if it has a
// character that no descriptor has.
func descriptorChecksum(s string) string {
	c, class, count := uint64(1), uint64(0), 0
	for i := range len(s) {
		at := strings.IndexByte(descriptorChars, s[i])
		if at < 0 {
			return ""
		}
		c = descriptorPoly(c, uint64(at)&31)
		class = class*3 + uint64(at)>>5
		if count++; count == 3 {
			c = descriptorPoly(c, class)
			class, count = 0, 0
		}
	}
	if count > 0 {
		c = descriptorPoly(c, class)
	}
	for range checksumLen {
		c = descriptorPoly(c, 0)
	}
	c ^= 1
	out := make([]byte, checksumLen)
	for i := range out {
		out[i] = checksumChars[c>>(5*(checksumLen-1-i))&31]
	}
	return string(out)
}

func withChecksum(s string) string { return s + "#" + descriptorChecksum(s) }

// inferDescriptor returns the descriptor of a script, as far as the script
// alone tells what it is.
func inferDescriptor(s []byte, class script.Class, parts [][]byte, net *params.Network) string {
	switch class {
	case script.PubKey:
		if plainKey(parts[0]) {
			return withChecksum("pk(" + hex.EncodeToString(parts[0]) + ")")
		}
	case script.MultiSig:
		keys := parts[1 : len(parts)-1]
		words := []string{strconv.Itoa(int(parts[0][0]))}
		for _, k := range keys {
			if plainKey(k) {
				words = append(words, hex.EncodeToString(k))
			}
		}
		if len(words) == len(keys)+1 {
			return withChecksum("multi(" + strings.Join(words, ",") + ")")
		}
	case script.WitnessV1Taproot:
		if _, err := schnorr.ParsePubKey(parts[0]); err == nil {
			return withChecksum("rawtr(" + hex.EncodeToString(parts[0]) + ")")
		}
	}
	if a, ok := address.FromScript(s, net); ok {
		return withChecksum("addr(" + a.String() + ")")
	}
	return withChecksum("raw(" + hex.EncodeToString(s) + ")")
}

// plainKey reports whether a key is a point in one of the two forms that
// descriptors know.
func plainKey(key []byte) bool {
	if len(key) == 0 || key[0] != 2 && key[0] != 3 && key[0] != 4 {
		return false
	}
	_, err := btcec.ParsePubKey(key)
	return err == nil
}

// descriptorScripts returns the scripts that a descriptor stands for; only
// combo() has more than one.
func descriptorScripts(desc string, net *params.Network) ([][]byte, error) {
	body, sum, has := strings.Cut(desc, "#")
	if has {
		want := descriptorChecksum(body)
		switch {
		case len(sum) != checksumLen:
			return nil, Errorf(CodeInvalidAddress, "Expected 8 character checksum, not %d characters", len(sum))
		case want == "":
			return nil, Errorf(CodeInvalidAddress, "Invalid characters in payload")
		case sum != want:
			return nil, Errorf(CodeInvalidAddress, "Provided checksum '%s' does not match computed checksum '%s'", sum, want)
		}
	}
	return parseDescriptor(body, net, 0)
}

// maxDescriptorDepth is how deep functions may nest: sh(wsh(multi())).
const maxDescriptorDepth = 3

func parseDescriptor(s string, net *params.Network, depth int) ([][]byte, error) {
	name, args, ok := strings.Cut(s, "(")
	if !ok || !strings.HasSuffix(args, ")") || depth >= maxDescriptorDepth {
		return nil, Errorf(CodeInvalidAddress, "'%s' is not a valid descriptor function", s)
	}
	args = args[:len(args)-1]
	top := depth == 0
	one := func(s []byte) [][]byte { return [][]byte{s} }
	switch name {
	case "raw":
		b, err := hex.DecodeString(args)
		if !top || err != nil {
			return nil, Errorf(CodeInvalidAddress, "Raw script is not hex")
		}
		return one(b), nil
	case "addr":
		a, err := address.Decode(args, net)
		if !top || err != nil {
			return nil, Errorf(CodeInvalidAddress, "Address is not valid")
		}
		return one(a.Script()), nil
	case "rawtr", "tr":
		if !top {
			return nil, Errorf(CodeInvalidAddress, "Can only have %s at top level", name)
		}
		return taprootScript(name, args)
	case "sh", "wsh":
		if name == "sh" && !top {
			return nil, Errorf(CodeInvalidAddress, "Can only have sh() at top level")
		}
		inner, err := parseDescriptor(args, net, depth+1)
		if err != nil {
			return nil, err
		}
		if name == "sh" {
			return one(script.PayToScriptHash(address.Hash160(inner[0]))), nil
		}
		return one(script.PayToWitness(0, sha(inner[0]))), nil
	case "multi", "sortedmulti":
		return multiScript(name == "sortedmulti", args)
	case "pk", "pkh", "wpkh", "combo":
		key, err := descriptorKey(args)
		if err != nil {
			return nil, err
		}
		return keyScripts(name, key, top)
	}
	return nil, Errorf(CodeInvalidAddress, "'%s' is not a valid descriptor function", s)
}

// keyScripts returns the scripts of the functions that take one key.
func keyScripts(name string, key []byte, top bool) ([][]byte, error) {
	hash := address.Hash160(key)
	pk, pkh, wpkh := script.PayToPubKey(key), script.PayToPubKeyHash(hash), script.PayToWitness(0, hash[:])
	compressed := len(key) == btcec.PubKeyBytesLenCompressed
	switch {
	case name == "pk":
		return [][]byte{pk}, nil
	case name == "pkh":
		return [][]byte{pkh}, nil
	case name == "wpkh" && compressed:
		return [][]byte{wpkh}, nil
	case name == "wpkh":
		return nil, Errorf(CodeInvalidAddress, "wpkh(): Uncompressed keys are not allowed")
	case !top:
		return nil, Errorf(CodeInvalidAddress, "Can only have combo() at top level")
	case !compressed:
		return [][]byte{pk, pkh}, nil
	}
	return [][]byte{pk, pkh, wpkh, script.PayToScriptHash(address.Hash160(wpkh))}, nil
}
