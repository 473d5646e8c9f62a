package mining

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"starling/chain"
	"starling/chain/headertree"
	"starling/clock"
	"starling/params"
	"starling/wire"
)

// Chain is what a [Miner] needs of the chain.
type Chain interface {
	Network() *params.Network
	Tip() *headertree.Node
	// Process waits until the block is connected or refused.
	Process(ctx context.Context, in chain.Incoming) chain.Outcome
}

// Config says where blocks go. Chain is needed.
type Config struct {
	Chain Chain
	Clock clock.Clock // nil for the system's

	// ExtraNonce gives the number in the coinbase of a new block; nil for
	// random ones. Two miners that pay to the same script at the same time
	// would otherwise make the same blocks, and never two chains.
	ExtraNonce func() uint64
}

// Miner makes blocks on demand and gives them to the chain. It is safe for
// concurrent use; two calls at once may find blocks on the same parent.
type Miner struct {
	chain Chain
	clock clock.Clock
	extra func() uint64
}

// New returns a miner.
func New(cfg Config) *Miner {
	m := &Miner{chain: cfg.Chain, clock: cfg.Clock, extra: cfg.ExtraNonce}
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
	return m
}

// Generate makes n blocks without transactions, one on the other, and pays
// their subsidy to script. It tries at most maxTries nonces in all, and
// returns the hashes of the blocks that it made by then, without an error. An
// error comes with the hashes of the blocks before it.
func (m *Miner) Generate(ctx context.Context, script []byte, n int, maxTries uint64) ([]wire.Hash, error) {
	var hashes []wire.Hash
	for len(hashes) < n {
		b, tries, err := m.solve(ctx, script, nil, maxTries)
		if errors.Is(err, ErrNoNonce) {
			return hashes, nil
		}
		if err != nil {
			return hashes, err
		}
		maxTries -= tries
		if err := m.submit(ctx, b); err != nil {
			return hashes, err
		}
		hashes = append(hashes, b.Hash())
	}
	return hashes, nil
}

// Block makes one block with the transactions given, in their order, on the
// tip. The subsidy goes to script; the fees go to nobody, as nobody has looked
// up what the transactions spend. With submit set the block is given to the
// chain, and the error says why that refused it.
func (m *Miner) Block(ctx context.Context, script []byte, txs []*wire.Tx, submit bool, maxTries uint64) (*wire.Block, error) {
	b, _, err := m.solve(ctx, script, txs, maxTries)
	if err == nil && submit {
		err = m.submit(ctx, b)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// solve makes a block on the tip, with another extra nonce and time as often
// as the nonces run out.
func (m *Miner) solve(ctx context.Context, script []byte, txs []*wire.Tx, maxTries uint64) (*wire.Block, uint64, error) {
	var total uint64
	for {
		b, err := Template(Options{
			Network:    m.chain.Network(),
			Parent:     m.chain.Tip(),
			Now:        m.clock.Now(),
			Script:     script,
			Txs:        txs,
			ExtraNonce: m.extra(),
		})
		if err != nil {
			return nil, total, err
		}
		h := b.Header
		tries, err := Solve(ctx, &h, maxTries-total)
		total += tries
		switch {
		case err == nil:
			return withHeader(b, h), total, nil
		case !errors.Is(err, ErrNoNonce) || tries == 0 || total >= maxTries:
			return nil, total, err
		}
	}
}

// withHeader returns the block with another header.
func withHeader(b *wire.Block, h wire.Header) *wire.Block {
	txs := make([]*wire.Tx, len(b.Txs))
	for i := range txs {
		txs[i] = &b.Txs[i]
	}
	return wire.NewBlock(h, txs)
}

// submit gives a block to the chain.
func (m *Miner) submit(ctx context.Context, b *wire.Block) error {
	out := m.chain.Process(ctx, chain.Incoming{Raw: b.Bytes(), Requested: true})
	if out.Err != nil {
		return fmt.Errorf("mining: block %v was not accepted: %w", b.Hash(), out.Err)
	}
	return nil
}
