package descriptor

import "strings"

const (
	// inputChars are the characters of descriptors, in the order that gives
	// each a number for the checksum (BIP380).
	inputChars = "0123456789()[],'/*abcdefgh@:$%{}" +
		"IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~" +
		"ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
	// checksumChars are those of the checksum itself.
	checksumChars = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	checksumLen   = 8
)

// generator is the polynomial of the checksum (BIP380).
var generator = [...]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd}

// fold takes one symbol into the checksum.
func fold(c, symbol uint64) uint64 {
	top := c >> 35
	c = (c&0x7ffffffff)<<5 ^ symbol
	for i, g := range generator {
		if top>>i&1 == 1 {
			c ^= g
		}
	}
	return c
}

// Checksum returns the checksum of a descriptor that is given without one, or
// "" if it has a character that no descriptor has.
func Checksum(body string) string {
	c, class, count := uint64(1), uint64(0), 0
	for i := range len(body) {
		at := strings.IndexByte(inputChars, body[i])
		if at < 0 {
			return ""
		}
		c = fold(c, uint64(at)&31)
		class = class*3 + uint64(at)>>5
		if count++; count == 3 {
			c = fold(c, class)
			class, count = 0, 0
		}
	}
	if count > 0 {
		c = fold(c, class)
	}
	for range checksumLen {
		c = fold(c, 0)
	}
	c ^= 1
	out := make([]byte, checksumLen)
	for i := range out {
		out[i] = checksumChars[c>>(5*(checksumLen-1-i))&31]
	}
	return string(out)
}

// withChecksum adds its checksum to a descriptor.
func withChecksum(body string) string { return body + "#" + Checksum(body) }

// cutChecksum checks and takes off the checksum of a descriptor, if it has
// one, which it must if need is set.
func cutChecksum(text string, need bool) (body string, err error) {
	body, sum, has := strings.Cut(text, "#")
	switch {
	case !has && need:
		return "", errorf("Missing checksum")
	case strings.Contains(sum, "#"):
		return "", errorf("Multiple '#' symbols")
	case has && len(sum) != checksumLen:
		return "", errorf("Expected 8 character checksum, not %d characters", len(sum))
	}
	want := Checksum(body)
	switch {
	case want == "":
		return "", errorf("Invalid characters in payload")
	case has && sum != want:
		return "", errorf("Provided checksum '%s' does not match computed checksum '%s'", sum, want)
	}
	return body, nil
}
