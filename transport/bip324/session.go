package bip324

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ellswift"
)

// KeySize is the length of a public key in bytes: two field elements, which
// cannot be told from chance.
const KeySize = 64

// Key is the key that one side has for one connection.
type Key struct {
	private *btcec.PrivateKey
	// Public is what the other side is told.
	Public [KeySize]byte
}

// NewKey draws a key.
func NewKey() (*Key, error) {
	private, public, err := ellswift.EllswiftCreate()
	if err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	return &Key{private, public}, nil
}

// Session is what both sides know once they have each other's keys.
type Session struct {
	// ID is the same at both ends exactly if nobody sits between them.
	ID [32]byte
	// SendTerminator ends the garbage of this side, ReceiveTerminator that of
	// the other.
	SendTerminator, ReceiveTerminator [TerminatorSize]byte
	// Sealer and Opener are for the packets of this and of the other side.
	Sealer Sealer
	Opener Opener
}

// Session derives the session from the other side's public key. Every 64 bytes
// are a key. The two sides agree only if exactly one of them is the initiator
// and the magic, which tells the networks apart, is the same.
func (k *Key) Session(theirs *[KeySize]byte, initiator bool, magic [4]byte) (*Session, error) {
	secret, err := ellswift.V2Ecdh(k.private, *theirs, k.Public, initiator)
	if err != nil {
		return nil, fmt.Errorf("agree on a secret: %w", err)
	}
	salt := append([]byte("bitcoin_v2_shared_secret"), magic[:]...)
	prk, err := hkdf.Extract(sha256.New, secret[:], salt)
	if err != nil {
		return nil, fmt.Errorf("derive the keys: %w", err)
	}
	var keys [6][]byte
	for i, info := range []string{
		"initiator_L", "initiator_P", "responder_L", "responder_P", "garbage_terminators", "session_id",
	} {
		if keys[i], err = hkdf.Expand(sha256.New, prk, info, 32); err != nil {
			return nil, fmt.Errorf("derive the keys: %w", err)
		}
	}
	send, receive, ends, id := keys[0:2], keys[2:4], keys[4], keys[5]
	sendEnd, receiveEnd := ends[:TerminatorSize], ends[TerminatorSize:]
	if !initiator {
		send, receive = receive, send
		sendEnd, receiveEnd = receiveEnd, sendEnd
	}
	return &Session{
		ID:             [32]byte(id),
		SendTerminator: [TerminatorSize]byte(sendEnd), ReceiveTerminator: [TerminatorSize]byte(receiveEnd),
		Sealer: Sealer{newLengthCipher(send[0]), newPacketCipher(send[1])},
		Opener: Opener{newLengthCipher(receive[0]), newPacketCipher(receive[1])},
	}, nil
}
