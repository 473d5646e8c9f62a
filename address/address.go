package address

import (
	"crypto/sha256"
	"fmt"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
	//lint:ignore SA1019 the protocol asks for this hash
	"golang.org/x/crypto/ripemd160"

	"starling/params"
)

// Kind is what an address pays to.
type Kind uint8

// The kinds of addresses.
const (
	PubKeyHash        Kind = iota + 1 // the hash of a public key
	ScriptHash                        // the hash of a script (BIP16)
	WitnessPubKeyHash                 // the hash of a public key, spent by witness (BIP141)
	WitnessScriptHash                 // the hash of a script, spent by witness (BIP141)
	Taproot                           // an output key (BIP341)
	Anchor                            // anyone: a place to attach fees to (pay to anchor)
	WitnessUnknown                    // a witness program that has no meaning yet
)

// String returns the name that Bitcoin Core gives to scripts of this kind.
func (k Kind) String() string {
	switch k {
	case PubKeyHash:
		return "pubkeyhash"
	case ScriptHash:
		return "scripthash"
	case WitnessPubKeyHash:
		return "witness_v0_keyhash"
	case WitnessScriptHash:
		return "witness_v0_scripthash"
	case Taproot:
		return "witness_v1_taproot"
	case Anchor:
		return "anchor"
	case WitnessUnknown:
		return "witness_unknown"
	default:
		return "none"
	}
}

// Sizes in bytes of what addresses carry.
const (
	HashSize       = 20 // of a public key or script hash
	MinProgramSize = 2  // of a witness program (BIP141)
	MaxProgramSize = 40 // of a witness program (BIP141)
	maxWitness     = 16 // the highest witness version
)

// Address is an address of one network. It is a comparable value; two are
// equal if they have the same text. The zero value is no address.
type Address struct {
	kind    Kind
	prefix  byte   // of base58
	hrp     string // of bech32; empty for base58
	version uint8  // of the witness program
	size    uint8
	payload [MaxProgramSize]byte
}

// anchorProgram is the witness program, of version 1, of pay to anchor.
var anchorProgram = [2]byte{0x4e, 0x73}

// NewPubKeyHash returns the address of a public key's [Hash160].
func NewPubKeyHash(hash [HashSize]byte, net *params.Network) Address {
	return newBase58(PubKeyHash, net.PubKeyHashPrefix, hash[:])
}

// NewScriptHash returns the address of a script's [Hash160].
func NewScriptHash(hash [HashSize]byte, net *params.Network) Address {
	return newBase58(ScriptHash, net.ScriptHashPrefix, hash[:])
}

func newBase58(kind Kind, prefix byte, hash []byte) Address {
	a := Address{kind: kind, prefix: prefix, size: HashSize}
	copy(a.payload[:], hash)
	return a
}

// NewWitness returns the address of a witness program. The error is an
// [*Error] for versions above 16 and sizes that BIP141 does not allow.
func NewWitness(version int, program []byte, net *params.Network) (Address, error) {
	return newWitness(version, program, net.Bech32HRP)
}

func newWitness(version int, program []byte, hrp string) (Address, error) {
	n := len(program)
	if version < 0 || version > maxWitness {
		return Address{}, &Error{Reason: "Invalid Bech32 address witness version"}
	}
	if version == 0 && n != HashSize && n != sha256.Size {
		return Address{}, &Error{Reason: fmt.Sprintf(
			"Invalid Bech32 v0 address program size (%d %s), per BIP141", n, plural(n, "byte"))}
	}
	if n < MinProgramSize || n > MaxProgramSize {
		return Address{}, &Error{Reason: fmt.Sprintf(
			"Invalid Bech32 address program size (%d %s)", n, plural(n, "byte"))}
	}
	a := Address{kind: WitnessUnknown, hrp: hrp, version: uint8(version), size: uint8(n)}
	copy(a.payload[:], program)
	switch {
	case version == 0 && n == HashSize:
		a.kind = WitnessPubKeyHash
	case version == 0:
		a.kind = WitnessScriptHash
	case version == 1 && n == 32:
		a.kind = Taproot
	case version == 1 && n == len(anchorProgram) && [2]byte(program) == anchorProgram:
		a.kind = Anchor
	}
	return a, nil
}

// Kind returns what the address pays to.
func (a Address) Kind() Kind { return a.kind }

// Witness returns the version and program of a witness address; ok is false
// for others.
func (a Address) Witness() (version int, program []byte, ok bool) {
	if a.hrp == "" {
		return 0, nil, false
	}
	return int(a.version), a.Payload(), true
}

// Payload returns a copy of the hash, key or witness program.
func (a Address) Payload() []byte { return append([]byte(nil), a.payload[:a.size]...) }

// String returns the address as people write it; the zero value gives "".
func (a Address) String() string {
	switch {
	case a.kind == 0:
		return ""
	case a.hrp == "":
		return base58.CheckEncode(a.payload[:a.size], a.prefix)
	}
	// Neither call can fail: the program is made of bytes, the result of
	// numbers below 32.
	five, _ := bech32.ConvertBits(a.payload[:a.size], 8, 5, true)
	data := append([]byte{a.version}, five...)
	encode := bech32.EncodeM
	if a.version == 0 {
		encode = bech32.Encode
	}
	s, _ := encode(a.hrp, data)
	return s
}

// Hash160 returns RIPEMD-160(SHA-256(b)), the hash of public keys and of
// scripts that are not witness programs.
func Hash160(b []byte) (out [HashSize]byte) {
	sum := sha256.Sum256(b)
	h := ripemd160.New()
	h.Write(sum[:])
	h.Sum(out[:0])
	return out
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
