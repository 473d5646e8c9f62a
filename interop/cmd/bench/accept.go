package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"starling/interop/benchchain"
	"starling/interop/harness"
	"starling/params"
	"starling/peer"
	"starling/transport"
	"starling/transport/tcp"
	"starling/wire"
)

const (
	// acceptBlocks is how many blocks' transactions are handed in unconfirmed.
	acceptBlocks = 4
	// feeders is how many peers hand them in, each its share.
	feeders = 4
	// repeated is how many of its first transactions each peer hands in once
	// more at its end: btcd drops what comes before its sync manager has heard of
	// the peer.
	repeated = 32
	// sameMinFee is the least fee rate that Starling relays, in coins per kvB,
	// for btcd: the default of each is of another year.
	sameMinFee = "0.000001"
)

// shortChain is a chain that ends just now, without its last blocks.
type shortChain struct {
	file string    // the blocks that are not left out
	best wire.Hash // the last of them
	left []*wire.Block
}

// makeShortChain makes a chain with so many full blocks and leaves the last
// ones out. multisig is [benchchain.Config.Multisig].
func makeShortChain(dir string, blocks, txs, leave int, multisig bool) (*shortChain, error) {
	whole := filepath.Join(dir, "whole.dat")
	f, err := os.Create(whole)
	if err != nil {
		return nil, err
	}
	const spacing = 15 * time.Second
	_, err = benchchain.Write(f, benchchain.Config{
		Blocks: blocks, Txs: txs, Empty: -1, Seed: 2, Spacing: spacing, Start: time.Now().Add(-chainLead), Multisig: multisig,
	})
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	all, err := readBlocks(whole)
	if err != nil {
		return nil, err
	}
	keep := all[:len(all)-leave]
	c := &shortChain{file: filepath.Join(dir, "base.dat"), best: keep[len(keep)-1].Hash(), left: all[len(keep):]}
	out, err := os.Create(c.file)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriter(out)
	magic := params.Regtest().Magic
	for _, b := range keep {
		w.Write(magic[:])
		w.Write(binary.LittleEndian.AppendUint32(nil, uint32(b.Size())))
		w.Write(b.Bytes())
	}
	return c, errors.Join(w.Flush(), out.Close())
}

// chainLead is how long ago a short chain begins: long enough for its blocks,
// 15 seconds apart, to be in the past, and less than the 200 minutes after which
// a node takes its tip to be old and asks for whole blocks.
const chainLead = 2 * time.Hour

// payments returns the transactions of the blocks that were left out, but those
// that spend an output of another.
func (c *shortChain) payments() []*wire.Tx {
	var txs []*wire.Tx
	fresh := make(map[wire.Hash]bool)
	for _, b := range c.left {
		for i := range b.Txs[1:] {
			tx := &b.Txs[i+1]
			fresh[tx.TxID()] = true
			if !slices.ContainsFunc(tx.In, func(in wire.TxIn) bool { return fresh[in.PrevOut.Hash] }) {
				txs = append(txs, tx)
			}
		}
	}
	return txs
}

// readBlocks reads a file of blocks whole.
func readBlocks(path string) ([]*wire.Block, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	var blocks []*wire.Block
	for {
		var frame [8]byte
		if _, err := io.ReadFull(r, frame[:]); err == io.EOF {
			return blocks, nil
		} else if err != nil {
			return nil, err
		}
		raw := make([]byte, binary.LittleEndian.Uint32(frame[4:]))
		if _, err := io.ReadFull(r, raw); err != nil {
			return nil, err
		}
		b, err := wire.ParseBlock(raw)
		if err != nil {
			return nil, err
		}
		b.HashTxs()
		blocks = append(blocks, b)
	}
}

// feeder is a peer that hands transactions in and wants nothing.
type feeder struct {
	ready chan struct{}
}

func (f *feeder) Ready(context.Context, *peer.Peer) error {
	close(f.ready)
	return nil
}

func (f *feeder) Handle(context.Context, *peer.Peer, wire.Message) error { return nil }

// feed hands txs to a node over several links at once, and returns how long it
// took until its pool, empty before or filled with some of them, held all.
func feed(n *harness.Node, txs []*wire.Tx) (time.Duration, error) {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Minute)
	defer stop()
	addr, err := transport.ParseAddr(n.P2P)
	if err != nil {
		return 0, err
	}
	net := tcp.New(tcp.Options{Magic: params.Regtest().Magic})
	var peers []*peer.Peer
	var ended errgroup.Group
	for i := range feeders {
		link, err := net.Dial(ctx, addr)
		if err != nil {
			return 0, err
		}
		f := &feeder{ready: make(chan struct{})}
		p := peer.New(link, peer.Config{ID: uint64(i), Kind: peer.Manual, Handler: f, Services: wire.NodeNetwork | wire.NodeWitness,
			UserAgent: "/bench:0.1/", Relay: true})
		peers = append(peers, p)
		ended.Go(func() error { p.Run(ctx); return nil })
		select {
		case <-f.ready:
		case <-ctx.Done():
			return 0, fmt.Errorf("%s does not shake hands", n.Name)
		}
	}
	began := time.Now()
	for i, p := range peers {
		var share []*wire.Tx
		for at := i; at < len(txs); at += feeders {
			share = append(share, txs[at])
		}
		share = append(share, share[:min(repeated, len(share))]...)
		err := p.SendLater(0, func(context.Context) (wire.Message, error) {
			if len(share) == 0 {
				return nil, nil
			}
			tx := share[0]
			share = share[1:]
			return &wire.MsgTx{Tx: tx}, nil
		})
		if err != nil {
			return 0, err
		}
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		size, err := poolSize(n)
		if err != nil {
			return 0, err
		}
		if size >= len(txs) {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("%s took in %d of %d transactions", n.Name, size, len(txs))
		}
	}
	took := time.Since(began)
	stop()
	return took, ended.Wait()
}

func poolSize(n *harness.Node) (int, error) {
	var info struct {
		Size int `json:"size"`
	}
	err := n.TryCall(&info, "getmempoolinfo")
	return info.Size, err
}

// measureAccept hands the same transactions to btcd and to Starling.
func measureAccept(t *tb) ([]row, error) {
	progress("making unconfirmed transactions")
	p, err := makeShortChain(t.TempDir(), acceptBlocks+2, 1500, acceptBlocks, false)
	if err != nil {
		return nil, err
	}
	txs := p.payments()
	ours := harness.NewStarling(t, "regtest", "--connect", "0")
	ours.Start("--load-block", p.file)
	ours.WaitBest(p.best.String(), time.Minute)
	theirs := harness.Btcd(t, "regtest", "--minrelaytxfee", sameMinFee, "--norelaypriority")
	theirs.Connect(ours)
	theirs.WaitBest(p.best.String(), time.Minute)
	defer theirs.Stop()
	defer ours.Stop()
	// Alone, so that neither works for the other.
	theirs.Disconnect(ours)
	theirTime, err := feed(theirs, txs)
	if err != nil {
		return nil, err
	}
	ourTime, err := feed(ours, txs)
	if err != nil {
		return nil, err
	}
	rate := func(d time.Duration) float64 { return float64(len(txs)) / d.Seconds() }
	return []row{{
		"transactions accepted", fmt.Sprintf("%.0f /s", rate(ourTime)), fmt.Sprintf("%.2f × as fast", rate(ourTime)/rate(theirTime)), "≥ 1.3 × as fast",
		fmt.Sprintf("%d of them over %d links; btcd %.0f /s", len(txs), feeders, rate(theirTime)),
	}}, nil
}
