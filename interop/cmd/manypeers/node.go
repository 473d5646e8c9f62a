package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/chain"
	"starling/mining"
	"starling/params"
	"starling/server"
	"starling/transport/bip324"
	"starling/wire"
)

// spread is after what time 50, 90, 99 and 100 per cent of the peers had something.
type spread [4]time.Duration

func (s spread) String() string {
	var parts []string
	for _, d := range s {
		parts = append(parts, d.Round(100*time.Microsecond).String())
	}
	return strings.Join(parts, ", ")
}

// result is what one run has shown.
type result struct {
	config
	connected    time.Duration // until all links were up
	heap, stacks float64       // bytes for each idle peer
	told, have   spread
}

// reserve is how many descriptors the node needs beside those of its links.
const reserve = 200

// measure runs a node with so many peers.
func measure(ctx context.Context, c config) (r result, err error) {
	r.config = c
	if err := allowOpen(c.peers + reserve); err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp("", "manypeers-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n, err := startNode(ctx, dir, c)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, n.stop(cancel)) }()
	// A node whose tip is years old takes itself for one that is catching up, and
	// announces nothing.
	if _, _, err := n.mine(ctx); err != nil {
		return r, err
	}
	if c.v2 {
		// The first key makes tables of a megabyte that all links share.
		if _, err := bip324.NewKey(); err != nil {
			return r, err
		}
	}
	before := memory()
	var p *peers
	start := time.Now()
	err = c.profiled("connecting", true, func() error {
		p, err = startPeers(ctx, order{To: n.addr, Magic: n.network.Magic, Genesis: n.network.Genesis.Hash(), Count: c.peers, V2: c.v2})
		if err != nil {
			return err
		}
		return p.await(ctx, c.peers)
	})
	if p != nil {
		defer p.stop()
	}
	if err != nil {
		return r, err
	}
	r.connected = time.Since(start)
	progress("%d peers, %s: connected in %v", c.peers, c.transport(), r.connected.Round(time.Millisecond))
	if err := pause(ctx, c.quiet); err != nil {
		return r, err
	}
	after := memory()
	if err := c.profiled("idle", false, func() error { return nil }); err != nil {
		return r, err
	}
	r.heap, r.stacks = after.minus(before).each(c.peers)
	progress("  an idle peer takes %s of heap and %s of stacks", kib(r.heap), kib(r.stacks))
	err = c.profiled("announcing", true, func() error {
		r.told, r.have, err = announce(ctx, n, p, c.blocks)
		return err
	})
	return r, err
}

// profiled runs a part of the measurement and writes a profile of the processor
// meanwhile, or of the heap after it, if profiles are wanted.
func (c config) profiled(part string, cpu bool, run func() error) error {
	if c.profile == "" {
		return run()
	}
	f, err := os.Create(filepath.Join(c.profile, fmt.Sprintf("%s-%d-%s.pprof", part, c.peers, c.transport())))
	if err != nil {
		return err
	}
	defer f.Close()
	if !cpu {
		return errors.Join(run(), pprof.Lookup("heap").WriteTo(f, 0))
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return run()
}

// usage is how many bytes are in use.
type usage struct{ heap, stacks float64 }

// memory returns what is in use after a collection. The first one leaves what
// pools hold and stacks that could shrink.
func memory() usage {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{float64(m.HeapAlloc), float64(m.StackInuse)}
}

func (u usage) minus(v usage) usage { return usage{u.heap - v.heap, u.stacks - v.stacks} }

func (u usage) each(n int) (heap, stacks float64) { return u.heap / float64(n), u.stacks / float64(n) }

// node is the node that is measured.
type node struct {
	*server.Server
	network *params.Network
	addr    string
	miner   *mining.Miner
	done    chan error
}

func startNode(ctx context.Context, dir string, c config) (*node, error) {
	n := &node{network: params.Regtest(), done: make(chan error, 1)}
	cfg := server.Config{
		Network: n.network, Dir: dir, DBCache: chain.MinDBCache, V2: true,
		Listen:   []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")},
		MaxPeers: c.peers + 20,
		// Groups of the loopback interface count as groups, so that the limits
		// stand; but newcomers are many more than a node ever meets.
		CountLocal: true, AcceptRate: -1,
	}
	if !manyAddrs {
		cfg.MaxPerHost, cfg.MaxPerGroup = -1, -1
	}
	var err error
	if n.Server, err = server.New(cfg); err != nil {
		return nil, err
	}
	port, err := n.Listening()[0].ValueForProtocol(ma.P_TCP)
	if err != nil {
		return nil, err
	}
	n.addr = "127.0.0.1:" + port
	n.miner = mining.New(mining.Config{Chain: n.Chain(), Source: n.Mempool()})
	go func() { n.done <- n.Run(ctx) }()
	return n, nil
}

func (n *node) stop(cancel func()) error {
	cancel()
	return <-n.done
}

// anyone is the public key script that blocks pay to: OP_TRUE.
var anyone = []byte{0x51}

// mine has the node find a block, and returns when it began to take it.
func (n *node) mine(ctx context.Context) (wire.Hash, time.Time, error) {
	b, err := n.miner.Block(ctx, anyone, nil, false, 1<<20)
	if err != nil {
		return wire.Hash{}, time.Time{}, err
	}
	began := time.Now()
	o := n.Chain().Process(ctx, chain.Incoming{Raw: b.Bytes(), Requested: true})
	return b.Hash(), began, o.Err
}

// announce makes blocks and returns when the peers had heard of them, and when
// they had those that they fetched; in the median of the blocks.
func announce(ctx context.Context, n *node, p *peers, blocks int) (told, have spread, err error) {
	rounds := func(fetch bool) (spread, error) {
		var all []spread
		for range blocks {
			if err := p.expect(ctx, fetch); err != nil {
				return spread{}, err
			}
			hash, began, err := n.mine(ctx)
			if err != nil {
				return spread{}, err
			}
			s, err := p.collect(ctx, hash, began)
			if err != nil {
				return spread{}, err
			}
			progress("    50, 90, 99 and 100 %% after %v", s)
			all = append(all, s)
		}
		return median(all), nil
	}
	progress("  until they are told of a block:")
	if told, err = rounds(false); err != nil {
		return told, have, err
	}
	progress("  until they have fetched a block:")
	have, err = rounds(true)
	return told, have, err
}

// median returns the median of each part.
func median(all []spread) (m spread) {
	for i := range m {
		var part []time.Duration
		for _, s := range all {
			part = append(part, s[i])
		}
		slices.Sort(part)
		m[i] = part[len(part)/2]
	}
	return m
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
