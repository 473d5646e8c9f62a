package wallet

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/scrypt"

	"starling/wire"
)

// Secrets at rest: a random master key encrypts each secret with
// XChaCha20-Poly1305; the master key itself is encrypted with a key that scrypt
// makes of the passphrase. Changing the passphrase encrypts the master key
// anew and leaves the secrets as they are.
const (
	masterKeySize = chacha20poly1305.KeySize
	saltSize      = 16

	// scryptLogN, scryptR and scryptP make one guess cost 32 MiB and about a
	// tenth of a second.
	scryptLogN = 15
	scryptR    = 8
	scryptP    = 1

	// maxScryptLogN bounds what a file can make us spend: 1 GiB.
	maxScryptLogN = 20
	maxScryptRP   = 32
)

// ErrPassphrase is returned for a passphrase that does not fit.
var ErrPassphrase = errors.New("wallet: the passphrase is wrong")

// lockedKey is the master key as it is stored.
type lockedKey struct {
	logN, r, p uint8
	salt       []byte
	sealed     []byte // nonce and ciphertext
}

func (k *lockedKey) append(dst []byte) []byte {
	dst = append(dst, 1, k.logN, k.r, k.p)
	dst = wire.AppendVarBytes(dst, k.salt)
	return wire.AppendVarBytes(dst, k.sealed)
}

func parseLockedKey(b []byte) (*lockedKey, error) {
	c := wire.NewCursor(b, "encrypted master key")
	if v := c.Uint8(); v != 1 {
		c.Failf("version %d", v)
	}
	k := &lockedKey{logN: c.Uint8(), r: c.Uint8(), p: c.Uint8()}
	if k.logN < 1 || k.logN > maxScryptLogN || k.r < 1 || k.p < 1 || k.r > maxScryptRP || k.p > maxScryptRP {
		c.Failf("cost out of range")
	}
	k.salt = c.VarBytes(64)
	k.sealed = c.VarBytes(256)
	return k, c.End()
}

func (k *lockedKey) kek(passphrase string) (cipher.AEAD, error) {
	key, err := scrypt.Key([]byte(passphrase), k.salt, 1<<k.logN, int(k.r), int(k.p), chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return chacha20poly1305.NewX(key)
}

// masterAD is what the sealed master key is bound to.
const masterAD = "starling wallet master key"

// lockKey encrypts a master key with a passphrase. logN is the cost.
func lockKey(master []byte, passphrase string, logN uint8) (*lockedKey, error) {
	k := &lockedKey{logN: logN, r: scryptR, p: scryptP, salt: make([]byte, saltSize)}
	rand.Read(k.salt)
	a, err := k.kek(passphrase)
	if err != nil {
		return nil, err
	}
	k.sealed = seal(a, master, masterAD)
	return k, nil
}

// open returns the master key, or ErrPassphrase.
func (k *lockedKey) open(passphrase string) ([]byte, error) {
	a, err := k.kek(passphrase)
	if err != nil {
		return nil, err
	}
	master, err := unseal(a, k.sealed, masterAD)
	if err != nil || len(master) != masterKeySize {
		return nil, ErrPassphrase
	}
	return master, nil
}

func seal(a cipher.AEAD, plain []byte, ad string) []byte {
	out := make([]byte, a.NonceSize(), a.NonceSize()+len(plain)+a.Overhead())
	rand.Read(out)
	return a.Seal(out, out, plain, []byte(ad))
}

func unseal(a cipher.AEAD, sealed []byte, ad string) ([]byte, error) {
	if len(sealed) < a.NonceSize() {
		return nil, errors.New("wallet: encrypted data is too short")
	}
	return a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], []byte(ad))
}

// vault gives and takes the secrets of one wallet. The zero value is that of a
// wallet without encryption.
type vault struct {
	locked *lockedKey // nil if secrets are not encrypted
	master []byte     // nil while locked
}

// encrypted reports whether secrets need a passphrase.
func (v *vault) encrypted() bool { return v.locked != nil }

// open reports whether secrets can be read now.
func (v *vault) open() bool { return v.locked == nil || v.master != nil }

func (v *vault) unlock(passphrase string) error {
	master, err := v.locked.open(passphrase)
	if err != nil {
		return err
	}
	if v.master != nil && subtle.ConstantTimeCompare(v.master, master) != 1 {
		return ErrPassphrase
	}
	v.master = master
	return nil
}

func (v *vault) lock() {
	clear(v.master)
	v.master = nil
}

func (v *vault) aead() (cipher.AEAD, error) {
	if v.master == nil {
		return nil, ErrLocked
	}
	return chacha20poly1305.NewX(v.master)
}

// The first byte of a stored secret.
const (
	secretPlain  = 0
	secretSealed = 1
)

// store returns a secret as it is written to disk under the given key.
func (v *vault) store(key string, secret []byte) ([]byte, error) {
	if !v.encrypted() {
		return append([]byte{secretPlain}, secret...), nil
	}
	a, err := v.aead()
	if err != nil {
		return nil, err
	}
	return append([]byte{secretSealed}, seal(a, secret, key)...), nil
}

// load is the inverse of store. It returns ErrLocked while the wallet is
// locked.
func (v *vault) load(key string, stored []byte) ([]byte, error) {
	switch {
	case len(stored) == 0:
		return nil, fmt.Errorf("wallet: secret %s is empty", key)
	case stored[0] == secretPlain:
		return stored[1:], nil
	case stored[0] != secretSealed:
		return nil, fmt.Errorf("wallet: secret %s has unknown form %d", key, stored[0])
	}
	a, err := v.aead()
	if err != nil {
		return nil, err
	}
	plain, err := unseal(a, stored[1:], key)
	if err != nil {
		return nil, fmt.Errorf("wallet: secret %s does not decrypt: the file is damaged", key)
	}
	return plain, nil
}
