package wallet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"starling/chain/headertree"
	"starling/script/descriptor"
	"starling/store"
	"starling/store/journal"
	"starling/wallet/seed"
)

// Options say what wallet to make. The zero value, with a name, makes one with
// a new seed phrase of 12 words.
type Options struct {
	Name string

	// Mnemonic restores a wallet from its phrase (BIP39). If it is empty a new
	// phrase of Words words (12 or 24, 0 for 12) is made.
	Mnemonic string
	Words    int
	// Extra is the phrase's own passphrase, which makes another seed of the
	// same words. It is not kept; without it the words restore nothing.
	Extra string
	// Kinds of addresses to make accounts for; nil for [Bech32] and [Bech32m].
	// Others are added when somebody asks for such an address.
	Kinds []Kind
	// Birthday is when the first payment can have been made, in seconds since
	// 1970; 0 means now for a new phrase, and at any time for one that is
	// restored.
	Birthday int64
	// Gap is how many unused addresses are watched; 0 for the default.
	Gap int32

	// NoKeys makes a wallet that only watches. It has no phrase.
	NoKeys bool
	// Blank makes a wallet without a phrase, into which keys can be imported.
	Blank bool
	// Passphrase encrypts the secrets; empty for no encryption.
	Passphrase string
}

// DefaultKinds are the kinds of addresses that wallets have from the start.
func DefaultKinds() []Kind { return []Kind{Bech32, Bech32m} }

// Create makes a wallet and loads it. It returns the seed phrase, for which
// there is no other time to be shown without unlocking; "" if there is none.
func (m *Manager) Create(ctx context.Context, o Options) (w *Wallet, mnemonic string, err error) {
	release, err := m.reserveNew(o.Name)
	if err != nil {
		return nil, "", err
	}
	defer release()
	if m.exists(o.Name) {
		return nil, "", ErrExists
	}
	w = newWallet(m, o.Name)
	if mnemonic, err = w.fill(&o); err != nil {
		return nil, "", err
	}
	if err := w.holdBlocks(); err != nil {
		return nil, "", err
	}
	if err := m.keepNew(w); err != nil {
		w.mu.Lock()
		w.letGo()
		w.mu.Unlock()
		return nil, "", err
	}
	w.lookThroughPool()
	w.poke()
	return w, mnemonic, nil
}

// IsAhead reports whether a time, in seconds since 1970, is yet to come, so that it
// is nobody's birthday.
func (m *Manager) IsAhead(t int64) bool { return t > m.cfg.Clock.Now().Unix() }

// keepNew writes a new wallet to disk and adds it to the loaded ones, or else
// leaves nothing behind.
func (m *Manager) keepNew(w *Wallet) error {
	if err := m.makeDir(w.name); err != nil {
		return err
	}
	// In what follows the first error counts.
	if err := w.write(m.path(w.name)); err != nil {
		_ = m.cfg.FS.Remove(m.dir(w.name)) // unless something is in it
		return err
	}
	err := m.adopt(w)
	if err != nil {
		_ = m.discard(w.name)
	}
	return err
}

// fill makes what a new wallet holds.
func (w *Wallet) fill(o *Options) (mnemonic string, err error) {
	net, now := w.chain.Network(), w.now()
	w.meta = meta{network: net.Name, genesis: net.GenesisHash, birthday: o.Birthday, gap: o.Gap, created: now}
	restored := o.Mnemonic != ""
	seeded := !o.NoKeys && !o.Blank
	switch {
	case o.NoKeys && (restored || o.Passphrase != ""):
		return "", errors.New("a wallet that only watches has neither a phrase nor a passphrase")
	case o.Blank && restored:
		return "", errors.New("a blank wallet has no phrase")
	case !seeded && (o.Words != 0 || o.Extra != "" || len(o.Kinds) > 0):
		return "", errors.New("a wallet without a phrase has no words, extra passphrase or kinds of addresses")
	}
	if o.NoKeys {
		w.meta.flags |= flagNoKeys
	}
	if w.meta.gap == 0 {
		w.meta.gap = DefaultGap
	}
	if w.meta.gap < 1 || w.meta.gap > maxGap {
		return "", fmt.Errorf("a gap of %d is not between 1 and %d", w.meta.gap, maxGap)
	}
	if w.meta.birthday == 0 && !restored {
		w.meta.birthday = now
	}
	// Whoever gave the birthday may be ahead of the clock, and blocks that are yet
	// to be mined would be skipped until then.
	w.meta.birthday = min(w.meta.birthday, now)
	if !w.chain.IsInitialDownload() {
		// The wallet's clock may be ahead of the chain. Nothing that is mined from
		// now on may be taken for older.
		w.meta.birthday = min(w.meta.birthday, w.tipTime())
	}
	// Blank wallets have no file yet, so that their secrets go into changes.
	if o.Passphrase != "" {
		if err := w.encrypt(o.Passphrase); err != nil {
			return "", err
		}
	}
	if seeded {
		mnemonic = o.Mnemonic
		if !restored {
			words := o.Words
			if words == 0 {
				words = seed.DefaultWords
			}
			if mnemonic, err = seed.New(words, rand.Reader); err != nil {
				return "", err
			}
		}
		if mnemonic, err = w.plant(mnemonic, o.Extra, o.Kinds, w.meta.birthday); err != nil {
			return "", err
		}
	}
	w.at = w.startFrom(restored)
	// Nobody has given the passphrase to unlock it.
	w.vault.lock()
	return mnemonic, w.readGenesis()
}

// readGenesis takes in the first block if the wallet stands on it, as reading
// goes on with the block after that.
func (w *Wallet) readGenesis() error {
	if w.at.Height > 0 || w.isDetached() {
		return nil
	}
	b, err := w.block(w.at)
	if err != nil {
		return err
	}
	w.readBlock(w.at, b)
	return nil
}

// startFrom returns the block from which a new wallet reads on: the tip, as
// nobody can have paid to keys that did not exist, or what comes before the
// birthday of one that is restored.
func (w *Wallet) startFrom(restored bool) *headertree.Node {
	tip := w.chain.Tip()
	if !restored {
		return tip
	}
	n := tip
	for n.Parent != nil {
		n = n.Parent
	}
	return n
}

// makeDir makes the directory of a wallet, so that it is there after a crash.
func (m *Manager) makeDir(name string) error {
	fsys := m.cfg.FS
	if err := fsys.MkdirAll(m.dir(name), 0o700); err != nil {
		return err
	}
	for _, dir := range []string{m.cfg.Dir, fsys.PathDir(m.cfg.Dir)} {
		if err := store.SyncDir(fsys, dir); err != nil {
			_ = fsys.Remove(m.dir(name)) // unless something is in it
			return err
		}
	}
	return nil
}

// discard takes back the file of a wallet that could not be made, and its
// directory if nothing else is in it.
func (m *Manager) discard(name string) error {
	err := m.cfg.FS.Remove(m.path(name))
	_ = m.cfg.FS.Remove(m.dir(name))
	return err
}

// write makes the wallet's file.
func (w *Wallet) write(path string) error {
	w.changes.Set(keyMeta, w.meta.append(nil))
	if w.vault.locked != nil {
		w.changes.Set(keyMaster, w.vault.locked.append(nil))
	}
	p := position{locator: headertree.Locator(w.at), height: w.at.Height, scan: w.scan}
	w.changes.Set(keyPosition, p.append(nil))
	b := w.pending()
	f, err := fileFormat().Create(w.m.cfg.FS, path, &b)
	if err != nil {
		return err
	}
	w.changes = journal.Batch{}
	w.ledger.Saved()
	w.savedAt = w.at
	w.file = f
	return nil
}

// plant derives the accounts of a phrase and puts them and the phrase into the
// changes. It returns the phrase in its usual form.
func (w *Wallet) plant(mnemonic, extra string, kinds []Kind, created int64) (string, error) {
	mnemonic, err := seed.Check(mnemonic)
	if err != nil {
		return "", err
	}
	master, err := seed.Master(mnemonic, extra, w.chain.Network())
	if err != nil {
		return "", err
	}
	s := phrase{mnemonic: mnemonic, extra: extra != "", master: master}
	stored, err := w.vault.store(keySeed, s.append(nil))
	if err != nil {
		return "", err
	}
	w.changes.Set(keySeed, stored)
	if kinds == nil {
		kinds = DefaultKinds()
	}
	for _, k := range kinds {
		if err := w.addAccount(master, k, created); err != nil {
			return "", err
		}
	}
	return mnemonic, nil
}

// addAccount adds the two keychains of a kind of addresses, as its BIP says.
func (w *Wallet) addAccount(master string, kind Kind, created int64) error {
	purpose, ok := map[Kind]seed.Purpose{Legacy: seed.BIP44, P2SHSegwit: seed.BIP49, Bech32: seed.BIP84, Bech32m: seed.BIP86}[kind]
	if !ok {
		return fmt.Errorf("%w: %s", ErrNoAddress, kind)
	}
	receive, change, err := seed.Account(master, purpose, 0, w.chain.Network())
	if err != nil {
		return err
	}
	for i, d := range []*descriptor.Descriptor{receive, change} {
		k := &keychain{active: true, internal: i == 1, created: created}
		if err := w.addChain(k, d); err != nil {
			return err
		}
	}
	return nil
}

// addChain adds a keychain with a descriptor, whose private keys, if it has
// any, are kept as a secret. The changes say what must be written.
func (w *Wallet) addChain(k *keychain, d *descriptor.Descriptor) error {
	text, err := d.Normalized()
	if err != nil {
		return err
	}
	if k.desc, err = descriptor.ParseOne(text, w.chain.Network()); err != nil {
		return err
	}
	k.num, k.text, k.kind = w.nextNum, text, Kind(d.OutputType())
	k.derived = k.first
	var stored []byte
	if private, ok := d.Private(); ok {
		if stored, err = w.vault.store(k.secretKey(), []byte(private)); err != nil {
			return err
		}
		k.hasKeys = true
	}
	if _, err := w.watch(k, d); err != nil {
		return err
	}
	if k.hasKeys {
		w.changes.Set(k.secretKey(), stored)
	}
	w.nextNum++
	w.chains = append(w.chains, k)
	w.changes.Set(k.key(), k.append(nil))
	return nil
}
