package main

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	btcwire "github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/interop/benchchain"
	"starling/interop/moddata"
	"starling/params"
	"starling/script/curve"
	"starling/wire"
)

func formatSummary(s benchchain.Summary) []byte {
	b, _ := json.Marshal(s)
	return b
}

func parseSummary(b []byte) (s benchchain.Summary, err error) {
	err = json.Unmarshal(b, &s)
	return s, err
}

// peakMemory returns a process's greatest resident memory so far (VmHWM).
func peakMemory(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	return 0
}

// signatureTimes returns how long the chain's signature checks alone take on
// all cores, by the library that btcd uses and by Starling's: no node can be
// faster than its own. A quarter of the inputs are taproot spends, with one
// Schnorr signature each. Parsing keys is not in it.
func signatureTimes(sum benchchain.Summary) (library, ours time.Duration, note string) {
	key, public := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{7}, 32))
	hash := [32]byte(bytes.Repeat([]byte{9}, 32))
	x := [32]byte(schnorr.SerializePubKey(public))
	plain := ecdsa.Sign(key, hash[:])
	taproot, err := schnorr.Sign(key, hash[:])
	if err != nil {
		panic(err)
	}
	r, s, raw := plain.R(), plain.S(), [64]byte(taproot.Serialize())
	each := func(verify func() bool) int64 {
		best := int64(math.MaxInt64)
		for range 3 { // what else runs can only add to it
			best = min(best, testing.Benchmark(func(b *testing.B) {
				for b.Loop() {
					if !verify() {
						b.Fatal("signature does not verify")
					}
				}
			}).NsPerOp())
		}
		return best
	}
	ofSchnorr := int64(sum.Inputs / 4)
	total := func(ecdsa, schnorr int64) time.Duration {
		ns := ofSchnorr*schnorr + (int64(sum.Checks)-ofSchnorr)*ecdsa
		return time.Duration(ns / int64(runtime.NumCPU()))
	}
	libraryECDSA := each(func() bool { return plain.Verify(hash[:], public) })
	oursECDSA := each(func() bool { return curve.VerifyECDSA(&r, &s, &hash, public) })
	librarySchnorr := each(func() bool { return taproot.Verify(hash[:], public) })
	oursSchnorr := each(func() bool { return curve.VerifySchnorr(&raw, &x, &hash) })
	note = fmt.Sprintf("%d checks; ECDSA %d and %d µs, Schnorr %d and %d", sum.Checks,
		libraryECDSA/1000, oursECDSA/1000, librarySchnorr/1000, oursSchnorr/1000)
	return total(libraryECDSA, librarySchnorr), total(oursECDSA, oursSchnorr), note
}

// bigBlock is the 2.2 MB block that btcd/wire is benchmarked with.
const bigBlock = "block-00000000000000000021868c2cefc52a480d173c849412fe81c4e5ab806f94ab.blk"

func measureDecode() ([]row, error) {
	path, err := moddata.Path(moddata.BTCDWire, "testdata", bigBlock)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	ours, err := wire.ParseBlock(raw)
	if err != nil {
		return nil, err
	}
	inputs := 0
	for i := range ours.Txs {
		inputs += len(ours.Txs[i].In)
	}
	bench := func(fn func()) testing.BenchmarkResult {
		return testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fn()
			}
		})
	}
	theirs := func(ids bool) func() {
		return func() {
			var m btcwire.MsgBlock
			if err := m.Deserialize(bytes.NewReader(raw)); err != nil {
				panic(err)
			}
			for _, tx := range m.Transactions {
				if ids {
					tx.TxHash()
					tx.WitnessHash()
				}
			}
		}
	}
	parse := func(ids bool) func() {
		return func() {
			b, err := wire.ParseBlock(raw)
			if err != nil {
				panic(err)
			}
			if ids {
				b.HashTxs()
			}
		}
	}
	var rows []row
	for _, k := range []struct {
		what, bound string
		ids         bool
	}{{"decode a block of 2.2 MB", "≥ 5 × as fast", false}, {"decode it and hash all ids", "", true}} {
		a, b := bench(parse(k.ids)), bench(theirs(k.ids))
		rows = append(rows, row{
			k.what, fmt.Sprintf("%.2f ms", float64(a.NsPerOp())/1e6),
			fmt.Sprintf("%.1f × as fast", float64(b.NsPerOp())/float64(a.NsPerOp())), k.bound,
			fmt.Sprintf("btcd %.2f ms; %d allocations for %d inputs, btcd %d", float64(b.NsPerOp())/1e6, a.AllocsPerOp(), inputs, b.AllocsPerOp()),
		})
	}
	return rows, nil
}

// measureHeaders checks and stores the first 100,000 headers of the main
// network in a fresh data directory.
func measureHeaders() ([]row, error) {
	path, err := moddata.Path(moddata.Neutrino, "testdata", "block-headers-mainnet-1-100_000.bz2")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(bzip2.NewReader(bufio.NewReader(f)))
	if err != nil {
		return nil, err
	}
	var headers []wire.Header
	for raw = raw[10+wire.HeaderSize:]; len(raw) >= wire.HeaderSize; raw = raw[wire.HeaderSize:] {
		h, err := wire.DecodeHeader(raw)
		if err != nil {
			return nil, err
		}
		headers = append(headers, h)
	}
	dir, err := os.MkdirTemp("", "starling-headers-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	c, err := chain.Open(chain.Config{Network: params.Main(), FS: vfs.Default, Dir: dir})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	began := time.Now()
	for at := 0; at < len(headers); at += wire.MaxHeaders {
		if _, _, err := c.AcceptHeaders(headers[at:min(at+wire.MaxHeaders, len(headers))]); err != nil {
			return nil, err
		}
	}
	if err := c.Flush(ctx); err != nil {
		return nil, err
	}
	took := time.Since(began)
	cancel()
	if err := errors.Join(<-done, c.Close()); err != nil {
		return nil, err
	}
	return []row{{"check and store 100,000 headers", fmt.Sprintf("%.2f s", took.Seconds()), "", "≤ 1 s", "on disk, synced"}}, nil
}

// measureIdle asks the peer package's own test what an idle session costs.
func measureIdle() ([]row, error) {
	root, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "test", "-count=1", "-run", "TestIdleMemory", "-v", "./peer")
	cmd.Dir = filepath.Dir(filepath.Dir(strings.TrimSpace(string(root))))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	_, after, ok := strings.Cut(string(out), "an idle session costs ")
	var bytes int
	if _, err := fmt.Sscan(after, &bytes); !ok || err != nil {
		return nil, fmt.Errorf("the idle test says nothing:\n%s", out)
	}
	return []row{{"memory of an idle peer", fmt.Sprintf("%.1f KiB", float64(bytes)/1024), "", "≤ 64 KiB", "heap and stacks of one session over TCP"}}, nil
}
