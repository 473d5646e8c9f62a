package tcp

import (
	"fmt"

	"starling/transport"
	"starling/wire"
)

// directWrite is the payload size from which on a payload is not copied to the
// buffer but written from where it is, in one system call with what was buffered
// before it.
const directWrite = 4 << 10

// v1 frames messages in the clear: magic, command, length and checksum, then the
// payload.
type v1 struct{ magic [4]byte }

func (v1) info() transport.Info { return transport.Info{Protocol: "v1"} }

func (f v1) receive(s *socket, limit int) (m transport.Message, whole bool, err error) {
	head, err := s.peek(wire.FrameHeaderSize)
	if err != nil {
		return m, false, err
	}
	if magic := [4]byte(head); magic != f.magic {
		return m, false, wrongNetwork(magic, f.magic)
	}
	h, err := wire.ParseFrameHeader(head)
	if err != nil {
		return m, false, err
	}
	size := int(h.Length)
	if size > limit {
		return m, false, transport.TooLarge(h.Command, size, limit)
	}
	s.r.Discard(wire.FrameHeaderSize)
	payload, err := s.take(size)
	if err != nil {
		return m, false, err
	}
	m = transport.Message{Command: h.Command, Payload: payload, Size: wire.FrameHeaderSize + size}
	return m, !h.Garbled && wire.Checksum(payload) == h.Checksum, nil
}

func wrongNetwork(got, want [4]byte) error {
	return fmt.Errorf("%w: got %x, want %x", transport.ErrWrongNetwork, got, want)
}

func (f v1) send(s *socket, command string, payload []byte) (int, error) {
	direct := len(payload) >= directWrite
	size := wire.FrameHeaderSize + len(payload)
	need := size
	if direct {
		need = wire.FrameHeaderSize
	}
	w, err := s.room(need)
	if err != nil {
		return 0, err
	}
	*w = wire.AppendFrameHeader(*w, f.magic, command, payload)
	if !direct {
		*w = append(*w, payload...)
		return size, nil
	}
	if err := s.write(payload); err != nil {
		return 0, err
	}
	return size, nil
}
