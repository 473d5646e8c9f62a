package coins

import (
	"encoding/binary"
	"errors"

	"starling/wire"
)

// Coin is one unspent output.
type Coin struct {
	Value    int64  // in satoshi
	Height   int32  // of the block that made it
	Coinbase bool   // whether a coinbase made it
	Script   []byte // public key script
}

// ErrEncoding is returned for a stored coin or undo record that does not
// decode.
var ErrEncoding = errors.New("coins: stored record does not decode")

// maxScript is the longest script that the decoder accepts, in bytes. Longer
// ones can not be spent and are never stored.
const maxScript = 10_000

// maxValue is all the money there can be, in satoshi; no coin holds more.
const maxValue = 21_000_000 * 100_000_000

// Special script forms, in the numbering of Bitcoin Core's coin database. The
// forms for compressed and uncompressed public keys beyond these are read as
// plain scripts: they would cost a curve operation for each look-up.
const (
	formP2PKH    = 0 // 20-byte key hash
	formP2SH     = 1 // 20-byte script hash
	formP2PKEven = 2 // 32-byte x of a compressed key
	formP2PKOdd  = 3
	formPlain    = 6 // length + 6, then the script
)

// Append adds the encoding of c to dst: height and coinbase flag, compressed
// amount, compressed script. It is the encoding of Bitcoin Core's database.
func (c *Coin) Append(dst []byte) []byte {
	code := uint64(c.Height) << 1
	if c.Coinbase {
		code |= 1
	}
	return c.appendOut(appendVarInt(dst, code))
}

func (c *Coin) appendOut(dst []byte) []byte {
	return appendScript(appendVarInt(dst, compressAmount(uint64(c.Value))), c.Script)
}

// DecodeCoin reads an encoding made by [Coin.Append]. The script of plain
// forms is a view into b.
func DecodeCoin(b []byte) (Coin, error) {
	d := decoder{b: b}
	c := d.coin(false)
	if d.failed || len(d.b) != 0 {
		return Coin{}, ErrEncoding
	}
	return c, nil
}

// appendVarInt adds n in base 128, most significant group first, in which
// each number has exactly one encoding (Core's VARINT).
func appendVarInt(dst []byte, n uint64) []byte {
	var tmp [10]byte
	i := len(tmp) - 1
	tmp[i] = byte(n & 0x7f)
	for n > 0x7f {
		n = n>>7 - 1
		i--
		tmp[i] = byte(n&0x7f) | 0x80
	}
	return append(dst, tmp[i:]...)
}

// compressAmount shortens amounts with trailing decimal zeros.
func compressAmount(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	e := uint64(0)
	for n%10 == 0 && e < 9 {
		n /= 10
		e++
	}
	if e < 9 {
		d := n % 10
		n /= 10
		return 1 + (n*9+d-1)*10 + e
	}
	return 1 + (n-1)*10 + 9
}

func decompressAmount(x uint64) uint64 {
	if x == 0 {
		return 0
	}
	x--
	e := x % 10
	x /= 10
	n := uint64(0)
	if e < 9 {
		d := x%9 + 1
		n = x/9*10 + d
	} else {
		n = x + 1
	}
	for range e {
		n *= 10
	}
	return n
}

func appendScript(dst, s []byte) []byte {
	switch {
	case len(s) == 25 && s[0] == 0x76 && s[1] == 0xa9 && s[2] == 20 && s[23] == 0x88 && s[24] == 0xac:
		return append(append(dst, formP2PKH), s[3:23]...)
	case len(s) == 23 && s[0] == 0xa9 && s[1] == 20 && s[22] == 0x87:
		return append(append(dst, formP2SH), s[2:22]...)
	case len(s) == 35 && s[0] == 33 && s[34] == 0xac && (s[1] == 2 || s[1] == 3):
		return append(append(dst, s[1]), s[2:34]...)
	}
	return append(appendVarInt(dst, uint64(len(s))+formPlain), s...)
}

// decoder reads the encodings of this package; the first failure sticks.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) bytes(n uint64) []byte {
	if d.failed || n > uint64(len(d.b)) {
		d.failed = true
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) varInt() uint64 {
	var n uint64
	for i, c := range d.b {
		if n > 1<<57-1 {
			break
		}
		n = n<<7 | uint64(c&0x7f)
		if c&0x80 == 0 {
			d.b = d.b[i+1:]
			return n
		}
		n++
	}
	d.failed = true
	return 0
}

// coin reads a coin; undo records have an empty version field behind the
// height of every coin but those of height zero.
func (d *decoder) coin(undo bool) Coin {
	code := d.varInt()
	if code>>1 > 1<<31-1 {
		d.failed = true
	}
	c := Coin{Height: int32(code >> 1), Coinbase: code&1 != 0}
	if undo && c.Height > 0 {
		d.varInt()
	}
	value := decompressAmount(d.varInt())
	if value > maxValue {
		d.failed = true
	}
	c.Value = int64(value)
	c.Script = d.script()
	return c
}

func (d *decoder) script() []byte {
	form := d.varInt()
	switch form {
	case formP2PKH:
		s := append(make([]byte, 0, 25), 0x76, 0xa9, 20)
		return append(append(s, d.bytes(20)...), 0x88, 0xac)
	case formP2SH:
		s := append(make([]byte, 0, 23), 0xa9, 20)
		return append(append(s, d.bytes(20)...), 0x87)
	case formP2PKEven, formP2PKOdd:
		s := append(make([]byte, 0, 35), 33, byte(form))
		return append(append(s, d.bytes(32)...), 0xac)
	case 4, 5:
		d.failed = true
		return nil
	}
	if form-formPlain > maxScript {
		d.failed = true
		return nil
	}
	return d.bytes(form - formPlain)
}

// appendKey adds the database key of op: a prefix, the transaction id and the
// index, most significant byte first so that keys sort by output.
func appendKey(dst []byte, op *wire.OutPoint) []byte {
	dst = append(dst, keyCoin)
	dst = append(dst, op.Hash[:]...)
	return binary.BigEndian.AppendUint32(dst, op.Index)
}

// outPointOf reads a key made by appendKey.
func outPointOf(key []byte) (op wire.OutPoint, ok bool) {
	if len(key) != 1+wire.OutPointSize || key[0] != keyCoin {
		return op, false
	}
	copy(op.Hash[:], key[1:])
	op.Index = binary.BigEndian.Uint32(key[1+wire.HashSize:])
	return op, true
}
