package wallet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"starling/chain"
	"starling/chain/headertree"
	"starling/clock"
	"starling/script/descriptor"
	"starling/store"
	"starling/store/journal"
	"starling/wallet/ledger"
	"starling/wire"
)

// Wallet is one loaded wallet. Its methods may be called by any goroutine.
type Wallet struct {
	m     *Manager
	name  string
	chain Chain
	clk   clock.Clock
	log   *slog.Logger

	stop    context.CancelFunc // of run; nil if it does not run
	stopped chan struct{}
	wake    chan struct{} // tells run to look again

	// followMu is held by whoever moves the wallet along the chain. It is
	// taken before mu.
	followMu sync.Mutex

	// delivery is held while the wallet takes in what the pool has told of, so that
	// it stays in order. It is taken before mu.
	delivery sync.Mutex
	events   poolEvents

	mu      sync.Mutex
	file    *journal.File
	closed  bool
	meta    meta
	vault   vault
	relock  time.Time // when the wallet locks itself; zero for never
	chains  []*keychain
	nextNum uint32
	scripts map[string]place // scripts that are watched
	labels  map[string]string
	ledger  *ledger.Ledger

	trouble error       // what keeps the wallet from following the chain
	hold    *chain.Hold // of the blocks that are still to be read

	at        *headertree.Node // the block the wallet stands on
	scan      int32            // next height to read again, or -1
	scanning  *scanState       // of somebody who waits
	resentAt  *headertree.Node // where unconfirmed payments were last handed in
	moved     bool             // scan has changed since the last save
	savedAt   *headertree.Node
	sinceSave int
	changes   journal.Batch // to be written with the next save
}

func newWallet(m *Manager, name string) *Wallet {
	w := &Wallet{
		m: m, name: name, chain: m.cfg.Chain, clk: m.cfg.Clock, log: m.log.With("wallet", name),
		wake: make(chan struct{}, 1), scripts: map[string]place{}, labels: map[string]string{},
		scan: -1, events: poolEvents{wake: make(chan struct{}, 1)},
	}
	net := w.chain.Network()
	rules := ledger.Rules{CoinbaseMaturity: net.CoinbaseMaturity, GenesisSpendable: net.GenesisSpendable}
	w.ledger = ledger.New(rules, func(script []byte) bool { _, ok := w.scripts[string(script)]; return ok })
	return w
}

// Name returns the wallet's name.
func (w *Wallet) Name() string { return w.name }

func (w *Wallet) now() int64 { return w.clk.Now().Unix() }

// open reads a wallet from disk.
func (m *Manager) open(name string) (*Wallet, error) {
	for _, dir := range []string{m.cfg.Dir, m.dir(name)} {
		if err := store.MakePrivate(m.cfg.FS, dir); err != nil {
			return nil, err
		}
	}
	f, err := fileFormat().Open(m.cfg.FS, m.path(name))
	if err != nil {
		return nil, err
	}
	w := newWallet(m, name)
	w.file = f
	if err := w.read(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if w.vault.encrypted() {
		// A crash may have come between encrypting and this.
		if err := w.dropAside(false); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if n, kept := f.Torn(); n > 0 {
		w.log.Warn("the end of the wallet file was cut short by a crash; the file as it was is kept beside it",
			"bytes", n, "kept", kept)
	}
	return w, nil
}

// damaged returns the error for a value that does not decode.
func (w *Wallet) damaged(key string, err error) error {
	return &store.CorruptError{Path: w.file.Path(), What: fmt.Sprintf("entry %q: %v", key, err), Err: err,
		Advice: "nothing was changed; restore it from a backup, or restore the wallet from its seed phrase"}
}

// read takes the file's content in.
func (w *Wallet) read() error {
	var pos position
	seen := map[string]bool{}
	for key, value := range w.file.All("") {
		var err error
		head, rest, _ := strings.Cut(key, ":")
		switch seen[key] = true; {
		case key == keyMeta:
			w.meta, err = parseMeta(value)
		case key == keyPosition:
			pos, err = parsePosition(value)
		case key == keyMaster:
			w.vault.locked, err = parseLockedKey(value)
		case key == keySeed, head+":" == prefixPriv:
			// Secrets are read when they are needed.
		case head+":" == prefixChain:
			err = w.readChain(rest, value)
		case head+":" == prefixTx:
			var r *ledger.Record
			if r, err = ledger.ParseRecord(value); err == nil {
				if key != txKey(r.ID) {
					err = errors.New("it is another transaction")
				} else {
					w.ledger.Insert(r)
				}
			}
		case head+":" == prefixLabel:
			w.labels[rest] = string(value)
		case head+":" == prefixLock:
			var op wire.OutPoint
			if op, err = parseOutPoint(rest); err == nil {
				w.ledger.InsertFrozen(op)
			}
		default:
			err = errors.New("unknown; a newer program made it")
		}
		if err != nil {
			return w.damaged(key, err)
		}
	}
	if !seen[keyMeta] || !seen[keyPosition] {
		return w.damaged(keyMeta, errors.New("missing"))
	}
	net := w.chain.Network()
	// One that was made before there was a chain takes this one for its own.
	adopts := w.meta.genesis == (wire.Hash{}) && w.meta.network == net.Name && !w.isDetached()
	if adopts {
		w.meta.genesis = net.GenesisHash
		w.changes.Set(keyMeta, w.meta.append(nil))
	}
	if w.meta.genesis != net.GenesisHash {
		return fmt.Errorf("wallet %s belongs to network %s, not to this one (%s)", w.name, w.meta.network, net.Name)
	}
	// An earlier program took birthdays that were yet to come.
	w.meta.birthday = min(w.meta.birthday, w.now())
	slices.SortFunc(w.chains, func(a, b *keychain) int { return int(a.num) - int(b.num) })
	for _, k := range w.chains {
		if _, err := w.watch(k, nil); err != nil {
			return w.damaged(k.key(), err)
		}
	}
	w.ledger.Reclaim()
	w.place(pos)
	if adopts {
		return w.readGenesis()
	}
	return nil
}

func (w *Wallet) readChain(num string, value []byte) error {
	n, err := strconv.ParseUint(num, 10, 32)
	if err != nil {
		return err
	}
	k, err := parseKeychain(value)
	if err != nil {
		return err
	}
	k.num = uint32(n)
	w.nextNum = max(w.nextNum, k.num+1)
	if k.desc, err = descriptor.ParseOne(k.text, w.chain.Network()); err != nil {
		return err
	}
	k.kind = Kind(k.desc.OutputType())
	k.derived = k.first
	w.chains = append(w.chains, k)
	return nil
}

// place finds the block that the wallet stands on, or the last one that both
// it and the chain know, and takes back what rests on blocks that are gone.
func (w *Wallet) place(pos position) {
	w.scan = pos.scan
	for _, h := range pos.locator {
		if w.at = w.chain.Lookup(h); w.at != nil {
			break
		}
	}
	if w.at == nil {
		w.at = w.chain.Lookup(w.meta.genesis)
	}
	// A branch that was left is undone block by block, from where the wallet
	// stands.
	w.ledger.Rebase(func(block wire.Hash) bool {
		n := w.chain.Lookup(block)
		return n != nil && n.IsAncestorOf(w.at)
	})
}

func txKey(id wire.Hash) string { return prefixTx + id.String() }

func parseOutPoint(s string) (op wire.OutPoint, err error) {
	id, n, ok := strings.Cut(s, ":")
	if !ok {
		return op, errors.New("no outpoint")
	}
	if op.Hash, err = wire.HashFromString(id); err != nil {
		return op, err
	}
	i, err := strconv.ParseUint(n, 10, 32)
	op.Index = uint32(i)
	return op, err
}

func lockKeyOf(op wire.OutPoint) string {
	return prefixLock + op.Hash.String() + ":" + strconv.FormatUint(uint64(op.Index), 10)
}

// touchPosition has the position written with the next save.
func (w *Wallet) touchPosition() { w.moved = true }

// pending returns all that is to be written, but for the position.
func (w *Wallet) pending() journal.Batch {
	b := w.changes
	c := w.ledger.Changes()
	for _, r := range c.Records {
		b.Set(txKey(r.ID), r.Append(nil))
	}
	for _, id := range c.Removed {
		b.Delete(txKey(id))
	}
	for _, op := range c.Frozen {
		b.Set(lockKeyOf(op), []byte{1})
	}
	for _, op := range c.Thawed {
		b.Delete(lockKeyOf(op))
	}
	return b
}

// hasChanges reports whether there is anything to write but the position.
func (w *Wallet) hasChanges() bool { return w.changes.Len() > 0 || w.ledger.Changed() }

// save writes what has changed, durably. The caller holds mu.
func (w *Wallet) save() error {
	if w.closed {
		return ErrClosed
	}
	b := w.pending()
	if w.moved || w.at != w.savedAt || w.sinceSave > 0 && w.scan >= 0 {
		p := position{locator: headertree.Locator(w.at), height: w.at.Height, scan: w.scan}
		b.Set(keyPosition, p.append(nil))
	}
	if err := w.file.Commit(&b); err != nil {
		return fmt.Errorf("wallet %s: %w", w.name, err)
	}
	w.changes = journal.Batch{}
	w.ledger.Saved()
	w.savedAt, w.moved, w.sinceSave = w.at, false, 0
	w.moveHold()
	return nil
}

// retryEvery is how long run waits after an error before it tries again.
const retryEvery = 10 * time.Second

// run follows the chain until ctx ends.
func (w *Wallet) run(ctx context.Context) {
	failing := w.Trouble() != nil // then the log has it already
	for ctx.Err() == nil {
		changed := w.chain.TipChanged()
		err := w.Sync(ctx)
		more := false
		if err == nil {
			more, err = w.advance(ctx)
		}
		if err != nil && ctx.Err() == nil && !failing {
			w.log.Error("wallet does not follow the chain", "err", err)
		}
		if ctx.Err() == nil {
			w.strand(err)
		}
		failing = err != nil
		if more {
			continue
		}
		var timer *clock.Timer
		var due <-chan time.Time
		if d, ok := w.nextDue(failing); ok {
			timer = w.clk.NewTimer(d)
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-w.wake:
		case <-due:
		}
		if timer != nil {
			timer.Stop()
		}
		w.relockIfDue()
	}
}

// nextDue returns how long run may wait at most.
func (w *Wallet) nextDue(failing bool) (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var d time.Duration
	ok := false
	if failing {
		d, ok = retryEvery, true
	}
	if !w.relock.IsZero() {
		if until := max(0, w.relock.Sub(w.clk.Now())); !ok || until < d {
			d, ok = until, true
		}
	}
	return d, ok
}

// poke makes run look again.
func (w *Wallet) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// close writes everything and closes the file. run must have ended.
func (w *Wallet) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.vault.lock()
	w.letGo()
	err := w.save()
	w.closed = true
	if s := w.scanning; s != nil {
		s.err = ErrClosed
		w.scanning = nil
		close(s.done)
	}
	return errors.Join(err, w.file.Close())
}
