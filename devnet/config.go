package devnet

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"starling/internal/cputime"
	"starling/mining"
)

const (
	// DefaultNodes is how many nodes there are unless told otherwise: one for
	// each part that the first three play.
	DefaultNodes = 3
	// MaxNodes bounds how many nodes one process runs. Each takes some 40 MB
	// of memory, and file descriptors for its database.
	MaxNodes = 50
	// MaxTxRate bounds the payments made up in a second, which the wallets
	// could not keep up with anyway.
	MaxTxRate = 1000
	// MinTxRate is the least rate but none, one payment in a day. The waits for
	// one much smaller could not be told any more.
	MinTxRate = 1.0 / (24 * 60 * 60)
	maxPort   = 65_535
	// MaxLoss bounds [Path.Loss]: with more next to every link breaks.
	MaxLoss = 0.5
	// MaxLatency bounds [Path.Latency]: beyond it, peers take each other for
	// dead.
	MaxLatency = 30 * time.Second
)

// Config says what network to run. The zero value works.
type Config struct {
	Nodes    int // DefaultNodes, or as many as there were, if zero
	Topology Topology
	Path     Path
	Mode     Mode
	// TxRate is how many payments are made up in a second, on average.
	TxRate float64

	// Ports is the first of the ports that the nodes have: two each, for peers
	// and for RPC, in the order of the nodes. 0 for any that are free, and the
	// same as the last time if they still are.
	Ports int
	// RPCUser and RPCPassword let one more user call every node, beside the one
	// of its cookie file; none if the password is empty.
	RPCUser, RPCPassword string

	// State is a directory that keeps everything for the next time. Empty for
	// one that is removed at the end.
	State string
	// Control is the directory of the file that tells commands where this
	// network is; State if empty.
	Control string

	// Log returns the logger of a node; nil for no log lines.
	Log func(node string) *slog.Logger
	// Events is told what happens, one event at a time; nil for nobody. It
	// must not block for long.
	Events func(Event)
	// Since runs from when the program was started, to tell how long the first
	// block took.
	Since cputime.Stopwatch

	Version string // as people write it
}

// Mode says when blocks are made.
type Mode struct {
	kind  string // "" means instant
	every time.Duration
}

// The modes' names.
const (
	instant  = "instant"
	hand     = "hand"
	interval = "interval"
	poisson  = "poisson"
)

// ParseMode reads instant, hand, interval=TIME or poisson=TIME.
func ParseMode(s string) (Mode, error) {
	kind, word, has := strings.Cut(s, "=")
	m := Mode{kind: kind}
	switch kind {
	case instant, hand:
		if !has {
			return m, nil
		}
	case interval, poisson:
		var err error
		m.every, err = time.ParseDuration(word)
		if has && err == nil && m.every >= time.Millisecond && m.every <= 24*time.Hour {
			return m, nil
		}
		return Mode{}, fmt.Errorf("%q: want %s=TIME with a time such as 5s, from 1ms to 24h", s, kind)
	}
	return Mode{}, fmt.Errorf("%q is not one of instant, interval=TIME, poisson=TIME and hand", s)
}

// String returns what [ParseMode] reads.
func (m Mode) String() string {
	switch m.kind {
	case interval, poisson:
		return m.kind + "=" + m.every.String()
	case "":
		return instant
	}
	return m.kind
}

// instant reports whether a block is made as soon as there is something to put
// into it.
func (m Mode) instant() bool { return m.kind == instant || m.kind == "" }

// pace returns what the miner waits for before each block, and how many
// transactions must wait.
func (m Mode) pace(rng *rand.Rand) (mining.Pace, int) {
	switch m.kind {
	case interval:
		return mining.Every(m.every), 0
	case poisson:
		return mining.Poisson(m.every, rng.Float64), 0
	}
	return nil, 1
}

// Check returns what is wrong with the settings, if anything.
func (c *Config) Check() error {
	switch {
	case c.Nodes < 0 || c.Nodes > MaxNodes:
		return fmt.Errorf("nodes: want from 1 to %d", MaxNodes)
	case c.Ports != 0 && (c.Ports < 1 || c.Ports > maxPort-2*max(c.Nodes, DefaultNodes)+1):
		return fmt.Errorf("ports: want a first port from 1 to %d, as each node takes two", maxPort-2*max(c.Nodes, DefaultNodes)+1)
	case (c.RPCUser == "") != (c.RPCPassword == ""):
		return errors.New("rpc-user and rpc-password: want both or neither")
	case strings.Contains(c.RPCUser, ":"):
		return errors.New("rpc-user: a name with a colon cannot be told from its password")
	case c.Path.Latency < 0 || c.Path.Latency > MaxLatency:
		return fmt.Errorf("latency: want from 0 to %s", MaxLatency)
	case !(c.Path.Loss >= 0 && c.Path.Loss <= MaxLoss):
		return fmt.Errorf("loss: want a share from 0 to %v, or from 0%% to %v%%", MaxLoss, 100*MaxLoss)
	case !(c.TxRate == 0 || c.TxRate >= MinTxRate && c.TxRate <= MaxTxRate):
		return fmt.Errorf("tx-rate: want 0, or from one payment in a day (%.6f) to %d in a second", MinTxRate, MaxTxRate)
	}
	return nil
}
