package networkcmd

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"starling/address"
	"starling/internal/cli/cmdkit"
	"starling/node/settings"
	"starling/params"
	"starling/params/netfile"
)

// Describe says what was made and how to go on.
func Describe(w io.Writer, cfg *settings.Settings, n *params.Network, path string) {
	fmt.Fprintf(w, "Network %s is in %s\n\n", n.Name, path)
	networkFacts(w, n)
	fmt.Fprintf(w, "\nStart a node:\n  starling node %s\n", networkWords(cfg, n, path))
	if len(n.FixedSeeds) > 0 {
		fmt.Fprintf(w, "Give others the file; they join with:\n  starling node --network FILE\n")
	} else {
		fmt.Fprintf(w, "Give others the file; as it names no seed, they join with:\n"+
			"  starling node --network FILE --addnode HOST:%d\n", n.DefaultPort)
	}
}

// networkWords are the flags with which a command finds a network: its name
// is enough if the file is where names are looked up.
func networkWords(cfg *settings.Settings, n *params.Network, path string) string {
	var words []string
	if cfg.DataDir() != settings.DefaultDataDir() {
		words = append(words, "--datadir "+cfg.DataDir())
	}
	if cfg.NodeID != 0 {
		words = append(words, fmt.Sprintf("--node-id %d", cfg.NodeID))
	}
	switch {
	case path == settings.NetworkFile(cfg.DataDir(), n.Name):
		path = n.Name
	case filepath.Ext(path) != ".toml" && !strings.ContainsRune(path, filepath.Separator):
		path = "." + string(filepath.Separator) + path
	}
	return strings.Join(append(words, "--network "+path), " ")
}

// networkFacts writes what people ask about a network.
func networkFacts(w io.Writer, n *params.Network) {
	t := cmdkit.NewTable(w)
	row := func(name, format string, args ...any) {
		t.Row("  "+name, fmt.Sprintf(format, args...))
	}
	row("first block", "%s", n.GenesisHash)
	if n.GenesisSpendable {
		for i, out := range n.Genesis.Txs[0].Out {
			const most = 5
			if i == most {
				row("", "and %d more", len(n.Genesis.Txs[0].Out)-most)
				break
			}
			to := "script " + hex.EncodeToString(out.Script)
			if a, ok := address.FromScript(out.Script, n); ok {
				to = a.String()
			}
			row("pays", "%s to %s", cmdkit.CoinText(out.Value), to)
		}
	}
	row("magic", "%x", n.Magic)
	row("ports", "%d for peers, %d for RPC", n.DefaultPort, n.RPCPort)
	row("seeds", "%s", cmp.Or(strings.Join(n.FixedSeeds[:min(len(n.FixedSeeds), 5)], " "), "none"))
	difficulty := "the difficulty never changes"
	if !n.NoRetargeting {
		difficulty = fmt.Sprintf("the difficulty changes every %d blocks", n.DifficultyInterval())
	}
	row("blocks", "every %s; %s", spanText(n.TargetSpacing), difficulty)
	row("subsidy", "%s, half of it after %d blocks, spendable %d blocks later", cmdkit.CoinText(n.InitialSubsidy), n.SubsidyHalvingInterval, n.CoinbaseMaturity)
	row("least fee", "%d satoshi for 1,000 virtual bytes", n.MinRelayFee)
	row("addresses", "begin with %s1", n.Bech32HRP)
	t.End()
}

// spanText writes a time without needless zeros: 10m, not 10m0s.
func spanText(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

func newNetworkShowCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "show NAME|FILE",
		Short: "Print what a network is like, after checking its file",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cmdkit.UsageError{Err: errors.New("show needs the name or the file of one network")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := cmdkit.LoadConfigWith(c, map[string]string{"network": args[0]})
			if err != nil {
				return err
			}
			w := c.OutOrStdout()
			fmt.Fprintf(w, "Network %s\n\n", cfg.Server.Network.Name)
			networkFacts(w, cfg.Server.Network)
			return nil
		},
	}
	cmdkit.AddSomeFlags(c.Flags(), "datadir", "config")
	return c
}

// networkLine is a network in the list, in the form of --json.
type networkLine struct {
	Name    string `json:"name"`
	Port    uint16 `json:"port,omitempty"`
	RPCPort uint16 `json:"rpc_port,omitempty"`
	Magic   string `json:"magic,omitempty"`
	BuiltIn bool   `json:"built_in"`
	File    string `json:"file,omitempty"`
	Error   string `json:"error,omitempty"` // why the file cannot be used
}

// List gathers the networks that --network knows by name.
func List(cfg *settings.Settings) ([]networkLine, error) {
	line := func(n *params.Network) networkLine {
		return networkLine{Name: n.Name, Port: n.DefaultPort, RPCPort: n.RPCPort, Magic: hex.EncodeToString(n.Magic[:])}
	}
	var all []networkLine
	for _, name := range params.Names() {
		n, err := params.ByName(name)
		if err != nil {
			return nil, err
		}
		l := line(n)
		l.BuiltIn = true
		all = append(all, l)
	}
	// A directory that may not be read is not one without networks.
	if _, err := os.ReadDir(filepath.Dir(settings.NetworkFile(cfg.DataDir(), ""))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, name := range cfg.OwnNetworks() {
		path := settings.NetworkFile(cfg.DataDir(), name)
		n, err := netfile.Load(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			all = append(all, networkLine{Name: name, File: path, Error: cmdkit.OneLine(err)})
		default:
			l := line(n)
			l.File = path
			all = append(all, l)
		}
	}
	return all, nil
}

func newNetworkListCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the networks that --network knows by name",
		Args:  cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := cmdkit.LoadConfigWith(c, map[string]string{"network": "main"})
			if err != nil {
				return err
			}
			all, err := List(cfg)
			if err != nil {
				return err
			}
			if asJSON, _ := c.Flags().GetBool("json"); asJSON {
				return cmdkit.WriteJSON(c.OutOrStdout(), all)
			}
			t := cmdkit.NewTable(c.OutOrStdout(), "NAME", "PEERS", "RPC", "MAGIC", "FROM")
			for _, l := range all {
				switch {
				case l.Error != "":
					t.Row(l.Name, "-", "-", "-", l.Error)
				default:
					t.Row(l.Name, l.Port, l.RPCPort, l.Magic, cmp.Or(l.File, "built in"))
				}
			}
			return t.End()
		},
	}
	cmdkit.AddSomeFlags(c.Flags(), "datadir", "config")
	c.Flags().Bool("json", false, "print JSON")
	return c
}
