package netfile

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"starling/params"
	"starling/wire"
)

// Spec says what network to make.
type Spec struct {
	// Network holds the decisions: start from [params.Own] and change what is
	// to differ. Magic, ports and keys that are not set are made from the
	// genesis block, so that two networks never meet, whatever their names.
	Network *params.Network
	// Outputs are what the genesis block pays.
	Outputs []wire.TxOut
	// Text stands in the genesis block's coinbase; a line about the network if
	// empty.
	Text string
	// Time is the genesis block's; whole seconds.
	Time time.Time
	// Bits is the genesis block's target, from which the difficulty starts; the
	// easiest one if zero.
	Bits uint32
}

// Check tells whether Create will accept a network, without doing its work. The
// error is an [*Error].
func Check(s Spec) error {
	_, err := s.unsolved()
	return err
}

// unsolved returns the genesis block without its work, after checking all else.
func (s *Spec) unsolved() (*wire.Block, error) {
	n := s.Network
	if len(s.Outputs) == 0 || len(s.Outputs) > maxOutputs {
		return nil, bad("genesis.outputs", "want between 1 and %d", maxOutputs)
	}
	text := cmp.Or(s.Text, defaultText(n.Name))
	if err := checkText(text); err != nil {
		return nil, err
	}
	if at := s.Time.Unix(); at <= 0 || at > 1<<32-1 {
		return nil, bad("genesis.time", "want a time between 1970 and 2106")
	}
	b := block(wire.Header{Version: 1, Timestamp: uint32(s.Time.Unix()), Bits: cmp.Or(s.Bits, n.PowLimitBits)}, text, s.Outputs)
	trial := *n
	derive(&trial, b)
	trial.Genesis, trial.GenesisHash = b, b.Hash()
	var e *params.Error
	if err := trial.Validate(); err != nil && !(errors.As(err, &e) && e.Field == params.GenesisWork) {
		return nil, explain(err)
	}
	return b, nil
}

// Create finishes a network: it finds the work for its genesis block and fills
// in what was left open. The network given is changed and returned. progress,
// if not nil, is called now and then with the number of hashes tried so far.
// The error is an [*Error] for a network that cannot be, before any work is
// done, or the context's.
func Create(ctx context.Context, s Spec, progress func(hashes uint64)) (*params.Network, error) {
	b, err := s.unsolved()
	if err != nil {
		return nil, err
	}
	h := b.Header
	if err := solve(ctx, &h, progress); err != nil {
		return nil, err
	}
	n := s.Network
	b = wire.NewBlock(h, []*wire.Tx{&b.Txs[0]})
	derive(n, b)
	n.Genesis, n.GenesisHash = b, b.Hash()
	return n, explain(n.Validate())
}

// defaultText is what the genesis block says if its maker says nothing.
func defaultText(name string) string { return name + ": a flock needs no leader" }

// derive fills in what tells a network from others, as far as it is not set.
func derive(n *params.Network, b *wire.Block) {
	// The work is left out, so that this can be known before it is done.
	h := b.Header
	h.Nonce = 0
	id := wire.DoubleHash(append([]byte("starling network\x00"+n.Name+"\x00"), h.Append(nil)...))
	if n.Magic == [4]byte{} {
		copy(n.Magic[:], id[:4])
		for i := range n.Magic {
			// Bytes that no text has are rare in what messages carry.
			n.Magic[i] |= 0x80
		}
	}
	if n.DefaultPort == 0 {
		// Below the ports that systems give to whoever asks for any.
		n.DefaultPort = 20_000 + 2*(binary.LittleEndian.Uint16(id[4:])%5_000)
	}
	if n.RPCPort == 0 {
		n.RPCPort = n.DefaultPort + 1
	}
	own := params.Own(n.Name)
	suffix := "-" + hex.EncodeToString(id[6:10])
	if n.Libp2pPrefix == own.Libp2pPrefix {
		n.Libp2pPrefix += suffix
	}
	if n.DiscoveryKey == own.DiscoveryKey {
		n.DiscoveryKey += suffix
	}
}

// batch is how many hashes a worker tries between looks at what others found.
const batch = 1 << 16

// solve finds a nonce that gives the header the work it claims. If none of the
// four billion does, the time goes on by a second.
func solve(ctx context.Context, h *wire.Header, progress func(uint64)) error {
	target, ok := params.Target(h.Bits)
	if !ok {
		return bad("genesis.bits", "is not the compact form of a target")
	}
	var (
		mu    sync.Mutex // guards found, and calls of progress
		found *wire.Header
		next  atomic.Uint64 // the batch to try next
		tried atomic.Uint64
		wg    sync.WaitGroup
	)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	start := *h
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			raw := start.Append(nil)
			for ctx.Err() == nil {
				at := (next.Add(1) - 1) * batch
				binary.LittleEndian.PutUint32(raw[timeOffset:], start.Timestamp+uint32(at>>32))
				for i := range uint32(batch) {
					binary.LittleEndian.PutUint32(raw[nonceOffset:], uint32(at)+i)
					if !params.Meets(wire.DoubleHash(raw), target) {
						continue
					}
					mu.Lock()
					if solved, err := wire.DecodeHeader(raw); err == nil && found == nil {
						found = &solved
					}
					mu.Unlock()
					stop()
					return
				}
				sum := tried.Add(batch)
				if progress != nil {
					mu.Lock()
					progress(sum)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if found == nil {
		return context.Cause(ctx)
	}
	*h = *found
	return nil
}

// Offsets in a header's bytes.
const (
	timeOffset  = 68
	nonceOffset = 76
)
