package address

import (
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"

	"starling/params"
)

// Error says why a text is not an address. Its reasons are those that Bitcoin
// Core gives where it has one.
type Error struct{ Reason string }

// Error implements the error interface.
func (e *Error) Error() string { return e.Reason }

// NetworkError says that a text is an address, but of another network.
type NetworkError struct {
	Networks []string // built-in networks that have such addresses; never empty
	Want     string   // name of the network that was asked for
}

// Error implements the error interface.
func (e *NetworkError) Error() string {
	return fmt.Sprintf("this is an address of %s, this node is on %s", list(e.Networks), e.Want)
}

// list joins names as in "a, b or c".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// maxLength is the longest text that can be an address, in characters
// (BIP173). It also bounds the work of base58, which grows with the square of
// the length.
const maxLength = 90

// Decode reads an address of network net. The error is a [*NetworkError] for
// an address of another of Bitcoin's networks, and an [*Error] for what is no
// address at all.
func Decode(s string, net *params.Network) (Address, error) {
	if len(s) > maxLength {
		return Address{}, &Error{Reason: "Invalid or unsupported Segwit (Bech32) or Base58 encoding."}
	}
	// The four bytes of checksum make it all but impossible for a text to be
	// sound in both encodings, so the order does not matter.
	if payload, prefix, err := base58.CheckDecode(s); err == nil {
		return fromBase58(payload, prefix, net)
	}
	hrp, data, check, err := bech32.DecodeGeneric(s)
	if err != nil {
		return Address{}, explain(s, net, err)
	}
	return fromBech32(hrp, data, check, net)
}

func fromBase58(payload []byte, prefix byte, net *params.Network) (Address, error) {
	mine := prefix == net.PubKeyHashPrefix || prefix == net.ScriptHashPrefix
	if mine && len(payload) != HashSize {
		return Address{}, &Error{Reason: "Invalid length for Base58 address (P2PKH or P2SH)"}
	}
	switch {
	case mine && prefix == net.PubKeyHashPrefix:
		return NewPubKeyHash([HashSize]byte(payload), net), nil
	case mine:
		return NewScriptHash([HashSize]byte(payload), net), nil
	}
	if len(payload) == HashSize {
		if err := elsewhere(net, func(o *params.Network) bool {
			return prefix == o.PubKeyHashPrefix || prefix == o.ScriptHashPrefix
		}); err != nil {
			return Address{}, err
		}
	}
	return Address{}, &Error{Reason: "Invalid or unsupported Base58-encoded address."}
}

func fromBech32(hrp string, data []byte, check bech32.Version, net *params.Network) (Address, error) {
	if len(data) == 0 {
		return Address{}, &Error{Reason: "Empty Bech32 data section"}
	}
	a, err := witness(hrp, data, check)
	if hrp == net.Bech32HRP {
		return a, err
	}
	if err == nil {
		if other := elsewhere(net, func(o *params.Network) bool { return hrp == o.Bech32HRP }); other != nil {
			return Address{}, other
		}
	}
	return Address{}, &Error{Reason: fmt.Sprintf(
		"Invalid or unsupported prefix for Segwit (Bech32) address (expected %s, got %s).", net.Bech32HRP, hrp)}
}

// witness reads the data part, a version and a program in groups of five bits.
func witness(hrp string, data []byte, check bech32.Version) (Address, error) {
	version := int(data[0])
	if version == 0 && check != bech32.Version0 {
		return Address{}, &Error{Reason: "Version 0 witness address must use Bech32 checksum"}
	}
	if version != 0 && check != bech32.VersionM {
		return Address{}, &Error{Reason: "Version 1+ witness address must use Bech32m checksum"}
	}
	program, err := bech32.ConvertBits(data[1:], 5, 8, false)
	if err != nil {
		return Address{}, &Error{Reason: "Invalid padding in Bech32 data section"}
	}
	return newWitness(version, program, hrp)
}

// elsewhere returns an error that names the built-in networks, other than net,
// whose addresses look as has tells; nil if there are none.
func elsewhere(net *params.Network, has func(*params.Network) bool) error {
	var names []string
	for _, name := range params.Names() {
		o, err := params.ByName(name)
		if err == nil && name != net.Name && has(o) {
			names = append(names, name)
		}
	}
	if names == nil {
		return nil
	}
	return &NetworkError{Networks: names, Want: net.Name}
}

// explain finds the best reason for a text that is sound in neither encoding;
// err is why it is not bech32.
func explain(s string, net *params.Network, err error) error {
	if strings.HasPrefix(strings.ToLower(s), net.Bech32HRP) {
		return &Error{Reason: bech32Reason(err)}
	}
	if len(base58.Decode(s)) > 0 {
		return &Error{Reason: "Invalid checksum or length of Base58 address (P2PKH or P2SH)"}
	}
	return &Error{Reason: "Invalid or unsupported Segwit (Bech32) or Base58 encoding."}
}

func bech32Reason(err error) string {
	var (
		length    bech32.ErrInvalidLength
		separator bech32.ErrInvalidSeparatorIndex
		checksum  bech32.ErrInvalidChecksum
		mixed     bech32.ErrMixedCase
		character bech32.ErrInvalidCharacter
		charset   bech32.ErrNonCharsetChar
	)
	switch {
	case errors.As(err, &length):
		return "Bech32 string has an invalid length"
	case errors.As(err, &separator):
		if separator < 0 {
			return "Missing separator"
		}
		return "Invalid separator position"
	case errors.As(err, &checksum):
		return "Invalid Bech32 checksum"
	case errors.As(err, &mixed):
		return "Invalid character or mixed case"
	case errors.As(err, &character):
		return "Invalid character or mixed case"
	case errors.As(err, &charset):
		return "Invalid Base 32 character"
	default:
		return "Invalid Bech32 encoding"
	}
}
