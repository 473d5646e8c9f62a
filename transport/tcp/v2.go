package tcp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"

	"starling/transport"
	"starling/transport/bip324"
	"starling/wire"
)

// v2 carries messages in the packets of BIP324. Receiver and sender each have
// their own part of it.
type v2 struct {
	session *bip324.Session

	// Of the receiver. The garbage is nil once the first packet has vouched for
	// it.
	garbage *bip324.Garbage
	ended   bool // the garbage has
	greeted bool // the version packet has come
	got     int  // bytes that came since the last message

	sent int // of the sender: bytes that went out before the first message
}

func (f *v2) info() transport.Info {
	return transport.Info{Protocol: "v2", SessionID: hex.EncodeToString(f.session.ID[:])}
}

// greet passes over what the other side sends between its key and its first
// message: garbage, perhaps decoys, and a version packet, of whose contents
// nothing is known yet.
func (f *v2) greet(s *socket, limit int) error {
	if !f.ended {
		if err := s.extend(); err != nil {
			return err
		}
		if err := f.skipGarbage(s); err != nil {
			return err
		}
	}
	for !f.greeted {
		_, decoy, err := f.packet(s, limit)
		if err != nil {
			return err
		}
		f.greeted = !decoy
	}
	return s.settle()
}

// skipGarbage gathers the garbage, all of it within the deadline that is set. The
// magic is part of the keys, and so of the terminator: where there is none, the
// other side is of another network, or no node at all.
func (f *v2) skipGarbage(s *socket) error {
	for !f.ended {
		err := s.idle()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case err != nil:
			return fmt.Errorf("%w: it went after the exchange of keys", transport.ErrWrongNetwork)
		}
		b, _ := s.r.Peek(s.r.Buffered())
		n, ended, err := f.garbage.Take(b)
		if err != nil {
			return fmt.Errorf("%w: %w", transport.ErrWrongNetwork, err)
		}
		s.r.Discard(n)
		f.got += n
		f.ended = ended
	}
	return nil
}

// packet reads and opens one packet. What it holds is bounded by its length, as
// its type shows only when all of it has come.
func (f *v2) packet(s *socket, limit int) (contents []byte, decoy bool, err error) {
	b, err := s.peek(bip324.LengthSize)
	if err != nil {
		return nil, false, err
	}
	length := [bip324.LengthSize]byte(b)
	s.r.Discard(bip324.LengthSize)
	size := f.session.Opener.Length(&length)
	if most := bip324.ContentsSize(size) - bip324.MaxTypeSize; most > limit {
		return nil, false, transport.TooLarge("packet", most, limit)
	}
	sealed, err := s.take(size)
	if err != nil {
		return nil, false, err
	}
	var additional []byte
	if f.garbage != nil {
		additional, f.garbage = f.garbage.Bytes(), nil
	}
	f.got += bip324.LengthSize + size
	return f.session.Opener.Open(sealed, additional)
}

func (f *v2) receive(s *socket, limit int) (m transport.Message, whole bool, err error) {
	contents, decoy, err := f.packet(s, limit)
	if err != nil {
		return m, false, err
	}
	m.Size, f.got = f.got, 0
	if decoy {
		return m, false, nil
	}
	command, payload, known := bip324.Message(contents)
	if !known {
		return m, false, nil
	}
	if most := min(limit, int(wire.MaxPayload(command))); len(payload) > most {
		return m, false, transport.TooLarge(command, len(payload), most)
	}
	m.Command, m.Payload = command, payload
	return m, true, nil
}

// largeBuffers are for packets that do not fit in a write buffer, while they are
// being written. A packet has to be in one piece to be sealed, and the payload
// may not be changed, so that a message of 4 MB takes a second 4 MB for as long
// as the other side needs to take it.
var largeBuffers = sync.Pool{New: func() any { return new([]byte) }}

func (f *v2) send(s *socket, command string, payload []byte) (int, error) {
	var scratch [bip324.MaxTypeSize]byte
	head := bip324.AppendType(scratch[:0], command)
	size := bip324.Overhead + len(head) + len(payload)
	told := f.sent + size
	f.sent = 0
	if size <= writeBuffer {
		w, err := s.room(size)
		if err != nil {
			return 0, err
		}
		*w = f.session.Sealer.Seal(*w, false, nil, head, payload)
		return told, nil
	}
	b := largeBuffers.Get().(*[]byte)
	defer largeBuffers.Put(b)
	*b = f.session.Sealer.Seal((*b)[:0], false, nil, head, payload)
	if err := s.write(*b); err != nil {
		return 0, err
	}
	return told, nil
}
