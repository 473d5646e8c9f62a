package tcp

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"starling/transport/bip324"
	"starling/wire"
)

// versionStart is what follows the magic where version 1 is spoken: the session
// begins with a version message.
const versionStart = wire.CmdVersion + "\x00\x00\x00\x00\x00"

// freeGarbage is how much garbage a key is answered with whatever came with it.
// There is more of it only for who has sent as much: so 64 bytes at random, which
// lead nowhere, cost their sender more than this node, with what the network adds
// to them.
const freeGarbage = 255

// answer finds out what the other side, which has dialled, speaks, and takes
// part in its handshake if that is version 2.
func (l *link) answer() error {
	if err := l.idle(); err != nil {
		return err
	}
	plain, err := l.plainStart()
	if err != nil {
		return err
	}
	if plain {
		l.speak(v1{l.opts.Magic})
		return nil
	}
	// All of the key must be here before any work is done for it.
	b, err := l.peek(bip324.KeySize)
	if err != nil {
		return err
	}
	theirs := [bip324.KeySize]byte(b)
	l.r.Discard(bip324.KeySize)
	most := min(bip324.MaxGarbage, max(freeGarbage, l.r.Buffered()))
	key, err := bip324.NewKey()
	if err != nil {
		return err
	}
	session, err := key.Session(&theirs, false, l.opts.Magic)
	if err != nil {
		return err
	}
	f := &v2{session: session, garbage: bip324.NewGarbage(session.ReceiveTerminator), got: bip324.KeySize}
	garbage, err := l.sendKey(key, most)
	if err != nil {
		return err
	}
	if f.sent, err = l.sendVersion(session, garbage); err != nil {
		return err
	}
	if err := l.flush(); err != nil {
		return err
	}
	l.speak(f)
	return nil
}

// plainStart reports whether the first bytes are those of version 1 on this
// network, and is an error if they are those of another network. It looks no
// further than to the first byte that differs: whoever speaks version 2 may send
// his key in pieces.
func (l *link) plainStart() (bool, error) {
	start := append(l.opts.Magic[:], versionStart...)
	if l.r.Buffered() < len(start) {
		if err := l.extend(); err != nil {
			return false, err
		}
	}
	for n := 1; ; n++ {
		b, err := l.r.Peek(n)
		switch {
		case err != nil:
			return false, midFrame(err)
		case b[n-1] != start[n-1]:
			b, err := l.r.Peek(len(start))
			if err == nil && bytes.Equal(b[len(l.opts.Magic):], start[len(l.opts.Magic):]) {
				err = wrongNetwork([4]byte(b), l.opts.Magic)
			}
			return false, midFrame(err)
		case n == len(start):
			return true, nil
		}
	}
}

// sendKey buffers the key and garbage of most bytes at most, which hides how long a
// handshake is.
func (l *link) sendKey(key *bip324.Key, most int) (garbage []byte, err error) {
	var n [2]byte
	rand.Read(n[:])
	garbage = make([]byte, int(binary.LittleEndian.Uint16(n[:]))%(most+1))
	rand.Read(garbage)
	w, err := l.room(len(key.Public) + len(garbage))
	if err != nil {
		return nil, err
	}
	*w = append(append(*w, key.Public[:]...), garbage...)
	return garbage, nil
}

// sendVersion buffers what ends the garbage and the version packet, which is
// empty and vouches for the garbage. It returns how long the whole handshake of
// this side is.
func (l *link) sendVersion(s *bip324.Session, garbage []byte) (int, error) {
	w, err := l.room(bip324.TerminatorSize + bip324.Overhead)
	if err != nil {
		return 0, err
	}
	*w = s.Sealer.Seal(append(*w, s.SendTerminator[:]...), false, garbage)
	return bip324.KeySize + len(garbage) + bip324.TerminatorSize + bip324.Overhead, nil
}

// initiate makes the handshake of version 2 on a connection that was dialled, as
// far as the end of the other side's garbage: only that shows that both are of
// one network. It takes no longer than a dial may take, and no longer than ctx.
// It reports whether anything came at all: where nothing did, the other side may
// know version 1 only.
func (l *link) initiate(ctx context.Context) (heard bool, err error) {
	key, err := bip324.NewKey()
	if err != nil {
		return false, err
	}
	garbage, err := l.sendKey(key, bip324.MaxGarbage)
	if err != nil {
		return false, err
	}
	if err := l.flush(); err != nil {
		return false, err
	}
	if err := l.conn.SetReadDeadline(time.Now().Add(l.patience)); err != nil {
		return false, err
	}
	past := time.Unix(1, 0)
	inTime := context.AfterFunc(ctx, func() { l.conn.SetReadDeadline(past) })
	heard, err = l.meet(key, garbage)
	if !inTime() {
		return heard, context.Cause(ctx)
	}
	if err != nil {
		return heard, err
	}
	return true, l.conn.SetReadDeadline(time.Time{})
}

// meet waits for the other side's key, and for the end of its garbage.
func (l *link) meet(key *bip324.Key, garbage []byte) (heard bool, err error) {
	l.hold()
	b, err := l.r.Peek(bip324.KeySize)
	if err != nil {
		return l.r.Buffered() > 0, midFrame(err)
	}
	theirs := [bip324.KeySize]byte(b)
	l.r.Discard(bip324.KeySize)
	session, err := key.Session(&theirs, true, l.opts.Magic)
	if err != nil {
		return true, err
	}
	f := &v2{session: session, garbage: bip324.NewGarbage(session.ReceiveTerminator), got: bip324.KeySize}
	if f.sent, err = l.sendVersion(session, garbage); err != nil {
		return true, err
	}
	if err := l.flush(); err != nil {
		return true, err
	}
	if err := f.skipGarbage(&l.socket); err != nil {
		return true, err
	}
	l.speak(f)
	return true, nil
}

// handshakeError is the failure of a dial that reached somebody who then did not
// speak version 2 to its end.
func (l *link) handshakeError(err error) error {
	return &DialError{Reason: fmt.Sprintf("the encrypted handshake failed, as it does with another network: %v", l.explain(err)), Err: err}
}
