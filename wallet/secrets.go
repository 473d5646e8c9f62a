package wallet

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"starling/store/journal"
	"starling/wire"
)

// phrase is the secret that a wallet's accounts come from.
type phrase struct {
	mnemonic string
	extra    bool   // it was used with a passphrase of its own
	master   string // the extended private key that both make
}

func (p *phrase) append(dst []byte) []byte {
	flags := byte(0)
	if p.extra {
		flags = 1
	}
	dst = append(dst, 1, flags)
	dst = wire.AppendVarBytes(dst, []byte(p.mnemonic))
	return wire.AppendVarBytes(dst, []byte(p.master))
}

func parsePhrase(b []byte) (*phrase, error) {
	c := wire.NewCursor(b, "seed phrase")
	if v := c.Uint8(); v != 1 {
		c.Failf("version %d", v)
	}
	p := &phrase{extra: c.Uint8() != 0}
	p.mnemonic, p.master = string(c.VarBytes(maxText)), string(c.VarBytes(maxText))
	return p, c.End()
}

// phrase returns the wallet's seed phrase; nil if it has none.
func (w *Wallet) phrase() (*phrase, error) {
	stored, ok := w.file.Get(keySeed)
	if !ok {
		return nil, nil
	}
	b, err := w.vault.load(keySeed, stored)
	if err != nil {
		return nil, err
	}
	p, err := parsePhrase(b)
	if err != nil {
		return nil, w.damaged(keySeed, err)
	}
	return p, nil
}

// Mnemonic returns the seed phrase, and whether it needs a passphrase of its
// own to restore the wallet. The phrase is "" if the wallet has none.
func (w *Wallet) Mnemonic() (words string, extra bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, err := w.phrase()
	if err != nil || p == nil {
		return "", false, err
	}
	return p.mnemonic, p.extra, nil
}

// encrypt makes a master key for a wallet that has no secrets yet.
func (w *Wallet) encrypt(passphrase string) error {
	master := make([]byte, masterKeySize)
	rand.Read(master)
	locked, err := lockKey(master, passphrase, w.m.cfg.PassphraseCost)
	if err != nil {
		return err
	}
	w.vault.locked, w.vault.master = locked, master
	return nil
}

// Encrypt encrypts the secrets of a wallet and locks it. The file is written
// anew, so that nothing of what was readable before is left in it or beside it.
// The seed phrase stays the same.
func (w *Wallet) Encrypt(passphrase string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return ErrClosed
	case w.meta.flags&flagNoKeys != 0:
		return ErrWatchOnly
	case w.vault.encrypted():
		return ErrEncrypted
	case passphrase == "":
		return paymentErrorf("passphrase cannot be empty")
	}
	// Nothing that is not encrypted may wait to be written.
	if err := w.save(); err != nil {
		return err
	}
	plain := map[string][]byte{}
	for key, stored := range w.file.All("") {
		if key == keySeed || strings.HasPrefix(key, prefixPriv) {
			b, err := w.vault.load(key, stored)
			if err != nil {
				return err
			}
			plain[key] = b
		}
	}
	if err := w.encrypt(passphrase); err != nil {
		return err
	}
	// Only what belongs together goes into this commit.
	var b journal.Batch
	b.Set(keyMaster, w.vault.locked.append(nil))
	for _, key := range slices.Sorted(maps.Keys(plain)) {
		stored, err := w.vault.store(key, plain[key])
		if err != nil {
			w.vault = vault{}
			return err
		}
		b.Set(key, stored)
	}
	if err := w.file.Replace(&b); err != nil {
		w.vault = vault{}
		return fmt.Errorf("wallet %s: %w", w.name, err)
	}
	w.vault.lock()
	return w.dropAside(true)
}

// dropAside deletes what was set aside of the wallet's file and is not under its
// passphrase: it holds secrets as they were before they were encrypted, or under
// another one. With all, what can not be read is deleted too.
func (w *Wallet) dropAside(all bool) error {
	fsys := w.m.cfg.FS
	aside, err := journal.Aside(fsys, w.file.Path())
	if err != nil {
		return err
	}
	master, _ := w.file.Get(keyMaster)
	for _, name := range aside {
		old, err := fileFormat().ReadAside(fsys, name)
		if err == nil && bytes.Equal(old[keyMaster], master) || err != nil && !all {
			continue
		}
		if err := fsys.Remove(name); err != nil {
			return fmt.Errorf("wallet %s is encrypted, but a copy of its file that is not remains: %w", w.name, err)
		}
		w.log.Warn("a copy of the wallet file from before a crash was deleted, as its secrets are not under the passphrase", "file", name)
	}
	return nil
}

// maxUnlock bounds how long a wallet stays unlocked, as Core does.
const maxUnlock = 100_000_000 * time.Second

// Unlock makes the secrets readable for a while. A duration of zero or less
// locks the wallet at once. The error is ErrPassphrase for a wrong passphrase.
func (w *Wallet) Unlock(passphrase string, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.vault.encrypted() {
		return ErrNotEncrypted
	}
	if err := w.vault.unlock(passphrase); err != nil {
		return err
	}
	w.relock = w.clk.Now().Add(min(d, maxUnlock))
	// What only the private keys tell can be watched now.
	for _, k := range w.chains {
		if k.desc.NeedsPrivate() {
			if _, err := w.watch(k, nil); err != nil {
				return err
			}
		}
	}
	w.lockIfDue()
	w.poke()
	return nil
}

// Lock makes the secrets unreadable until the next Unlock.
func (w *Wallet) Lock() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.vault.encrypted() {
		return ErrNotEncrypted
	}
	w.vault.lock()
	w.relock = time.Time{}
	return nil
}

// relockIfDue locks the wallet when its time is over.
func (w *Wallet) relockIfDue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lockIfDue()
}

func (w *Wallet) lockIfDue() {
	if !w.relock.IsZero() && !w.clk.Now().Before(w.relock) {
		w.vault.lock()
		w.relock = time.Time{}
	}
}

// ChangePassphrase encrypts the wallet's master key with another passphrase.
// The error is ErrPassphrase if the old one is wrong.
func (w *Wallet) ChangePassphrase(old, new string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.vault.encrypted() {
		return ErrNotEncrypted
	}
	if new == "" {
		return paymentErrorf("passphrase cannot be empty")
	}
	master, err := w.vault.locked.open(old)
	if err != nil {
		return err
	}
	defer clear(master)
	locked, err := lockKey(master, new, w.m.cfg.PassphraseCost)
	if err != nil {
		return err
	}
	var b journal.Batch
	b.Set(keyMaster, locked.append(nil))
	// The old passphrase must not open what is left in the file.
	if err := w.file.Replace(&b); err != nil {
		return fmt.Errorf("wallet %s: %w", w.name, err)
	}
	w.vault.locked = locked
	return w.dropAside(true)
}

// needKeys returns ErrWatchOnly or ErrLocked if the wallet cannot sign now.
func (w *Wallet) needKeys() error {
	w.lockIfDue()
	switch {
	case w.meta.flags&flagNoKeys != 0:
		return ErrWatchOnly
	case !w.vault.open():
		return ErrLocked
	}
	return nil
}
