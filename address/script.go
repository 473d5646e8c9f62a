package address

import (
	"bytes"

	"starling/params"
)

// The opcodes that the scripts below are made of.
const (
	op0           = 0x00
	opPush20      = 0x14
	op1           = 0x51
	op16          = 0x60
	opDup         = 0x76
	opEqual       = 0x87
	opEqualVerify = 0x88
	opHash160     = 0xa9
	opCheckSig    = 0xac
)

var (
	pubKeyHashHead = []byte{opDup, opHash160, opPush20}
	pubKeyHashTail = []byte{opEqualVerify, opCheckSig}
	scriptHashHead = []byte{opHash160, opPush20}
	scriptHashTail = []byte{opEqual}
)

// Script returns the output script that pays the address; nil for the zero
// value.
func (a Address) Script() []byte {
	p := a.payload[:a.size]
	switch {
	case a.kind == 0:
		return nil
	case a.kind == PubKeyHash:
		return bytes.Join([][]byte{pubKeyHashHead, p, pubKeyHashTail}, nil)
	case a.kind == ScriptHash:
		return bytes.Join([][]byte{scriptHashHead, p, scriptHashTail}, nil)
	}
	version := byte(op0)
	if a.version > 0 {
		version = op1 - 1 + a.version
	}
	return append([]byte{version, a.size}, p...)
}

// FromScript returns the address that an output script pays on network net; ok
// is false if no address stands for the script. Scripts that pay to a bare
// public key have none.
func FromScript(script []byte, net *params.Network) (a Address, ok bool) {
	if hash, found := between(script, pubKeyHashHead, pubKeyHashTail); found {
		return NewPubKeyHash(hash, net), true
	}
	if hash, found := between(script, scriptHashHead, scriptHashTail); found {
		return NewScriptHash(hash, net), true
	}
	// A witness program is a version and one push of all the rest (BIP141).
	if len(script) < 2+MinProgramSize || len(script) > 2+MaxProgramSize || int(script[1]) != len(script)-2 {
		return Address{}, false
	}
	version := 0
	switch v := script[0]; {
	case v >= op1 && v <= op16:
		version = int(v) - op1 + 1
	case v != op0:
		return Address{}, false
	}
	a, err := NewWitness(version, script[2:], net)
	return a, err == nil
}

// between returns the hash that stands between head and tail in a script that
// holds nothing else.
func between(script, head, tail []byte) (hash [HashSize]byte, ok bool) {
	if len(script) != len(head)+HashSize+len(tail) || !bytes.HasPrefix(script, head) || !bytes.HasSuffix(script, tail) {
		return hash, false
	}
	return [HashSize]byte(script[len(head):]), true
}
