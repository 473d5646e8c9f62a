package mining

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"starling/chain"
	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/clock"
	"starling/mempool"
	"starling/wire"
)

// ErrStale reports that the tip moved on while a block was being made, so that
// the block was thrown away.
var ErrStale = errors.New("mining: the tip moved on")

// Config says what goes into blocks and where they go. Chain is needed.
type Config struct {
	Chain  Chain
	Source TxSource    // nil for blocks without transactions
	Clock  clock.Clock // nil for the system's

	// MaxWeight is the largest weight of a block, ReservedWeight what of it is
	// kept for header and coinbase; 0 for the rules' limit and
	// [DefaultReservedWeight]. Both are brought within what makes sense.
	MaxWeight, ReservedWeight int64
	// MinFee is the least fee rate of what goes into a block; 0 for
	// [DefaultMinFee], negative for none.
	MinFee mempool.FeeRate

	// ExtraNonce gives the number in the coinbase of a new block; nil for
	// random ones. Two miners that pay to the same script at the same time
	// would otherwise make the same blocks, and never two chains.
	ExtraNonce func() uint64
}

// Miner makes blocks and gives them to the chain. It is safe for concurrent
// use, and never gives the chain two blocks on the same parent, unless the
// chain goes back to that.
type Miner struct {
	chain     Chain
	source    TxSource
	clock     clock.Clock
	extra     func() uint64
	maxWeight int64
	reserved  int64
	minFee    mempool.FeeRate

	submitting chan struct{} // holds a token while a block is given to the chain
	latest     latest
	last       atomic.Pointer[Size]
}

// Size tells how large a block came out.
type Size struct {
	Weight int64 // weight units, with what is reserved for header and coinbase
	Txs    int   // without the coinbase
}

// New returns a miner.
func New(cfg Config) *Miner {
	m := &Miner{
		chain: cfg.Chain, source: cfg.Source, clock: cfg.Clock, extra: cfg.ExtraNonce,
		maxWeight: cfg.MaxWeight, reserved: cfg.ReservedWeight, minFee: cfg.MinFee,
		submitting: make(chan struct{}, 1),
	}
	if m.source == nil {
		m.source = noTxs{m.chain}
	}
	if m.clock == nil {
		m.clock = clock.System()
	}
	if m.extra == nil {
		m.extra = func() uint64 {
			var b [8]byte
			rand.Read(b[:]) // never fails
			return binary.LittleEndian.Uint64(b[:])
		}
	}
	if m.reserved == 0 {
		m.reserved = DefaultReservedWeight
	}
	m.reserved = min(max(m.reserved, MinReservedWeight), consensus.MaxBlockWeight)
	if m.maxWeight == 0 {
		m.maxWeight = consensus.MaxBlockWeight
	}
	m.maxWeight = min(max(m.maxWeight, m.reserved), consensus.MaxBlockWeight)
	switch {
	case m.minFee == 0:
		m.minFee = DefaultMinFee
	case m.minFee < 0:
		m.minFee = 0
	}
	return m
}

// MinFee returns the least fee rate of what goes into a block.
func (m *Miner) MinFee() mempool.FeeRate { return m.minFee }

// Pooled returns how many transactions wait to be mined.
func (m *Miner) Pooled() int { return m.source.Len() }

// LastSize tells of the last block that was assembled; nil if none was.
func (m *Miner) LastSize() *Size { return m.last.Load() }

// Generate makes n blocks with transactions of the pool, one on the other, and
// pays subsidy and fees to script. It tries at most maxTries nonces in all,
// and returns the hashes of the blocks that it made by then, without an error
// unless it found blocks and could place none: then the error says why.
// An error comes with the hashes of the blocks before it. A crash after that
// loses none of them.
func (m *Miner) Generate(ctx context.Context, script []byte, n int, maxTries uint64) (hashes []wire.Hash, err error) {
	if m.chain.Network().IsSignet() {
		return nil, ErrSignet
	}
	defer func() {
		if len(hashes) > 0 {
			err = cmp.Or(err, m.chain.Keep(ctx))
		}
	}()
	var stale error // why the last block that was found came to nothing
	for len(hashes) < n {
		d, err := m.Assemble(script)
		if err != nil {
			return hashes, err
		}
		h := d.Block.Header
		tries, err := Solve(ctx, &h, maxTries)
		maxTries -= tries
		if errors.Is(err, ErrNoNonce) && tries > 0 && maxTries > 0 {
			continue // with another extra nonce
		}
		if errors.Is(err, ErrNoNonce) {
			if len(hashes) == 0 {
				return nil, stale
			}
			return hashes, nil
		}
		if err == nil {
			err = m.submit(ctx, d.Parent, withHeader(d.Block, &h))
		}
		if errors.Is(err, ErrStale) {
			stale = err
			continue
		}
		if err != nil {
			return hashes, err
		}
		hashes = append(hashes, h.Hash())
	}
	return hashes, nil
}

// Block makes one block with the transactions given, in their order, on the
// tip. The subsidy goes to script; the fees go to nobody, as nobody has looked
// up what the transactions spend. With submit set the block is given to the
// chain, and the error says why that refused it; without, it is checked all
// the same.
func (m *Miner) Block(ctx context.Context, script []byte, txs []*wire.Tx, submit bool, maxTries uint64) (*wire.Block, error) {
	for {
		parent := m.chain.Tip()
		b, err := Template(Options{
			Network: m.chain.Network(), Parent: parent, Now: m.clock.Now(), Script: script,
			Txs: txs, ExtraNonce: m.extra(),
		})
		if err == nil {
			err = m.chain.CheckProposal(ctx, b)
		}
		if m.chain.Tip() != parent {
			continue
		}
		if err != nil {
			return nil, err
		}
		h := b.Header
		tries, err := Solve(ctx, &h, maxTries)
		maxTries -= tries
		if errors.Is(err, ErrNoNonce) && tries > 0 && maxTries > 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		raw := withHeader(b, &h)
		if submit {
			err = m.submit(ctx, parent, raw)
			if errors.Is(err, ErrStale) {
				continue
			}
			if err == nil {
				err = m.chain.Keep(ctx)
			}
			if err != nil {
				return nil, err
			}
		}
		if b, err = wire.ParseBlock(raw); err != nil {
			return nil, err
		}
		b.HashTxs()
		return b, nil
	}
}

// withHeader returns the bytes of a block with another header.
func withHeader(b *wire.Block, h *wire.Header) []byte {
	raw := bytes.Clone(b.Bytes())
	h.Append(raw[:0])
	return raw
}

// submit gives a block on parent to the chain, unless the tip is another by
// now. One at a time, so that of two blocks on one parent the second comes too
// late.
func (m *Miner) submit(ctx context.Context, parent *headertree.Node, raw []byte) error {
	select {
	case m.submitting <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-m.submitting }()
	if m.chain.Tip() != parent {
		return ErrStale
	}
	out := m.chain.Process(ctx, chain.Incoming{Raw: raw, Requested: true})
	if out.Err != nil && parent.Failed() {
		// An operator has just declared it invalid, and the tip is about to move.
		return fmt.Errorf("%w: block %d %v was declared invalid; reconsiderblock takes that back", ErrStale, parent.Height, parent.Hash)
	}
	if out.Err != nil {
		return fmt.Errorf("mining: a block on %v was not accepted: %w", parent.Hash, out.Err)
	}
	if !out.Connected {
		return ErrStale // another block was faster by a hair
	}
	return nil
}
