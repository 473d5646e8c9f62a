package wallet

import (
	"fmt"
	"slices"
	"strings"

	"starling/address"
	"starling/script/descriptor"
)

// NewAddress takes a new address of a kind and gives it a label. Kind "" is
// the wallet's first choice. The address is on disk when NewAddress returns.
func (w *Wallet) NewAddress(kind Kind, label string) (address.Address, error) {
	return w.newAddress(kind, label, false)
}

// NewChangeAddress takes a new address for change.
func (w *Wallet) NewChangeAddress(kind Kind) (address.Address, error) {
	return w.newAddress(kind, "", true)
}

func (w *Wallet) newAddress(kind Kind, label string, internal bool) (address.Address, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(label) > maxText {
		return address.Address{}, paymentErrorf("a label has at most %d bytes", maxText)
	}
	script, err := w.freshScript(kind, internal)
	if err != nil {
		return address.Address{}, err
	}
	if !internal {
		w.setLabel(script, label)
	}
	if err := w.save(); err != nil {
		return address.Address{}, err
	}
	a, ok := address.FromScript(script, w.chain.Network())
	if !ok {
		return a, fmt.Errorf("%w: %s", ErrNoAddress, kind)
	}
	return a, nil
}

// freshScript takes a new script. If there is no account for its kind yet and
// the wallet has a phrase, it makes one.
func (w *Wallet) freshScript(kind Kind, internal bool) ([]byte, error) {
	if kind == "" {
		kind = w.firstChoice(internal)
	}
	if w.active(kind, internal) == nil {
		if _, seeded := w.file.Get(keySeed); seeded {
			p, err := w.phrase()
			if err != nil {
				return nil, err
			}
			if err := w.addAccount(p.master, kind, w.now()); err != nil {
				return nil, err
			}
		}
	}
	script, _, err := w.newScript(kind, internal)
	return script, err
}

// firstChoice returns the kind of address to give out where nobody asked for
// one: [Bech32], or else what there is.
func (w *Wallet) firstChoice(internal bool) Kind {
	kinds := w.kinds(internal)
	if len(kinds) == 0 || slices.Contains(kinds, Bech32) {
		return Bech32
	}
	return kinds[0]
}

// SetLabel gives an address a label. It may be any address.
func (w *Wallet) SetLabel(a address.Address, label string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(label) > maxText {
		return paymentErrorf("a label has at most %d bytes", maxText)
	}
	w.setLabel(a.Script(), label)
	return w.save()
}

func (w *Wallet) setLabel(script []byte, label string) {
	w.labels[string(script)] = label
	w.changes.Set(prefixLabel+string(script), []byte(label))
}

// Labels returns all labels in use, in order. With mine it leaves out those
// of addresses that are not the wallet's; with theirs those that are.
func (w *Wallet) Labels(mine, theirs bool) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	for script, label := range w.labels {
		_, own := w.scripts[script]
		if own && mine || !own && theirs {
			seen[label] = true
		}
	}
	all := make([]string, 0, len(seen))
	for l := range seen {
		all = append(all, l)
	}
	slices.Sort(all)
	return all
}

// Labelled is an address that has a label.
type Labelled struct {
	Address  string
	Script   []byte
	Label    string
	Mine     bool
	Desc     string // the wallet's descriptor that it comes from
	Index    int32
	Internal bool
}

// Labelled returns all addresses that have a label, in order of the addresses.
func (w *Wallet) Labelled() []Labelled {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Labelled
	for script, label := range w.labels {
		l := Labelled{Script: []byte(script), Label: label, Address: w.addressOf([]byte(script))}
		if p, ok := w.scripts[script]; ok {
			l.Mine, l.Desc, l.Index, l.Internal = true, p.chain.text, p.index, p.chain.internal
		}
		if l.Address != "" {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b Labelled) int { return strings.Compare(a.Address, b.Address) })
	return all
}

// Info is what a wallet knows about a script.
type Info struct {
	Mine       bool
	Solvable   bool
	Change     bool
	Label      string
	HasLabel   bool
	ParentDesc string
	Desc       string
	Created    int64 // when the keys were made, as far as is known
	Index      int32
	Output     descriptor.Output // if Mine and Solvable
}

// Info returns what the wallet knows about a script.
func (w *Wallet) Info(script []byte) Info {
	w.mu.Lock()
	defer w.mu.Unlock()
	var i Info
	i.Label, i.HasLabel = w.labelOf(script)
	p, ok := w.scripts[string(script)]
	if !ok {
		return i
	}
	i.Mine, i.ParentDesc, i.Index, i.Created = true, p.chain.text, p.index, p.chain.created
	i.Solvable = p.chain.desc.IsSolvable()
	i.Change = w.isChange(script)
	if out, ok := w.outputAt(p, script); ok {
		i.Output = out
		i.Desc = descriptor.Infer(out, w.chain.Network()).String()
	}
	return i
}

// Owns reports whether a script is one of the wallet's.
func (w *Wallet) Owns(script []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.scripts[string(script)]
	return ok
}

// Status is what a wallet is and how it stands.
type Status struct {
	Txs           int
	Receive       int   // addresses for payments that are watched and were not given out
	Change        int   // the same for change
	Encrypted     bool  // secrets need a passphrase
	UnlockedUntil int64 // in seconds since 1970; 0 while locked
	NoKeys        bool  // it only watches
	Blank         bool  // it has neither phrase nor descriptors
	Seeded        bool  // it has a seed phrase
	Birthday      int64
	Gap           int32
}

// Status tells what the wallet is and how it stands.
func (w *Wallet) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lockIfDue()
	s := Status{
		Txs: w.ledger.Len(), Encrypted: w.vault.encrypted(), NoKeys: w.meta.flags&flagNoKeys != 0,
		Blank: len(w.chains) == 0, Birthday: w.meta.birthday, Gap: w.meta.gap,
	}
	_, s.Seeded = w.file.Get(keySeed)
	if s.Encrypted && w.vault.open() {
		s.UnlockedUntil = w.relock.Unix()
	}
	for _, k := range w.chains {
		if !k.active {
			continue
		}
		if k.internal {
			s.Change += int(k.derived - k.next)
		} else {
			s.Receive += int(k.derived - k.next)
		}
	}
	return s
}

// Refill has at least n unused addresses of each kind watched.
func (w *Wallet) Refill(n int32) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n == 0 {
		n = w.meta.gap
	}
	if n < 1 || n > maxGap {
		return paymentErrorf("Invalid parameter, expected valid size.")
	}
	if n > w.meta.gap {
		w.meta.gap = n
		w.changes.Set(keyMeta, w.meta.append(nil))
	}
	for _, k := range w.chains {
		if _, err := w.watch(k, nil); err != nil {
			return err
		}
	}
	w.ledger.Reclaim()
	return w.save()
}
