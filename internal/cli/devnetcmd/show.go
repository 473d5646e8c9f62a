package devnetcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"starling/clock"
	"starling/devnet"
	"starling/internal/cli/cmdkit"
)

const (
	// statusEvery is how often the status line on a terminal is drawn anew,
	// statusLineEvery how often it is written elsewhere.
	statusEvery     = 500 * time.Millisecond
	statusLineEvery = 10 * time.Second
)

// devnetShow writes what happens in a network: for people, with a status line
// that stays at the bottom of a terminal, or as JSON.
type devnetShow struct {
	asJSON, term bool

	mu   sync.Mutex
	w    io.Writer
	tty  io.Writer // w, to steer it
	line string    // on the terminal now
	live bool      // the network is ready and not stopping
}

func newDevnetShow(w io.Writer, asJSON bool) *devnetShow {
	s := &devnetShow{w: w, tty: cmdkit.Terminal(w), asJSON: asJSON}
	if f, ok := s.tty.(*os.File); ok && !asJSON {
		s.term = term.IsTerminal(int(f.Fd()))
	}
	return s
}

// event writes one event.
func (s *devnetShow) event(e devnet.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case "ready":
		s.live = true
	case "stopping":
		s.live = false
	}
	if s.asJSON {
		// An event is always encodable.
		_ = json.NewEncoder(s.w).Encode(e)
		return
	}
	text := eventText(e)
	if text == "" {
		return
	}
	if s.line != "" {
		fmt.Fprint(s.tty, "\r\x1b[K")
		s.line = ""
	}
	fmt.Fprintln(s.w, text)
}

// eventText describes an event in one line, or in a page if it is the first.
// Single payments are not told: there may be many.
func eventText(e devnet.Event) string {
	at := e.Time.Format(time.TimeOnly)
	switch e.Kind {
	case "ready":
		var b strings.Builder
		writeInfo(&b, e.Ready)
		return strings.TrimSuffix(b.String(), "\n")
	case "block":
		return fmt.Sprintf("%s  block %d  %s  %s", at, e.Height, e.Hash, cmdkit.Plural(e.Txs, "transaction"))
	case "reorg":
		return fmt.Sprintf("%s  reorganisation on %s: %s taken back, now at block %d", at, e.Node, cmdkit.Plural(int(e.Depth), "block"), e.Height)
	case "partition":
		return fmt.Sprintf("%s  partition: %s", at, groupText(e.Groups))
	case "heal":
		return fmt.Sprintf("%s  the partition is over", at)
	case "path":
		return fmt.Sprintf("%s  latency %v, loss %v%%", at, e.Path.Latency, 100*e.Path.Loss)
	case "stopped", "started":
		return fmt.Sprintf("%s  node %s has %s", at, e.Node, e.Kind)
	case "stopping":
		return fmt.Sprintf("%s  stopping", at)
	}
	return ""
}

// follow shows the status until ctx ends.
func (s *devnetShow) follow(ctx context.Context, d *devnet.Net) {
	clk := clock.System()
	every := statusLineEvery
	if s.term {
		every = statusEvery
	}
	last := ""
	for clock.Sleep(ctx, clk, every) == nil {
		status := d.Status()
		s.mu.Lock()
		switch text := statusText(status); {
		case !s.live:
		case s.asJSON:
			_ = json.NewEncoder(s.w).Encode(struct {
				Time   time.Time     `json:"time"`
				Kind   string        `json:"event"`
				Status devnet.Status `json:"status"`
			}{clk.Now(), "status", status})
		case s.term:
			s.line = text
			fmt.Fprint(s.tty, "\r\x1b[K")
			fmt.Fprint(s.w, text)
		case text != last:
			last = text
			fmt.Fprintln(s.w, clk.Now().Format(time.TimeOnly)+"  "+text)
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line != "" {
		fmt.Fprint(s.tty, "\r\x1b[K")
		s.line = ""
	}
}

// statusText is the status in one line.
func statusText(st devnet.Status) string {
	each := func(value func(devnet.NodeStatus) int) string {
		var words []string
		same := true
		for _, n := range st.Nodes {
			if n.Stopped {
				continue
			}
			v := fmt.Sprint(value(n))
			same = same && (len(words) == 0 || words[0] == v)
			words = append(words, v)
		}
		if len(words) == 0 {
			return "-"
		}
		if same {
			return words[0]
		}
		return strings.Join(words, "/")
	}
	text := fmt.Sprintf("height %s  peers %s  mempool %s  blocks %d  payments %d",
		each(func(n devnet.NodeStatus) int { return int(n.Height) }), each(func(n devnet.NodeStatus) int { return n.Peers - n.Cut }),
		each(func(n devnet.NodeStatus) int { return n.Mempool }), st.Blocks, st.Payments)
	if st.HashRate > 0 {
		text += fmt.Sprintf("  %.1f kH/s", st.HashRate/1000)
	}
	if len(st.Partition) > 0 {
		text += "  partition " + groupText(st.Partition)
	}
	return text
}

// groupText writes the groups of a partition.
func groupText(groups [][]string) string {
	var all []string
	for _, g := range groups {
		all = append(all, strings.Join(g, ","))
	}
	return strings.Join(all, " | ")
}

// showStatus writes the status of each node.
func showStatus(w io.Writer, st *devnet.Status, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(st)
	}
	fmt.Fprintln(w, statusText(*st))
	t := cmdkit.NewTable(w, "NODE", "HEIGHT", "TIP", "PEERS", "MEMPOOL", "WALLET")
	for _, n := range st.Nodes {
		if n.Stopped {
			t.Row(n.Name, "stopped")
			continue
		}
		peers := fmt.Sprint(n.Peers)
		if n.Cut > 0 {
			peers += fmt.Sprintf(" (%d cut off)", n.Cut)
		}
		t.Row(n.Name, n.Height, n.Hash, peers, n.Mempool, n.Balance)
	}
	return t.End()
}

// showInfo writes what one needs to use the network.
func showInfo(w io.Writer, d *devnet.Description, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(d)
	}
	writeInfo(w, d)
	return nil
}

func writeInfo(w io.Writer, d *devnet.Description) {
	end := "Ctrl-C ends it and leaves nothing behind."
	if d.Kept {
		end = "It is kept in " + d.Dir + "."
	}
	fmt.Fprintf(w, "A network of %d nodes runs on this machine. %s\n\n", len(d.Nodes), end)
	t := cmdkit.NewTable(w, "NODE", "P2P", "RPC", "WALLET HAS", "AT ADDRESS")
	for _, n := range d.Nodes {
		t.Row(n.Name, n.P2P, n.RPC, n.Balance, n.Address)
	}
	t.End()
	fmt.Fprintln(w, "\nSeed phrases of the wallets:")
	t = cmdkit.NewTable(w)
	for _, n := range d.Nodes {
		t.Row("  "+n.Name, n.Mnemonic)
	}
	t.End()
	fmt.Fprintln(w, "\nBlocks are made "+modeText(d.Mine)+".")
	if d.FirstBlock > 0 {
		fmt.Fprintf(w, "The first one came %.2f s after the start, with all wallets paid and confirmed after %.2f s.\n", d.FirstBlock, d.FirstPayment)
	}
	state := ""
	if d.Kept {
		state = " --state " + d.Dir
	}
	first := d.Nodes[0]
	flags := fmt.Sprintf("--network %s --datadir %s --rpc-listen %s", d.Network, filepath.Clean(first.DataDir), first.RPC)
	fmt.Fprintf(w, `
Ask a node:
  starling rpc %s getblockchaininfo
  starling peers --messages %s
Act on the network, from another terminal:
  starling devnet%s pay %s 1.5
  starling devnet%s mine
  starling devnet%s --help
`, flags, flags, state, d.Nodes[len(d.Nodes)-1].Name, state, state)
}

// modeText says when blocks are made.
func modeText(mine string) string {
	kind, every, _ := strings.Cut(mine, "=")
	switch kind {
	case "interval":
		return "every " + every
	case "poisson":
		return "at random times, " + every + " apart on average"
	case "hand":
		return "by hand only (starling devnet mine)"
	}
	return "as soon as there is a payment"
}
