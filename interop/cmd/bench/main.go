package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"starling/interop/benchchain"
	"starling/interop/harness"
)

func main() {
	t := &tb{}
	defer t.finish()
	if err := run(t); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		t.failed = true
	}
}

// row is one line of the table.
type row struct {
	what, value, ratio, bound, note string
}

func run(t *tb) error {
	cfg := benchchain.Config{}
	flag.IntVar(&cfg.Blocks, "blocks", 400, "full blocks")
	flag.IntVar(&cfg.Txs, "txs", 1500, "signed transactions in each full block")
	flag.IntVar(&cfg.Empty, "empty", 2200, "empty blocks on top, so that the last full block can be assumed valid")
	file := flag.String("chain", "", "keep the generated chain in this file, and use it if it is there")
	runs := flag.Int("runs", 1, "how often each download is measured; the median counts")
	dbcache := flag.Int("dbcache", 450, "cache for the UTXO set, in MiB, for both")
	only := flag.String("only", "", "measure these alone, such as decode,accept")
	flag.Parse()
	cfg.Seed = 1

	parts := []part{
		{"sync", func() ([]row, error) {
			sum, path, err := chainFile(t, *file, cfg)
			if err != nil {
				return nil, err
			}
			progress("chain:\n%v", sum)
			return measureSync(t, path, sum, *runs, *dbcache)
		}},
		{"decode", measureDecode},
		{"headers", measureHeaders},
		{"idle", measureIdle},
		{"book", measureBook},
		{"broadcast", measureBroadcast},
		{"mining", measureMining},
		{"accept", func() ([]row, error) { return measureAccept(t) }},
		{"relay", func() ([]row, error) { return measureRelay(t) }},
	}
	wanted, err := choose(parts, *only)
	if err != nil {
		return err
	}
	var rows []row
	for _, p := range wanted {
		more, err := p.measure()
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}

	fmt.Printf("\n%s, %s/%s, %d cores, btcd v0.26.2\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "what\tfigure\tratio to btcd\twanted\tnote")
	fmt.Fprintln(w, "----\t------\t-------------\t------\t----")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.what, r.value, r.ratio, r.bound, r.note)
	}
	return w.Flush()
}

// part is some rows of the table, measured together.
type part struct {
	name    string
	measure func() ([]row, error)
}

// choose returns the parts that a comma-separated list names, or all.
func choose(parts []part, list string) ([]part, error) {
	if list == "" {
		return parts, nil
	}
	var chosen []part
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			var names []string
			for _, p := range parts {
				names = append(names, p.name)
			}
			return nil, fmt.Errorf("-only: there is no part %q; the parts are %s", name, strings.Join(names, ", "))
		}
		chosen = append(chosen, parts[i])
	}
	return chosen, nil
}

// progress tells what is going on, aside from the table.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// chainFile makes the chain. The generator always runs, for its summary says
// what the chain holds, but where the file exists its output goes nowhere.
func chainFile(t *tb, path string, cfg benchchain.Config) (benchchain.Summary, string, error) {
	if path == "" {
		path = filepath.Join(t.TempDir(), "chain.dat")
	}
	if sum, err := os.ReadFile(path + ".summary"); err == nil {
		s, err := parseSummary(sum)
		return s, path, err
	}
	progress("generating the chain, which takes some minutes; -chain FILE keeps it")
	f, err := os.Create(path)
	if err != nil {
		return benchchain.Summary{}, "", err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	sum, err := benchchain.Write(w, cfg)
	if err == nil {
		err = w.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.WriteFile(path+".summary", formatSummary(sum), 0o644)
	}
	return sum, path, err
}

// download is one measured download.
type download struct {
	took   time.Duration
	memory int64 // peak resident memory in bytes; 0 where the system does not tell
}

func measureSync(t *tb, path string, sum benchchain.Summary, runs, dbcache int) ([]row, error) {
	best, last := sum.Best.String(), sum.LastFullHash.String()
	progress("loading the chain into the serving node")
	source := harness.NewStarling(t, "regtest", "--connect", "0", "--assume-valid", last)
	source.Start("--load-block", path)
	source.WaitBest(best, time.Hour)

	kinds := []struct {
		name string
		make func() *harness.Node
	}{
		{"btcd", func() *harness.Node {
			return harness.NewBtcd(t, "regtest", "--connect", source.P2P, "--nocfilters", "--utxocachemaxsize", fmt.Sprint(dbcache))
		}},
		{"all scripts", func() *harness.Node {
			return harness.NewStarling(t, "regtest", "--connect", source.P2P, "--assume-valid", "0", "--dbcache", fmt.Sprint(dbcache))
		}},
		{"assume valid", func() *harness.Node {
			return harness.NewStarling(t, "regtest", "--connect", source.P2P, "--assume-valid", last, "--dbcache", fmt.Sprint(dbcache))
		}},
	}
	results := make(map[string][]download)
	for i := range runs {
		for _, k := range kinds {
			n := k.make()
			began := time.Now()
			n.Launch()
			n.WaitReady()
			n.WaitBest(best, 2*time.Hour)
			d := download{time.Since(began), peakMemory(n.PID())}
			n.Stop()
			results[k.name] = append(results[k.name], d)
			progress("run %d, %s: %.1f s, %d MiB", i+1, k.name, d.took.Seconds(), d.memory>>20)
		}
	}
	source.Stop()

	median := func(name string) download {
		all := results[name]
		slices.SortFunc(all, func(a, b download) int { return int(a.took - b.took) })
		m := all[len(all)/2]
		for _, d := range all {
			m.memory = max(m.memory, d.memory)
		}
		return m
	}
	btcd, full, assumed := median("btcd"), median("all scripts"), median("assume valid")
	library, ours, note := signatureTimes(sum)
	ratio := func(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()/btcd.took.Seconds()) }
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	rows := []row{
		{"download, all scripts checked: btcd", seconds(btcd.took), "1", "", "--nocfilters"},
		{"download, all scripts checked: Starling", seconds(full.took), ratio(full.took), "≤ 0.80", ""},
		{"  signature floor, as btcec checks", seconds(library), ratio(library), "", note},
		{"  signature floor, as Starling checks", seconds(ours), ratio(ours), "", ""},
		{"download, assume-valid: Starling", seconds(assumed.took), ratio(assumed.took), "≤ 0.12", "of btcd's time for the whole"},
	}
	if btcd.memory > 0 {
		memory := func(what, bound string, d download) row {
			return row{what, fmt.Sprintf("%d MiB", d.memory>>20), fmt.Sprintf("%.3f", float64(d.memory)/float64(btcd.memory)), bound, ""}
		}
		rows = append(rows, memory("peak memory: btcd", "", btcd), memory("peak memory: Starling, all scripts", "≤ 1", full),
			memory("peak memory: Starling, assume-valid", "≤ 1", assumed))
	}
	return rows, nil
}
