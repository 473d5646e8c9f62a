package partial

import (
	"encoding/binary"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"starling/script/descriptor"
	"starling/wire"
)

// magic opens every packet.
const magic = "psbt\xff"

// MaxSize is the longest packet, in bytes, that is read. It is what Core's
// interface takes, and holds a hundred transactions of the largest size that
// is relayed.
const MaxSize = 32 << 20

// Types of global fields.
const (
	globalTx      = 0x00
	globalXPub    = 0x01
	globalVersion = 0xfb
)

// Parse reads a packet. It keeps views into raw. The error is an [*Error].
func Parse(raw []byte) (*Packet, error) {
	if len(raw) > MaxSize {
		return nil, errorf("%d bytes are too many", len(raw))
	}
	if len(raw) < len(magic) || string(raw[:len(magic)]) != magic {
		return nil, errorf("Invalid PSBT magic bytes")
	}
	r := reader{wire.NewCursor(raw[len(magic):], "PSBT")}
	p := new(Packet)
	if err := p.decodeGlobal(&r); err != nil {
		return nil, err
	}
	p.In, p.Out = make([]Input, len(p.Tx.In)), make([]Output, len(p.Tx.Out))
	for i := range p.In {
		if r.Left() == 0 {
			return nil, errorf("Inputs provided does not match the number of inputs in transaction.")
		}
		if err := r.fields("an input map", p.In[i].decode); err != nil {
			return nil, err
		}
		if err := p.checkPrevious(i); err != nil {
			return nil, err
		}
	}
	for i := range p.Out {
		if r.Left() == 0 {
			return nil, errorf("Outputs provided does not match the number of outputs in transaction.")
		}
		if err := r.fields("an output map", p.Out[i].decode); err != nil {
			return nil, err
		}
	}
	if r.Left() > 0 {
		return nil, errorf("extra data after PSBT")
	}
	return p, nil
}

// checkPrevious refuses a previous transaction that is another.
func (p *Packet) checkPrevious(i int) error {
	prev, op := p.In[i].Previous, p.Tx.In[i].PrevOut
	switch {
	case prev == nil:
	case prev.TxID() != op.Hash:
		return errorf("Non-witness UTXO does not match outpoint hash")
	case int64(op.Index) >= int64(len(prev.Out)):
		return errorf("Input specifies output index that does not exist")
	}
	return nil
}

// reader reads maps of fields.
type reader struct{ wire.Cursor }

// field is one field of a map.
type field struct {
	kind  uint64 // its type
	key   []byte // with the type
	data  []byte // the key without the type
	value []byte
}

// fields reads one map, up to its separator.
func (r *reader) fields(what string, each func(field) error) error {
	seen := make(map[string]struct{})
	for {
		if r.Left() == 0 {
			return errorf("Separator is missing at the end of %s", what)
		}
		key := r.VarBytes(MaxSize)
		if err := r.Err(); err != nil {
			return errorf("%v", err)
		}
		if len(key) == 0 {
			return nil
		}
		value := r.VarBytes(MaxSize)
		c := wire.NewCursor(key, "PSBT key")
		f := field{kind: c.CompactSize(), key: key, value: value}
		if c.Err() != nil || r.Err() != nil {
			return errorf("a field of %s does not parse", what)
		}
		f.data = key[c.Offset():]
		if _, twice := seen[string(key)]; twice {
			return errorf("Duplicate Key, a field of type 0x%02x is provided twice in %s", f.kind, what)
		}
		seen[string(key)] = struct{}{}
		if err := each(f); err != nil {
			return err
		}
	}
}

// bare refuses a field whose key is more than its type.
func (f *field) bare(name string) error {
	if len(f.data) > 0 {
		return errorf("%s key is more than one byte type", name)
	}
	return nil
}

func (p *Packet) decodeGlobal(r *reader) error {
	err := r.fields("the global map", func(f field) (err error) {
		switch f.kind {
		case globalTx:
			if err = f.bare("Global unsigned tx"); err != nil {
				return err
			}
			if p.Tx, err = wire.ParseBaseTx(f.value); err != nil {
				return errorf("%v", err)
			}
			if p.Tx.Size() > wire.MaxBlockSize {
				return errorf("the transaction is larger than a block")
			}
			for i := range p.Tx.In {
				if len(p.Tx.In[i].Script) > 0 {
					return errorf("Unsigned tx does not have empty scriptSigs and scriptWitnesses.")
				}
			}
		case globalXPub:
			return p.decodeXPub(&f)
		case globalVersion:
			if err = f.bare("Global version"); err != nil {
				return err
			}
			if len(f.value) != 4 || binary.LittleEndian.Uint32(f.value) != 0 {
				return errorf("Unsupported version number")
			}
			p.Versioned = true
		default:
			p.Unknown = append(p.Unknown, Pair{f.key, f.value})
		}
		return nil
	})
	if err == nil && p.Tx == nil {
		err = errorf("No unsigned transaction was provided")
	}
	return err
}

func (p *Packet) decodeXPub(f *field) error {
	var x XPub
	if len(f.data) != len(x.Key) {
		return errorf("Size of key was not the expected size for the type global xpub")
	}
	x.Key = [78]byte(f.data)
	if !validPub(x.Key[45:]) {
		return errorf("Invalid pubkey")
	}
	var err error
	if x.Origin, err = decodeOrigin(f.value); err != nil {
		return err
	}
	p.XPubs = append(p.XPubs, x)
	return nil
}

// decodeOrigin reads a fingerprint and steps.
func decodeOrigin(b []byte) (o descriptor.Origin, err error) {
	if len(b) < 4 || len(b)%4 != 0 {
		return o, errorf("Invalid length for HD key path")
	}
	o.Fingerprint = descriptor.Fingerprint(b)
	for at := 4; at < len(b); at += 4 {
		o.Path = append(o.Path, binary.LittleEndian.Uint32(b[at:]))
	}
	return o, nil
}

// decodeKey reads a public key and its origin.
func decodeKey(f *field) (k descriptor.Key, err error) {
	if len(f.data) != 33 && len(f.data) != 65 {
		return k, errorf("Size of key was not the expected size for the type BIP32 keypath")
	}
	if !validPub(f.data) {
		return k, errorf("Invalid pubkey")
	}
	o, err := decodeOrigin(f.value)
	return descriptor.Key{Pub: f.data, Origin: &o}, err
}

// decodeTapKey reads the x coordinate of a key, the leaves that hold it, and
// its origin.
func decodeTapKey(f *field, side string) (k descriptor.Key, err error) {
	if len(f.data) != 32 {
		return k, errorf("%s Taproot BIP32 keypath key is not at 33 bytes", side)
	}
	if _, err := schnorr.ParsePubKey(f.data); err != nil {
		return k, errorf("%s Taproot BIP32 keypath key is not valid", side)
	}
	k.Pub = append([]byte{2}, f.data...)
	c := wire.NewCursor(f.value, "PSBT")
	n := c.Count(len(f.value)/32, 32)
	for range n {
		k.Leaves = append(k.Leaves, c.Hash())
	}
	if c.Err() != nil {
		return k, errorf("%s Taproot BIP32 keypath has an invalid length", side)
	}
	o, err := decodeOrigin(f.value[c.Offset():])
	k.Origin = &o
	return k, err
}

// validPub reports whether b is a public key.
func validPub(b []byte) bool {
	_, err := btcec.ParsePubKey(b)
	return err == nil
}
