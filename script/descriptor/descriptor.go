package descriptor

import (
	"starling/params"
)

// MaxLength is the longest descriptor, in characters, that is read: enough for
// a thousand extended keys with their origins.
const MaxLength = 250_000

// Descriptor is a parsed descriptor without alternatives: one family of output
// scripts, numbered from 0 to [MaxIndex] if it has a range. It is immutable and
// safe for concurrent use. If it was parsed from private keys it holds them.
type Descriptor struct {
	net  *params.Network
	root *node
}

// Parse reads a descriptor of network net, with or without a checksum. A text
// with alternatives (BIP389) gives one descriptor for each; all others give
// one. The error is an [*Error].
func Parse(text string, net *params.Network) ([]*Descriptor, error) {
	return parse(text, net, false)
}

// ParseChecked is [Parse] for texts that must have a checksum.
func ParseChecked(text string, net *params.Network) ([]*Descriptor, error) {
	return parse(text, net, true)
}

// ParseOne is [Parse] where alternatives make no sense.
func ParseOne(text string, net *params.Network) (*Descriptor, error) {
	ds, err := Parse(text, net)
	if err != nil {
		return nil, err
	}
	if len(ds) > 1 {
		return nil, errorf("A descriptor with multipath derivation steps is not possible here")
	}
	return ds[0], nil
}

// String returns the descriptor without private keys, as it was given, with
// its checksum.
func (d *Descriptor) String() string { return withChecksum(d.root.print(d.net, formPublic)) }

// Private returns the descriptor with the private keys that it holds in place
// of their public keys. ok is false if it holds none.
func (d *Descriptor) Private() (text string, ok bool) {
	if !d.HasPrivate() {
		return "", false
	}
	return withChecksum(d.root.print(d.net, formPrivate)), true
}

// Normalized returns the descriptor without private keys, in a form from which
// all scripts follow: extended keys are those after the last hardened step,
// with their origin before them. Where every script needs a hardened step of
// its own there is no such form, and String's is returned. The error is a
// [*NeedsPrivateError].
func (d *Descriptor) Normalized() (string, error) {
	for k := range d.root.allKeys() {
		if !k.canNormalize() {
			return "", &NeedsPrivateError{k.print(d.net, formPublic)}
		}
	}
	return withChecksum(d.root.print(d.net, formNormalized)), nil
}

// Public returns the descriptor without private keys.
func (d *Descriptor) Public() *Descriptor {
	return &Descriptor{d.net, d.root.mapKeys(func(k *key) *key { return k.public() })}
}

// Network returns the network whose keys and addresses the descriptor holds.
func (d *Descriptor) Network() *params.Network { return d.net }

// HasPrivate reports whether the descriptor holds a private key.
func (d *Descriptor) HasPrivate() bool {
	for k := range d.root.allKeys() {
		if k.hasPrivate() {
			return true
		}
	}
	return false
}

// IsRange reports whether there is one output script, or set of them, for each
// index. Without a range all indexes give the same.
func (d *Descriptor) IsRange() bool {
	for k := range d.root.allKeys() {
		if k.wild != wildNone {
			return true
		}
	}
	return false
}

// NeedsPrivate reports whether scripts follow only from the private keys.
func (d *Descriptor) NeedsPrivate() bool {
	for k := range d.root.allKeys() {
		if k.needsPrivate() {
			return true
		}
	}
	return false
}

// IsSolvable reports whether the descriptor tells all that a signer must know
// beside the private keys.
func (d *Descriptor) IsSolvable() bool { return d.root.fn != fnAddr && d.root.fn != fnRaw }

// IsSingle reports whether there is one output script for each index, which is
// so for all but combo().
func (d *Descriptor) IsSingle() bool { return d.root.fn != fnCombo }

// CanGiveAddresses reports whether a wallet can take new addresses from the
// descriptor: its range has no end, and each index has one address.
func (d *Descriptor) CanGiveAddresses() bool {
	return d.IsRange() && d.IsSingle() && d.OutputType() != ""
}

// The types of outputs that a wallet tells apart, by Core's names.
const (
	TypeLegacy     = "legacy"
	TypeP2SHSegwit = "p2sh-segwit"
	TypeBech32     = "bech32"
	TypeBech32m    = "bech32m"
)

// OutputType returns the type of the addresses that the descriptor stands for,
// or "" if it has no addresses or has several types.
func (d *Descriptor) OutputType() string {
	switch d.root.fn {
	case fnPKH:
		return TypeLegacy
	case fnWPKH, fnWSH:
		return TypeBech32
	case fnTR, fnRawTR:
		return TypeBech32m
	case fnSH:
		if fn := d.root.subs[0].fn; fn == fnWPKH || fn == fnWSH {
			return TypeP2SHSegwit
		}
		return TypeLegacy
	case fnAddr:
		return typeOfScript(d.root.payload, d.net)
	}
	return ""
}

// Expand returns what the descriptor stands for at an index, one [Output] for
// each script; only combo() has more than one. The index is ignored if there
// is no range. The error is a [*NeedsPrivateError], or an [*Error] for an index
// above [MaxIndex] and for the one index in 2^127 that has no key.
func (d *Descriptor) Expand(index uint32) ([]Output, error) {
	if index > MaxIndex {
		return nil, errorf("index %d is above %d", index, MaxIndex)
	}
	return d.root.expand(index)
}
