package wallet

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"

	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/sign"
	"starling/wire"
)

// SignResult is a transaction that a wallet has signed as far as it could.
type SignResult struct {
	Tx     *wire.Tx
	Errors []*sign.InputError // why inputs are not complete; empty if all are
}

// SignTx signs the inputs of a transaction that the wallet has keys for.
// spent[i] is the output that input i spends, with a nil script if it is not
// known; known holds more about outputs that are not the wallet's, and may be
// nil. The error is ErrLocked or ErrWatchOnly.
func (w *Wallet) SignTx(tx *wire.Tx, spent []wire.TxOut, known *descriptor.Known, hashType *uint32) (SignResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.needKeys(); err != nil {
		return SignResult{}, err
	}
	j, err := w.job(tx, spent, known)
	if err != nil {
		return SignResult{}, err
	}
	j.HashType = hashType
	signed, errs := j.Run()
	return SignResult{signed, errs}, nil
}

// job prepares the signing of a transaction.
func (w *Wallet) job(tx *wire.Tx, spent []wire.TxOut, known *descriptor.Known) (*sign.Job, error) {
	j := &sign.Job{Tx: tx, Outputs: make([]descriptor.Output, len(spent)), Values: make([]int64, len(spent))}
	var ring ring
	private := map[*keychain]*descriptor.Descriptor{}
	for i := range spent {
		j.Values[i] = spent[i].Value
		p, ours := w.scripts[string(spent[i].Script)]
		switch {
		case ours:
			out, ok := w.outputAt(p, spent[i].Script)
			if !ok {
				return nil, fmt.Errorf("wallet %s: %s gives another script than before", w.name, p.chain.text)
			}
			j.Outputs[i] = out
			d := private[p.chain]
			if d == nil {
				var err error
				if d, err = w.private(p.chain); errors.Is(err, ErrWatchOnly) {
					continue
				}
				if err != nil {
					return nil, err
				}
				private[p.chain] = d
			}
			ring = append(ring, ringKey{d, uint32(p.index)})
		case known != nil && spent[i].Script != nil:
			j.Outputs[i] = known.Solve(spent[i].Script)
		default:
			j.Outputs[i] = descriptor.Output{Script: spent[i].Script}
		}
	}
	j.Keys = ring
	return j, nil
}

// ring finds private keys among those of the descriptors that are needed.
type ring []ringKey

type ringKey struct {
	desc  *descriptor.Descriptor
	index uint32
}

// PrivateKey implements [sign.Keys].
func (r ring) PrivateKey(k descriptor.Key) (*btcec.PrivateKey, bool) {
	for _, e := range r {
		if priv, ok := e.desc.PrivateKey(e.index, k); ok {
			return priv, true
		}
	}
	return nil, false
}

// signAll signs all inputs. The error names an input that the wallet cannot
// sign.
func (w *Wallet) signAll(tx *wire.Tx, spent []wire.TxOut) (*wire.Tx, error) {
	if err := w.needKeys(); err != nil {
		return nil, err
	}
	j, err := w.job(tx, spent, nil)
	if err != nil {
		return nil, err
	}
	signed, errs := j.Run()
	if len(errs) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrIncomplete, errs[0])
	}
	return signed, nil
}

// Known returns what the wallet knows of output scripts, as far as they are
// its own.
func (w *Wallet) Known(scripts [][]byte) *descriptor.Known {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := new(descriptor.Known)
	for _, s := range scripts {
		if p, ok := w.scripts[string(s)]; ok {
			if out, ok := w.outputAt(p, s); ok {
				known.AddOutput(out)
			}
		}
	}
	return known
}

// Keys returns the wallet's private keys for output scripts, and those that
// can be told by where they come from. The error is ErrLocked or ErrWatchOnly.
func (w *Wallet) Keys(scripts [][]byte) (sign.Keys, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.needKeys(); err != nil {
		return nil, err
	}
	var keys ring
	private := map[*keychain]*descriptor.Descriptor{}
	for _, s := range scripts {
		p, ok := w.scripts[string(s)]
		if !ok || !p.chain.hasKeys {
			continue
		}
		if private[p.chain] == nil {
			d, err := w.private(p.chain)
			if err != nil {
				return nil, err
			}
			private[p.chain] = d
		}
		keys = append(keys, ringKey{private[p.chain], uint32(p.index)})
	}
	ph, err := w.phrase()
	if err != nil || ph == nil {
		return keys, err
	}
	ext, err := descriptor.ParseExtended(ph.master, w.chain.Network())
	if err != nil {
		return nil, err
	}
	master, err := sign.NewMaster(ext)
	if err != nil {
		return nil, err
	}
	return sign.Union(keys, master), nil
}

// Tx returns a transaction that the wallet has, or nil.
func (w *Wallet) Tx(id wire.Hash) *wire.Tx {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.ledger.Get(id); r != nil {
		return r.Tx
	}
	return nil
}

// KeyOf returns the private key of an address of the kind [Legacy]; ok is false
// for all others. The error is ErrLocked or ErrWatchOnly.
func (w *Wallet) KeyOf(pkScript []byte) (key *btcec.PrivateKey, compressed, ok bool, err error) {
	if class, _ := script.Classify(pkScript); class != script.PubKeyHash {
		return nil, false, false, nil
	}
	known := w.Known([][]byte{pkScript}).Solve(pkScript)
	keys, err := w.Keys([][]byte{pkScript})
	if err != nil || len(known.Keys) != 1 {
		return nil, false, false, err
	}
	key, ok = keys.PrivateKey(known.Keys[0])
	const compressedSize = 33
	return key, len(known.Keys[0].Pub) == compressedSize, ok, nil
}
