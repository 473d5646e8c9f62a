package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// measureMining asks the mining package's own benchmarks what a template costs
// and how fast the miner searches beside a bare loop.
func measureMining() ([]row, error) {
	root, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", "^(BenchmarkSearch|BenchmarkAssemble)$", "-benchtime", "2s", "./mining")
	cmd.Dir = filepath.Dir(filepath.Dir(strings.TrimSpace(string(root))))
	raw, err := cmd.CombinedOutput()
	out := string(raw)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	template, err1 := figure(out, `of_100000/3,000_transactions\S*`, "ns/op")
	txs, err2 := figure(out, `of_100000/3,000_transactions\S*`, "txs")
	rate, err3 := figure(out, `BenchmarkSearch\S*`, "hashes/s")
	ratio, err4 := figure(out, `BenchmarkSearch\S*`, "ratio")
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return nil, err
		}
	}
	return []row{
		{"block template", fmt.Sprintf("%.1f ms", template/1e6), "", "≤ 50 ms", fmt.Sprintf("%.0f transactions out of 100,000", txs)},
		{"miner, one core", fmt.Sprintf("%.2f MH/s", rate/1e6), "", "≥ 0.9 of a bare loop", fmt.Sprintf("%.2f × a bare loop of the same hash", ratio)},
	}, nil
}

// figure finds a figure in the output of a benchmark.
func figure(out, name, unit string) (float64, error) {
	line := regexp.MustCompile(`(?m)^.*` + name + `\s.*?([0-9.]+) ` + regexp.QuoteMeta(unit) + `\b`)
	m := line.FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("no figure in %s of %s:\n%s", unit, name, out)
	}
	return strconv.ParseFloat(m[1], 64)
}
