package partial

import (
	"encoding/binary"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"starling/script"
	"starling/wallet/sign"
	"starling/wire"
)

// Types of an input's fields.
const (
	inPrevious     = 0x00
	inSpent        = 0x01
	inSig          = 0x02
	inHashType     = 0x03
	inRedeem       = 0x04
	inWitness      = 0x05
	inKey          = 0x06
	inFinalScript  = 0x07
	inFinalWitness = 0x08
	inTapKeySig    = 0x13
	inTapLeafSig   = 0x14
	inTapLeaf      = 0x15
	inTapKey       = 0x16
	inTapInternal  = 0x17
	inTapRoot      = 0x18
)

// inNames are how error messages name the fields whose key is only a type.
var inNames = map[uint64]string{
	inPrevious:     "Non-witness utxo",
	inSpent:        "Witness utxo",
	inHashType:     "Sighash type",
	inRedeem:       "Input redeemScript",
	inWitness:      "Input witnessScript",
	inFinalScript:  "Final scriptSig",
	inFinalWitness: "Final scriptWitness",
	inTapKeySig:    "Input Taproot key signature",
	inTapInternal:  "Input Taproot internal key",
	inTapRoot:      "Input Taproot merkle root",
}

// decode reads one field.
func (in *Input) decode(f field) (err error) {
	if name := inNames[f.kind]; name != "" {
		if err := f.bare(name); err != nil {
			return err
		}
	}
	switch f.kind {
	case inPrevious:
		if in.Previous, err = wire.ParseTx(f.value); err != nil {
			return errorf("%v", err)
		}
	case inSpent:
		return in.decodeSpent(f.value)
	case inSig:
		return in.decodeSig(&f)
	case inHashType:
		if len(f.value) != 4 {
			return errorf("Sighash type is not a 32-bit number")
		}
		t := binary.LittleEndian.Uint32(f.value)
		in.HashType = &t
	case inRedeem:
		in.Redeem = present(f.value)
	case inWitness:
		in.Witness = present(f.value)
	case inKey:
		k, err := decodeKey(&f)
		if err != nil {
			return err
		}
		in.Keys = append(in.Keys, k)
	case inFinalScript:
		in.FinalScript = present(f.value)
	case inFinalWitness:
		return in.decodeFinalWitness(f.value)
	case uint64(RIPEMD160), uint64(SHA256), uint64(HASH160), uint64(HASH256):
		kind := HashKind(f.kind)
		if len(f.data) != kind.size() {
			return errorf("Size of key was not the expected size for the type %s preimage", kind)
		}
		in.Preimages = append(in.Preimages, Preimage{kind, f.data, f.value})
	default:
		return in.decodeTaproot(&f)
	}
	return nil
}

// present returns b, which is not nil even if it is empty.
func present(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// size returns the length of a hash in bytes.
func (k HashKind) size() int {
	if k == RIPEMD160 || k == HASH160 {
		return 20
	}
	return 32
}

// String returns the name that Core gives to preimages of this kind.
func (k HashKind) String() string {
	return map[HashKind]string{RIPEMD160: "ripemd160", SHA256: "sha256", HASH160: "hash160", HASH256: "hash256"}[k]
}

func (in *Input) decodeSpent(b []byte) error {
	c := wire.NewCursor(b, "witness utxo")
	out := wire.TxOut{Value: int64(c.Uint64()), Script: present(c.VarBytes(len(b)))}
	if err := c.End(); err != nil {
		return errorf("%v", err)
	}
	in.Spent = &out
	return nil
}

func (in *Input) decodeSig(f *field) error {
	if len(f.data) != 33 && len(f.data) != 65 {
		return errorf("Size of key was not the expected size for the type partial signature pubkey")
	}
	if !validPub(f.data) {
		return errorf("Invalid pubkey")
	}
	if !script.IsStrictSignature(f.value) {
		return errorf("Signature is not a valid encoding")
	}
	in.Sigs.AddECDSA(f.data, f.value)
	return nil
}

func (in *Input) decodeFinalWitness(b []byte) error {
	c := wire.NewCursor(b, "final witness")
	n := c.Count(len(b), 1)
	items := make([][]byte, n)
	for i := range items {
		items[i] = present(c.VarBytes(len(b)))
	}
	if err := c.End(); err != nil {
		return errorf("%v", err)
	}
	in.FinalWitness = items
	return nil
}

// decodeTaproot reads the fields of BIP371, and keeps all others.
func (in *Input) decodeTaproot(f *field) error {
	switch f.kind {
	case inTapKeySig:
		if err := checkSchnorr(f.value, "Input Taproot key signature"); err != nil {
			return err
		}
		in.Sigs.TapKey = f.value
	case inTapLeafSig:
		if len(f.data) != 64 {
			return errorf("Input Taproot script signature key is not 65 bytes")
		}
		name := sign.LeafKey{X: [32]byte(f.data), Leaf: [32]byte(f.data[32:])}
		if _, err := schnorr.ParsePubKey(name.X[:]); err != nil {
			return errorf("Input Taproot script signature key is not valid")
		}
		if err := checkSchnorr(f.value, "Input Taproot script path signature"); err != nil {
			return err
		}
		in.Sigs.AddTapLeaf(name, f.value)
	case inTapLeaf:
		const head, step = 33, 32
		switch n := len(f.data); {
		case n < head:
			return errorf("Taproot leaf script key is not at least 34 bytes")
		case (n-head)%step != 0 || n > head+step*script.MaxTapDepth:
			return errorf("Input Taproot leaf script key's control block size is not valid")
		case len(f.value) == 0:
			return errorf("Input Taproot leaf script must be at least 1 byte")
		}
		n := len(f.value) - 1
		in.TapLeaves = append(in.TapLeaves, TapLeaf{Control: f.data, Script: f.value[:n], Version: f.value[n]})
	case inTapKey:
		k, err := decodeTapKey(f, "Input")
		if err != nil {
			return err
		}
		in.TapKeys = append(in.TapKeys, k)
	case inTapInternal:
		x, err := decodeX(f.value, "Input Taproot internal key")
		in.TapInternal = x
		return err
	case inTapRoot:
		if len(f.value) != 32 {
			return errorf("Input Taproot merkle root is not 32 bytes")
		}
		root := [32]byte(f.value)
		in.TapRoot = &root
	default:
		in.Unknown = append(in.Unknown, Pair{f.key, f.value})
	}
	return nil
}

func checkSchnorr(sig []byte, name string) error {
	switch {
	case len(sig) < 64:
		return errorf("%s is shorter than 64 bytes", name)
	case len(sig) > 65:
		return errorf("%s is longer than 65 bytes", name)
	}
	return nil
}

func decodeX(b []byte, name string) (*[32]byte, error) {
	if len(b) != 32 {
		return nil, errorf("%s is not 32 bytes", name)
	}
	if _, err := schnorr.ParsePubKey(b); err != nil {
		return nil, errorf("%s is not valid", name)
	}
	x := [32]byte(b)
	return &x, nil
}
