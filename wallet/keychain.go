package wallet

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"starling/script/descriptor"
	"starling/wire"
)

// Kind is a kind of addresses, by Core's name.
type Kind string

// The kinds of addresses.
const (
	Legacy     Kind = descriptor.TypeLegacy     // pay to public key hash
	P2SHSegwit Kind = descriptor.TypeP2SHSegwit // witness behind a script hash
	Bech32     Kind = descriptor.TypeBech32     // pay to witness public key hash
	Bech32m    Kind = descriptor.TypeBech32m    // taproot
)

// ParseKind reads a kind of addresses; ok is false if there is none of that
// name.
func ParseKind(s string) (k Kind, ok bool) {
	switch k = Kind(s); k {
	case Legacy, P2SHSegwit, Bech32, Bech32m:
		return k, true
	}
	return "", false
}

// keychain is a descriptor of the wallet with how far it has been used.
type keychain struct {
	num  uint32 // its number in the file
	text string // the descriptor without private keys
	desc *descriptor.Descriptor

	kind     Kind
	active   bool // new addresses come from it
	internal bool // for change
	first    int32
	next     int32 // index of the next new address
	used     int32 // one more than the last index that was paid
	end      int32 // range to watch at least, exclusive
	created  int64 // nothing was paid to it before
	hasKeys  bool  // its private form is in the file

	derived int32 // indexes below are watched
}

const (
	chainActive = 1 << iota
	chainInternal
	chainKeys
)

func (k *keychain) append(dst []byte) []byte {
	flags := byte(0)
	for bit, on := range map[byte]bool{chainActive: k.active, chainInternal: k.internal, chainKeys: k.hasKeys} {
		if on {
			flags |= bit
		}
	}
	dst = append(dst, 1, flags)
	for _, n := range []int32{k.first, k.next, k.used, k.end} {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(k.created))
	return wire.AppendVarBytes(dst, []byte(k.text))
}

// parseKeychain reads a keychain but for its number and its descriptor.
func parseKeychain(b []byte) (*keychain, error) {
	c := wire.NewCursor(b, "wallet descriptor")
	if v := c.Uint8(); v != 1 {
		c.Failf("version %d", v)
	}
	flags := c.Uint8()
	k := &keychain{active: flags&chainActive != 0, internal: flags&chainInternal != 0, hasKeys: flags&chainKeys != 0}
	for _, n := range []*int32{&k.first, &k.next, &k.used, &k.end} {
		if *n = int32(c.Uint32()); *n < 0 {
			c.Failf("index out of range")
		}
	}
	if k.end-k.first > maxRange || k.next-k.first > maxRange || k.used-k.first > maxRange {
		c.Failf("range out of bounds")
	}
	k.created = int64(c.Uint64())
	k.text = string(c.VarBytes(descriptor.MaxLength))
	return k, c.End()
}

// maxRange bounds how many indexes of one descriptor are watched, as Core
// bounds those that are imported at once.
const maxRange = 1_000_000

func (k *keychain) key() string { return prefixChain + strconv.FormatUint(uint64(k.num), 10) }

func (k *keychain) secretKey() string { return prefixPriv + strconv.FormatUint(uint64(k.num), 10) }

// place is where a script comes from.
type place struct {
	chain *keychain
	index int32
}

// ranged reports whether there is an address for each index.
func (k *keychain) ranged() bool { return k.desc.IsRange() }

// wanted returns up to which index, exclusive, the keychain is to be watched.
func (k *keychain) wanted(gap int32) int32 {
	if !k.ranged() {
		return k.first + 1
	}
	return max(k.end, max(k.next, k.used, k.first)+gap)
}

// watch derives scripts up to what is wanted. It reports whether there are
// more than before. Those that only the private keys give come from priv,
// which may be nil: then they have to wait.
func (w *Wallet) watch(k *keychain, priv *descriptor.Descriptor) (grew bool, err error) {
	want := k.wanted(w.meta.gap)
	d := k.desc
	if d.NeedsPrivate() && k.derived < want {
		if priv == nil {
			if priv, err = w.private(k); err != nil {
				// Locked: what is there must do.
				return false, nil
			}
		}
		d = priv
	}
	for ; k.derived < want; k.derived++ {
		outs, err := d.Expand(uint32(k.derived))
		if err != nil {
			return grew, fmt.Errorf("descriptor %s at index %d: %w", k.text, k.derived, err)
		}
		for _, o := range outs {
			if old, known := w.scripts[string(o.Script)]; !known || k.active && !old.chain.active {
				w.scripts[string(o.Script)] = place{k, k.derived}
			}
		}
		grew = true
	}
	return grew, nil
}

// markUsed takes note of the addresses that tx pays, so that they are not given
// out again, and watches more of them. It reports whether more are watched.
// The caller holds mu.
func (w *Wallet) markUsed(tx *wire.Tx) (grew bool) {
	for i := range tx.Out {
		p, ok := w.scripts[string(tx.Out[i].Script)]
		if !ok || !p.chain.ranged() || p.index < p.chain.used {
			continue
		}
		p.chain.used = p.index + 1
		p.chain.next = max(p.chain.next, p.chain.used)
		w.changes.Set(p.chain.key(), p.chain.append(nil))
		more, err := w.watch(p.chain, nil)
		if err != nil {
			w.log.Error("addresses not derived", "err", err)
		}
		grew = grew || more
	}
	if grew {
		w.ledger.Reclaim()
	}
	return grew
}

// private returns the descriptor of a keychain with its private keys. The error
// is ErrLocked or ErrWatchOnly.
func (w *Wallet) private(k *keychain) (*descriptor.Descriptor, error) {
	if !k.hasKeys {
		return nil, ErrWatchOnly
	}
	stored, ok := w.file.Get(k.secretKey())
	if !ok {
		return nil, fmt.Errorf("wallet %s: the private keys of %s are missing", w.name, k.text)
	}
	text, err := w.vault.load(k.secretKey(), stored)
	if err != nil {
		return nil, err
	}
	return descriptor.ParseOne(string(text), w.chain.Network())
}

// active returns the keychain that new addresses of a kind come from, or nil.
func (w *Wallet) active(kind Kind, internal bool) *keychain {
	for _, k := range w.chains {
		if k.active && k.internal == internal && k.kind == kind {
			return k
		}
	}
	return nil
}

// kinds returns the kinds of addresses that the wallet can give out.
func (w *Wallet) kinds(internal bool) []Kind {
	var all []Kind
	for _, k := range w.chains {
		if k.active && k.internal == internal {
			all = append(all, k.kind)
		}
	}
	slices.Sort(all)
	return all
}

// newScript takes the next script of a kind, and puts what must be written
// first into the changes. The caller holds mu and saves before anybody sees
// the script.
func (w *Wallet) newScript(kind Kind, internal bool) ([]byte, place, error) {
	k := w.active(kind, internal)
	if k == nil {
		return nil, place{}, fmt.Errorf("%w: %s", ErrNoAddress, kind)
	}
	d := k.desc
	if d.NeedsPrivate() {
		var err error
		if d, err = w.private(k); err != nil {
			return nil, place{}, err
		}
	}
	if k.next-k.first >= maxRange {
		return nil, place{}, fmt.Errorf("%w: all %d of them have been given out", ErrNoAddress, maxRange)
	}
	outs, err := d.Expand(uint32(k.next))
	if err != nil {
		return nil, place{}, err
	}
	p := place{k, k.next}
	k.next++
	if _, err := w.watch(k, d); err != nil {
		return nil, place{}, err
	}
	w.changes.Set(k.key(), k.append(nil))
	return outs[0].Script, p, nil
}
