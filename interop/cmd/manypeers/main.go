package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// rolePeers is the first argument of the process of the peers.
const rolePeers = "-as-peers"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if len(os.Args) > 1 && os.Args[1] == rolePeers {
		err = runPeers(ctx, os.Stdin, os.Stdout)
	} else {
		err = run(ctx)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "manypeers:", err)
		os.Exit(1)
	}
}

// config is what is to be measured.
type config struct {
	peers   int
	v2      bool
	blocks  int
	profile string
	quiet   time.Duration
}

func (c config) transport() string {
	if c.v2 {
		return "v2"
	}
	return "v1"
}

func run(ctx context.Context) error {
	f := flag.NewFlagSet("manypeers", flag.ContinueOnError)
	peers := f.String("peers", "1000,10000", "how many peers, one run for each number")
	transports := f.String("transport", "v1,v2", "v1 for links in the clear, v2 for encrypted ones (BIP324), one run for each")
	blocks := f.Int("blocks", 5, "how many blocks to announce, and as many again that all peers fetch; the median counts")
	quiet := f.Duration("quiet", 5*time.Second, "how long nothing happens before memory is measured")
	profile := f.String("profile", "", "write profiles to this directory: of the heap of the idle node, and of the processor while peers connect and blocks are announced")
	f.Usage = func() {
		fmt.Fprintln(f.Output(), "manypeers measures what many idle peers cost a node, and how soon they hear of a block.")
		fmt.Fprintln(f.Output(), "The peers run in a process of their own on this machine. Some minutes for all.")
		fmt.Fprintln(f.Output())
		f.PrintDefaults()
	}
	if err := f.Parse(os.Args[1:]); err != nil {
		return err
	}
	if f.NArg() > 0 || *blocks < 1 {
		return fmt.Errorf("it takes flags alone, and at least one block; see manypeers --help")
	}
	var results []result
	for _, t := range strings.Split(*transports, ",") {
		if t != "v1" && t != "v2" {
			return fmt.Errorf("-transport is v1 or v2, not %q", t)
		}
		for _, n := range strings.Split(*peers, ",") {
			count, err := strconv.Atoi(n)
			if err != nil || count < 1 || count > maxPeers {
				return fmt.Errorf("-peers is between 1 and %d, not %q", maxPeers, n)
			}
			r, err := measure(ctx, config{count, t == "v2", *blocks, *profile, *quiet})
			if err != nil {
				return fmt.Errorf("%d peers, %s: %w", count, t, err)
			}
			results = append(results, r)
		}
	}
	print(results)
	return nil
}

// progress tells what is going on, beside the table.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// print prints the table.
func print(results []result) {
	fmt.Printf("\n%s, %s/%s, %d cores for node and peers together\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "peers\tlinks\tconnected in\theap\tstacks\tboth a peer\ttold 50 %\t90 %\t99 %\tall\thave it 50 %\t90 %\t99 %\tall\t")
	for _, r := range results {
		fmt.Fprintf(w, "%d\t%s\t%v\t%s\t%s\t%s\t", r.peers, r.transport(), r.connected.Round(100*time.Millisecond),
			kib(r.heap), kib(r.stacks), kib(r.heap+r.stacks))
		for _, s := range []spread{r.told, r.have} {
			for _, d := range s {
				fmt.Fprintf(w, "%v\t", d.Round(100*time.Microsecond))
			}
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

func kib(bytes float64) string { return fmt.Sprintf("%.1f KiB", bytes/1024) }
