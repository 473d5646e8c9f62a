package seed

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/tyler-smith/go-bip39"
	"golang.org/x/text/unicode/norm"

	"starling/params"
)

// Lengths of phrases in words. Each three words stand for 32 bits of
// randomness.
const (
	MinWords     = 12
	MaxWords     = 24
	DefaultWords = 12
)

// Errors about phrases. They say what to look for without repeating a word of
// the phrase, so that they may be logged.
var (
	ErrWords    = errors.New("a seed phrase has 12, 15, 18, 21 or 24 words")
	ErrWord     = errors.New("a word is not in the list of BIP39's English words")
	ErrChecksum = errors.New("the words do not belong together: one is wrong, or they are in another order")
)

// New makes a phrase of 12, 15, 18, 21 or 24 words with randomness from rand,
// which is crypto/rand.Reader but in tests.
func New(words int, rand io.Reader) (string, error) {
	if words < MinWords || words > MaxWords || words%3 != 0 {
		return "", ErrWords
	}
	entropy := make([]byte, words/3*4)
	if _, err := io.ReadFull(rand, entropy); err != nil {
		return "", fmt.Errorf("no randomness for a seed phrase: %w", err)
	}
	return bip39.NewMnemonic(entropy)
}

// Check brings a phrase into its usual form, small letters and single spaces,
// and checks it. The error is [ErrWords], [ErrWord] or [ErrChecksum].
func Check(phrase string) (string, error) {
	words := strings.Fields(strings.ToLower(norm.NFKD.String(phrase)))
	if len(words) < MinWords || len(words) > MaxWords || len(words)%3 != 0 {
		return "", ErrWords
	}
	for i, w := range words {
		if _, ok := bip39.GetWordIndex(w); !ok {
			return "", fmt.Errorf("word %d of the seed phrase: %w", i+1, ErrWord)
		}
	}
	phrase = strings.Join(words, " ")
	if _, err := bip39.EntropyFromMnemonic(phrase); err != nil {
		return "", ErrChecksum
	}
	return phrase, nil
}

// Seed returns the 64 bytes that a phrase stands for, together with an extra
// passphrase, which may be empty. The errors are those of [Check].
func Seed(phrase, passphrase string) ([]byte, error) {
	phrase, err := Check(phrase)
	if err != nil {
		return nil, err
	}
	return bip39.NewSeed(phrase, norm.NFKD.String(passphrase)), nil
}

// Master returns the master key of a phrase and an extra passphrase, as an
// extended private key of network net.
func Master(phrase, passphrase string, net *params.Network) (string, error) {
	seed, err := Seed(phrase, passphrase)
	if err != nil {
		return "", err
	}
	return MasterOf(seed, net)
}

// MasterOf returns the master key of a seed of 16 to 64 bytes (BIP32), as an
// extended private key of network net.
func MasterOf(seed []byte, net *params.Network) (string, error) {
	// Of the parameters, the library asks for nothing else.
	k, err := hdkeychain.NewMaster(seed, &chaincfg.Params{HDPrivateKeyID: net.HDPrivate, HDPublicKeyID: net.HDPublic})
	if err != nil {
		return "", err
	}
	return k.String(), nil
}
