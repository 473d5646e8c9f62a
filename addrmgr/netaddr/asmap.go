package netaddr

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
)

// MaxASMap is the largest map that is read, in bytes. Those of today have less
// than 2 MB.
const MaxASMap = 8 << 20

// ErrASMap means that a file is no map of autonomous systems.
var ErrASMap = errors.New("not a map of autonomous systems")

// ASMap tells the autonomous system of IP addresses by a map in Bitcoin Core's
// format (asmap.dat): a program of instructions, packed in bits, that walks down
// the bits of an address.
type ASMap struct{ code []byte }

// NewASMap checks a map whole, so that no look-up can fail or take long. It
// keeps data.
func NewASMap(data []byte) (*ASMap, error) {
	if len(data) == 0 || len(data) > MaxASMap {
		return nil, fmt.Errorf("%w: %d bytes", ErrASMap, len(data))
	}
	if err := checkASMap(data); err != nil {
		return nil, err
	}
	return &ASMap{code: data}, nil
}

// Lookup returns the autonomous system of an IP address, or 0 if the map does
// not know it.
func (m *ASMap) Lookup(ip netip.Addr) uint32 {
	addr := ip.As16() // IPv4 as ::ffff:a.b.c.d
	r := bitReader{code: m.code}
	var as uint32
	for depth := 0; ; {
		switch op, arg := r.instruction(); op {
		case opReturn:
			return arg
		case opJump:
			if depth >= 128 {
				return 0
			}
			if bit(addr, depth) == 1 {
				r.pos += int(arg)
			}
			depth++
		case opMatch:
			for i := bits.Len32(arg) - 2; i >= 0; i-- {
				if depth >= 128 {
					return 0
				}
				if bit(addr, depth) != arg>>i&1 {
					return as
				}
				depth++
			}
		case opDefault:
			as = arg
		default:
			return 0 // cannot be, the map was checked
		}
	}
}

func bit(addr [16]byte, i int) uint32 { return uint32(addr[i/8]>>(7-i%8)) & 1 }

// opcode is one of the four instructions, or none.
type opcode uint8

const (
	opReturn  opcode = iota // the result is the argument
	opJump                  // where the next bit is one, skip as many bits of code
	opMatch                 // the next bits must be those behind the first one of the argument
	opDefault               // what the result is if a match fails
	opNone                  // the code has come to its end
)

// The classes of a number's size, by instruction: each costs one bit more, and
// the last has no bit that ends it. The format fixes them.
var (
	classesOp      = []uint8{0, 0, 1}
	classesAS      = []uint8{15, 16, 17, 18, 19, 20, 21, 22, 23, 24}
	classesMatch   = []uint8{1, 2, 3, 4, 5, 6, 7, 8}
	classesJump    = []uint8{5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30}
	lowestAS       = uint32(1)
	lowestMatch    = uint32(2)
	lowestJump     = uint32(17)
	invalid        = ^uint32(0)
	maxInstruction = 128 // as many as an address has bits
)

// bitReader reads code bit by bit, the lowest of each byte first.
type bitReader struct {
	code []byte
	pos  int
}

func (r *bitReader) left() int { return len(r.code)*8 - r.pos }

func (r *bitReader) bit() (uint32, bool) {
	if r.left() <= 0 {
		return 0, false
	}
	b := uint32(r.code[r.pos/8]>>(r.pos%8)) & 1
	r.pos++
	return b, true
}

// number reads a number of the form that classes describe.
func (r *bitReader) number(lowest uint32, classes []uint8) uint32 {
	v := lowest
	for i, class := range classes {
		more := uint32(0)
		if i < len(classes)-1 {
			var ok bool
			if more, ok = r.bit(); !ok {
				return invalid
			}
		}
		if more == 1 {
			v += 1 << class
			continue
		}
		for j := int(class) - 1; j >= 0; j-- {
			b, ok := r.bit()
			if !ok {
				return invalid
			}
			v += b << j
		}
		return v
	}
	return invalid
}

// instruction reads the next one with its argument.
func (r *bitReader) instruction() (opcode, uint32) {
	n := r.number(0, classesOp)
	if n == invalid {
		return opNone, 0
	}
	var arg uint32
	op := opcode(n)
	switch op {
	case opReturn, opDefault:
		arg = r.number(lowestAS, classesAS)
	case opJump:
		arg = r.number(lowestJump, classesJump)
	case opMatch:
		arg = r.number(lowestMatch, classesMatch)
	}
	if arg == invalid {
		return opNone, 0
	}
	return op, arg
}

// checkASMap walks all ways through the code, as Bitcoin Core's sanity check
// does: each must end with a return, use no more bits than an address has, and
// leave nothing unused.
func checkASMap(code []byte) error {
	r := bitReader{code: code}
	type branch struct{ pos, depth int }
	var branches []branch // where jumps lead, the innermost last
	depth, prev, partial := 0, opJump, false
	fail := func(what string) error { return fmt.Errorf("%w: %s at bit %d", ErrASMap, what, r.pos) }
	for r.left() > 0 {
		if len(branches) > 0 && r.pos >= branches[len(branches)-1].pos {
			return fail("jump into an instruction")
		}
		op, arg := r.instruction()
		switch op {
		case opReturn:
			if prev == opDefault {
				return fail("return after a default")
			}
			if len(branches) == 0 {
				return checkPadding(&r)
			}
			last := branches[len(branches)-1]
			if r.pos != last.pos {
				return fail("code that nothing reaches")
			}
			branches = branches[:len(branches)-1]
			depth, prev = last.depth, opJump
		case opJump:
			if int64(r.pos)+int64(arg) > int64(len(code)*8) {
				return fail("jump beyond the end")
			}
			if depth >= maxInstruction {
				return fail("more bits than an address has")
			}
			depth++
			to := r.pos + int(arg)
			if len(branches) > 0 && to >= branches[len(branches)-1].pos {
				return fail("jumps that cross")
			}
			branches = append(branches, branch{to, depth})
			prev = opJump
		case opMatch:
			n := bits.Len32(arg) - 1
			if prev != opMatch {
				partial = false
			}
			if n < 8 && partial {
				return fail("matches that could be one")
			}
			partial = n < 8
			if depth += n; depth > maxInstruction {
				return fail("more bits than an address has")
			}
			prev = opMatch
		case opDefault:
			if prev == opDefault {
				return fail("default after a default")
			}
			prev = opDefault
		default:
			return fail("instruction that is cut off")
		}
	}
	return fail("no end")
}

// checkPadding checks that nothing but zeros to fill the last byte follow.
func checkPadding(r *bitReader) error {
	if r.left() > 7 {
		return fmt.Errorf("%w: %d bits behind the end", ErrASMap, r.left())
	}
	for r.left() > 0 {
		if b, _ := r.bit(); b != 0 {
			return fmt.Errorf("%w: ones behind the end", ErrASMap)
		}
	}
	return nil
}

// AppendChecksum adds what tells a map from others. It may be called on nil.
func (m *ASMap) AppendChecksum(dst []byte) []byte {
	if m == nil {
		return append(dst, 0)
	}
	sum := sha256.Sum256(m.code)
	return append(dst, sum[:]...)
}
