package main

import (
	"encoding/hex"
	"fmt"
	"time"

	"starling/interop/harness"
	"starling/wire"
)

const (
	// lineNodes stand in a line, each linked to the next.
	lineNodes = 5
	// relayTxs make a block of about 2 MB.
	relayTxs = 4250
	// warmUp is how many blocks travel first, after which neighbours announce
	// blocks in compact form unasked.
	warmUp = 3
)

// measureRelay takes the time that a block needs to cross a line of nodes that
// have its transactions, compact and whole.
func measureRelay(t *tb) ([]row, error) {
	progress("making a block of 2 MB")
	c, err := makeShortChain(t.TempDir(), warmUp+2, relayTxs, warmUp+1, true)
	if err != nil {
		return nil, err
	}
	last := c.left[warmUp]
	var txs []*wire.Tx
	for i := range last.Txs[1:] {
		txs = append(txs, &last.Txs[i+1])
	}
	cross := func(flags ...string) (time.Duration, error) {
		var line []*harness.Node
		for range lineNodes {
			n := harness.NewStarling(t, "regtest", append([]string{"--connect", "0"}, flags...)...)
			n.Start("--load-block", c.file)
			n.WaitBest(c.best.String(), time.Minute)
			defer n.Stop()
			if len(line) > 0 {
				line[len(line)-1].Connect(n)
			}
			line = append(line, n)
		}
		end := line[len(line)-1]
		for _, b := range c.left[:warmUp] {
			line[0].Call(nil, "submitblock", hex.EncodeToString(b.Bytes()))
			end.WaitBest(b.Hash().String(), time.Minute)
		}
		for _, n := range line {
			if _, err := feed(n, txs); err != nil {
				return 0, err
			}
		}
		before, err := blockBytes(line[1:])
		if err != nil {
			return 0, err
		}
		arrived := make(chan error, 1)
		go func() { arrived <- end.TryCall(nil, "waitforblock", last.Hash().String(), 60_000) }()
		raw := hex.EncodeToString(last.Bytes())
		began := time.Now()
		line[0].Call(nil, "submitblock", raw)
		if err := <-arrived; err != nil {
			return 0, err
		}
		took := time.Since(began)
		end.WaitBest(last.Hash().String(), time.Minute)
		after, err := blockBytes(line[1:])
		if err != nil {
			return 0, err
		}
		// What is measured must be what it is called.
		if sent := after - before; (sent == 0) != (len(flags) == 0) {
			return 0, fmt.Errorf("with %q the nodes sent %d bytes of whole blocks", flags, sent)
		}
		return took, nil
	}
	compact, err := cross()
	if err != nil {
		return nil, err
	}
	whole, err := cross("--whole-blocks")
	if err != nil {
		return nil, err
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/1e6) }
	return []row{
		{fmt.Sprintf("block of %.1f MB over %d nodes, compact", float64(last.Size())/1e6, lineNodes), ms(compact), "", "", "pools hold its transactions; all nodes share the cores"},
		{"  whole", ms(whole), "", "", fmt.Sprintf("%.1f × as long", whole.Seconds()/compact.Seconds())},
	}, nil
}

// blockBytes returns how many bytes of whole blocks nodes have received.
func blockBytes(nodes []*harness.Node) (sum int64, err error) {
	for _, n := range nodes {
		var peers []struct {
			Received map[string]int64 `json:"bytesrecv_per_msg"`
		}
		if err := n.TryCall(&peers, "getpeerinfo"); err != nil {
			return 0, err
		}
		for _, p := range peers {
			sum += p.Received["block"]
		}
	}
	return sum, nil
}
