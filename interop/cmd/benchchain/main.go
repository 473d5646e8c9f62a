package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"starling/interop/benchchain"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "benchchain:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	out := flag.String("out", "", "file to write")
	blocks := flag.Int("blocks", 400, "full blocks")
	txs := flag.Int("txs", 1500, "signed transactions in each full block")
	empty := flag.Int("empty", 2200, "empty blocks on top")
	seed := flag.Uint64("seed", 1, "seed of everything random")
	start := flag.String("start", "2021-01-01T00:00:00Z", "time of the first block after genesis (RFC 3339)")
	spacing := flag.Duration("spacing", 10*time.Minute, "time between blocks")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 || *blocks < 1 || *txs < 1 || *spacing < time.Second {
		flag.Usage()
		return errors.New("-out is needed; -blocks and -txs must be positive, -spacing a second or more")
	}
	first, err := time.Parse(time.RFC3339, *start)
	if err != nil {
		return err
	}
	if *empty <= 0 {
		*empty = -1
	}
	file, err := os.Create(*out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	began := time.Now()
	sum, err := benchchain.Write(file, benchchain.Config{
		Blocks: *blocks, Txs: *txs, Empty: *empty, Seed: *seed, Start: first, Spacing: *spacing,
	})
	if err != nil {
		return err
	}
	fmt.Print(sum)
	fmt.Printf("made in        %s\n", time.Since(began).Round(time.Millisecond))
	return nil
}
