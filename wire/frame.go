package wire

import (
	"encoding/binary"
	"fmt"
)

const (
	// FrameHeaderSize is the length of the header before each payload of
	// version 1 framing: magic, command, length, checksum.
	FrameHeaderSize = 4 + maxCommand + 4 + 4

	// MaxPayloadSize is the largest payload of any message, in bytes. It is
	// Bitcoin Core's figure, and holds the largest block there can be.
	MaxPayloadSize = 4_000_000

	// maxCommand is the room for the command in a frame header.
	maxCommand = 12
)

// FrameHeader is the header before each payload of version 1 framing.
type FrameHeader struct {
	Magic    [4]byte // which network
	Command  string  // all bytes of its field if Garbled
	Garbled  bool    // the field is not printable text, padded with zeros
	Length   uint32  // of the payload, in bytes
	Checksum [4]byte // see [Checksum]
}

// ParseFrameHeader reads a frame header from the first [FrameHeaderSize]
// bytes of b. It refuses a length above the command's own limit. Whether the
// magic is the right one is for the caller to check, before calling if it can,
// and a frame whose command is garbled is for it to pass over. For known commands
// it allocates nothing. Errors are [*DecodeError].
func ParseFrameHeader(b []byte) (FrameHeader, error) {
	var h FrameHeader
	c := NewCursor(b, "frame header")
	copy(h.Magic[:], c.Bytes(4))
	cmd := c.Bytes(maxCommand)
	h.Length = c.Uint32()
	copy(h.Checksum[:], c.Bytes(4))
	if c.err != nil {
		return FrameHeader{}, c.err
	}
	n := 0
	for n < maxCommand && cmd[n] >= ' ' && cmd[n] <= '~' {
		n++
	}
	for _, pad := range cmd[n:] {
		h.Garbled = h.Garbled || pad != 0
	}
	if h.Garbled {
		n = maxCommand
	}
	limit := uint32(MaxPayloadSize)
	if t, ok := messageTypes[string(cmd[:n])]; ok {
		h.Command, limit = t.command, t.limit
	} else {
		h.Command = string(cmd[:n])
	}
	if h.Length > limit {
		return FrameHeader{}, frameError("%q of %d bytes, limit %d", h.Command, h.Length, limit)
	}
	return h, nil
}

func frameError(format string, args ...any) error {
	return &DecodeError{What: "frame header", Reason: fmt.Sprintf(format, args...)}
}

// Append adds the encoding of h to dst. A command longer than 12 bytes is cut.
func (h FrameHeader) Append(dst []byte) []byte {
	var cmd [maxCommand]byte
	copy(cmd[:], h.Command)
	dst = append(dst, h.Magic[:]...)
	dst = append(dst, cmd[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, h.Length)
	return append(dst, h.Checksum[:]...)
}

// CheckPayload reports, as a [*DecodeError], a payload whose length or
// checksum is not the one that h announced.
func (h FrameHeader) CheckPayload(payload []byte) error {
	if uint64(len(payload)) != uint64(h.Length) {
		return &DecodeError{What: h.Command, Reason: "payload is not of the length announced"}
	}
	if Checksum(payload) != h.Checksum {
		return &DecodeError{What: h.Command, Reason: "checksum does not match"}
	}
	return nil
}

// AppendFrameHeader adds the header of a frame that carries payload to dst.
func AppendFrameHeader(dst []byte, magic [4]byte, cmd string, payload []byte) []byte {
	return FrameHeader{
		Magic:    magic,
		Command:  cmd,
		Length:   uint32(len(payload)),
		Checksum: Checksum(payload),
	}.Append(dst)
}

// AppendFrame adds a whole frame, header and payload, to dst.
func AppendFrame(dst []byte, magic [4]byte, m Message) []byte {
	start := len(dst)
	dst = FrameHeader{}.Append(dst)
	dst = m.AppendPayload(dst)
	// The header needs the payload's checksum, so it is written last.
	AppendFrameHeader(dst[:start], magic, m.Command(), dst[start+FrameHeaderSize:])
	return dst
}

// Checksum returns the first four bytes of the payload's double SHA-256.
func Checksum(payload []byte) (sum [4]byte) {
	h := DoubleHash(payload)
	copy(sum[:], h[:])
	return sum
}
