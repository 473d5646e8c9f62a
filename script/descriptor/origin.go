package descriptor

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"starling/address"
)

// Hardened is the bit of a path's step that makes it a hardened one (BIP32).
const Hardened = 1 << 31

// MaxIndex is the highest index of a range.
const MaxIndex = Hardened - 1

// Fingerprint names an extended key: the first bytes of the HASH160 of its
// public key.
type Fingerprint [4]byte

// String returns the fingerprint in hexadecimal digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// FingerprintOf returns the fingerprint of a public key.
func FingerprintOf(pub []byte) Fingerprint {
	h := address.Hash160(pub)
	return Fingerprint(h[:4])
}

// Origin says where a key comes from: the master key, and the steps from it.
type Origin struct {
	Fingerprint Fingerprint // of the master key
	Path        []uint32
}

// String returns the origin as descriptors hold it between brackets, such as
// "d34db33f/84h/0h/0h".
func (o Origin) String() string { return o.Fingerprint.String() + FormatPath(o.Path) }

// Append adds the encoding of BIP174 to dst: fingerprint, then the steps,
// little endian.
func (o Origin) Append(dst []byte) []byte {
	dst = append(dst, o.Fingerprint[:]...)
	for _, s := range o.Path {
		dst = binary.LittleEndian.AppendUint32(dst, s)
	}
	return dst
}

// FormatPath writes the steps of a path, each with a slash before it, hardened
// ones with an h behind.
func FormatPath(path []uint32) string { return formatPath(path, 'h') }

func formatPath(path []uint32, mark byte) string {
	var b strings.Builder
	for _, s := range path {
		b.WriteByte('/')
		b.WriteString(strconv.FormatUint(uint64(s&^Hardened), 10))
		if s&Hardened != 0 {
			b.WriteByte(mark)
		}
	}
	return b.String()
}

// ParsePath reads a path such as "m/84h/0'/0", with or without the m.
func ParsePath(s string) ([]uint32, error) {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "m"), "/")
	if s == "" {
		return nil, nil
	}
	mark := byte('h')
	paths, err := parsePath(strings.Split(s, "/"), &mark, false)
	if err != nil {
		return nil, err
	}
	return paths[0], nil
}

// maxAlternatives is how many values a step with alternatives (BIP389) may
// have. Two are in use: receiving and change.
const maxAlternatives = 64

// parsePath reads the steps of a path. One of them may have alternatives if
// multi is set; there is one result for each. mark is set to the character
// behind the last hardened step.
func parsePath(steps []string, mark *byte, multi bool) ([][]uint32, error) {
	path := make([]uint32, len(steps))
	at, values := -1, []uint32(nil)
	for i, s := range steps {
		inner, isMulti := strings.CutPrefix(s, "<")
		inner, closed := strings.CutSuffix(inner, ">")
		if !isMulti || !closed {
			var err error
			if path[i], err = parseStep(s, mark); err != nil {
				return nil, err
			}
			continue
		}
		switch {
		case !multi:
			return nil, errorf("Key path value '%s' specifies multipath in a section where multipath is not allowed", s)
		case at >= 0:
			return nil, errorf("Multiple multipath key path specifiers found")
		}
		at = i
		alternatives := strings.Split(inner, ";")
		if len(alternatives) < 2 {
			return nil, errorf("Multipath key path specifiers must have at least two items")
		}
		if len(alternatives) > maxAlternatives {
			return nil, errorf("Multipath key path specifiers must have at most %d items", maxAlternatives)
		}
		for _, a := range alternatives {
			v, err := parseStep(a, mark)
			if err != nil {
				return nil, err
			}
			for _, seen := range values {
				if seen == v {
					return nil, errorf("Duplicated key path value %d in multipath specifier", v)
				}
			}
			values = append(values, v)
		}
	}
	if at < 0 {
		return [][]uint32{path}, nil
	}
	paths := make([][]uint32, len(values))
	for i, v := range values {
		paths[i] = append([]uint32(nil), path...)
		paths[i][at] = v
	}
	return paths, nil
}

// parseStep reads one step of a path.
func parseStep(s string, mark *byte) (uint32, error) {
	number, hard := s, uint32(0)
	if n := len(s); n > 0 && (s[n-1] == 'h' || s[n-1] == '\'') {
		number, hard, *mark = s[:n-1], Hardened, s[n-1]
	}
	if number == "" || strings.TrimLeft(number, "0123456789") != "" {
		return 0, errorf("Key path value '%s' is not a valid uint32", number)
	}
	v, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return 0, errorf("Key path value '%s' is not a valid uint32", number)
	}
	if v > MaxIndex {
		return 0, errorf("Key path value %d is out of range", v)
	}
	return uint32(v) | hard, nil
}
