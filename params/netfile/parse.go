package netfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"starling/address"
	"starling/internal/nearest"
	"starling/params"
	"starling/wire"
)

const (
	// maxFile is the largest file that is read. Ten thousand outputs fit.
	maxFile = 2 << 20
	// maxOutputs keeps the genesis block a block of ordinary size, 400 kB.
	maxOutputs = 10_000
	// maxScript is the longest output script that can ever be spent.
	maxScript = 10_000
	// maxText is the longest text that a single byte can tell the length of.
	maxText = 75
)

// Error says what is wrong with a network file.
type Error struct {
	Path   string // empty if it did not come from a file
	Key    string // empty if the file as a whole is wrong
	Reason string
}

// Error implements the error interface.
func (e *Error) Error() string {
	s := e.Reason
	if e.Key != "" {
		s = e.Key + ": " + s
	}
	if e.Path != "" {
		s = e.Path + ": " + s
	}
	return s
}

func bad(key, text string, args ...any) *Error {
	return &Error{Key: key, Reason: fmt.Sprintf(text, args...)}
}

// Load reads a network from a file. The error is an [*Error], or one of the
// operating system's.
func Load(path string) (*params.Network, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &Error{Path: path, Reason: "it is no regular file"} // a pipe may never end
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	n, err := Parse(b)
	var e *Error
	if errors.As(err, &e) {
		e.Path = path
	}
	return n, err
}

// Parse reads a network from the text of a file. The network it returns has
// passed [params.Network.Validate]. The error is an [*Error].
func Parse(b []byte) (*params.Network, error) {
	if len(b) > maxFile {
		return nil, bad("", "more than %d bytes are no network file", maxFile)
	}
	var tree map[string]any
	if err := toml.Unmarshal(b, &tree); err != nil {
		return nil, tomlError(err)
	}
	// Of a file of a later form only this much can be told.
	if v, ok := tree["format"]; ok && v != int64(format) {
		return nil, bad("format", "this program knows form %d only", format)
	}
	if err := checkKeys("", tree, reflect.TypeFor[file]()); err != nil {
		return nil, err
	}
	var f file
	if err := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields().Decode(&f); err != nil {
		return nil, tomlError(err)
	}
	return f.network()
}

// tomlError puts an error of the TOML reader into one line.
func tomlError(err error) *Error {
	reason := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "toml: ")
	var d *toml.DecodeError
	if !errors.As(err, &d) {
		return bad("", "%s", reason)
	}
	line, _ := d.Position()
	return bad(strings.Join(d.Key(), "."), "%s (line %d)", reason, line)
}

// checkKeys compares the keys of a table with those of the struct that it is
// read into.
func checkKeys(path string, table map[string]any, t reflect.Type) error {
	var known []string
	fields := make(map[string]reflect.StructField)
	for i := range t.NumField() {
		name, opts, _ := strings.Cut(t.Field(i).Tag.Get("toml"), ",")
		known = append(known, name)
		fields[name] = t.Field(i)
		if _, ok := table[name]; !ok && opts == "" {
			return bad(path+name, "is missing")
		}
	}
	keys := make([]string, 0, len(table))
	for k := range table {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		f, ok := fields[k]
		if !ok {
			if near := nearest.Word(k, known); near != "" {
				return bad(path+k, "unknown; did you mean %s?", near)
			}
			return bad(path+k, "unknown; known here are %s", strings.Join(known, ", "))
		}
		var err error
		switch v := table[k].(type) {
		case map[string]any:
			if f.Type.Kind() == reflect.Struct {
				err = checkKeys(path+k+".", v, f.Type)
			}
		case []any:
			if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
				for i, it := range v {
					if m, ok := it.(map[string]any); ok {
						err = cmp.Or(err, checkKeys(fmt.Sprintf("%s%s[%d].", path, k, i), m, f.Type.Elem()))
					}
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// network turns a file into a network.
func (f *file) network() (*params.Network, error) {
	if params.Reserved(f.Name) {
		return nil, bad("name", "%q is taken: it means something else to people or to the program", f.Name)
	}
	n := params.Own(f.Name)
	n.Magic = f.Magic
	n.DefaultPort, n.RPCPort = f.Port, f.RPCPort
	n.FixedSeeds, n.DNSSeeds = f.Seeds, f.DNSSeeds
	n.Transports = f.Transports
	n.Libp2pPrefix, n.DiscoveryKey = f.Libp2pPrefix, f.DiscoveryKey

	target, ok := params.Target(uint32(f.Blocks.Limit))
	if !ok {
		return nil, bad("blocks.limit", "is not the compact form of a target")
	}
	n.PowLimit, n.PowLimitBits = target, uint32(f.Blocks.Limit)
	n.TargetSpacing = time.Duration(f.Blocks.Spacing)
	if p := f.Blocks.Period; p < 1 || p > maxPeriod {
		return nil, bad("blocks.period", "want between 1 and %d blocks", maxPeriod)
	}
	if n.TargetSpacing > maxSpacing {
		return nil, bad("blocks.spacing", "want at most %v", maxSpacing)
	}
	n.TargetTimespan = time.Duration(f.Blocks.Period) * n.TargetSpacing
	n.NoRetargeting = !f.Blocks.Retarget
	n.AllowMinDifficulty = f.Blocks.MinDifficulty
	n.EnforceBIP94 = f.Blocks.BIP94
	n.MineOnDemand = f.Blocks.OnDemand

	n.InitialSubsidy = int64(f.Coins.Subsidy)
	n.SubsidyHalvingInterval = f.Coins.Halving
	n.CoinbaseMaturity = f.Coins.Maturity
	n.MinRelayFee = f.Policy.MinFee
	f.Links.apply(n)
	n.BIP34Height, n.BIP65Height, n.BIP66Height = f.Forks.BIP34, f.Forks.BIP65, f.Forks.BIP66
	n.CSVHeight, n.SegwitHeight = f.Forks.CSV, f.Forks.Segwit
	n.PubKeyHashPrefix, n.ScriptHashPrefix, n.WIFPrefix = f.Prefixes.PubKeyHash, f.Prefixes.ScriptHash, f.Prefixes.WIF
	n.Bech32HRP = f.Prefixes.HRP

	n.GenesisSpendable = f.Genesis.Spendable
	// Prefixes that are no good make every address bad, so they are told first.
	var e *params.Error
	if err := n.Validate(); errors.As(err, &e) && e.Field != "Genesis" {
		return nil, explain(err)
	}
	if err := f.Genesis.fill(n); err != nil {
		return nil, err
	}
	return n, explain(n.Validate())
}

// apply sets what a file says of links. Networks whose file is older than these
// keys go on as they were, but that waiting is of no use to any of them.
func (l *links) apply(n *params.Network) {
	n.PingInterval, n.PingTimeout = params.BitcoinPingInterval, params.BitcoinPingTimeout
	for _, x := range []struct {
		from *span
		to   *time.Duration
	}{{l.PingInterval, &n.PingInterval}, {l.PingTimeout, &n.PingTimeout}, {l.TxWait, &n.TxWait}} {
		if x.from != nil {
			*x.to = time.Duration(*x.from)
		}
	}
}

const (
	// maxPeriod is about 19 years of Bitcoin's blocks.
	maxPeriod = 1_000_000
	// maxSpacing keeps times of whole periods far from the ends of their type.
	maxSpacing = 24 * time.Hour
)

// fill builds the genesis block into n, and checks its hash.
func (g *genesis) fill(n *params.Network) error {
	outs, err := g.outputs(n)
	if err != nil {
		return err
	}
	if err := checkText(g.Text); err != nil {
		return err
	}
	at := g.Time.Unix()
	if at <= 0 || at > 1<<32-1 || g.Time.Nanosecond() != 0 {
		return bad("genesis.time", "want a time in whole seconds between 1970 and 2106")
	}
	b := block(wire.Header{Version: 1, Timestamp: uint32(at), Bits: uint32(g.Bits), Nonce: g.Nonce}, g.Text, outs)
	if b.Hash() != wire.Hash(g.Hash) {
		return bad("genesis.hash", "the block that this file describes has the hash %s; something in its table was changed",
			b.Hash())
	}
	n.Genesis, n.GenesisHash = b, b.Hash()
	return nil
}

// outputs returns what the genesis block pays.
func (g *genesis) outputs(n *params.Network) ([]wire.TxOut, error) {
	if len(g.Outputs) == 0 || len(g.Outputs) > maxOutputs {
		return nil, bad("genesis.outputs", "want between 1 and %d", maxOutputs)
	}
	outs := make([]wire.TxOut, len(g.Outputs))
	for i, o := range g.Outputs {
		key := fmt.Sprintf("genesis.outputs[%d]", i)
		outs[i] = wire.TxOut{Value: int64(o.Amount), Script: o.Script}
		switch {
		case (o.Address == "") == (o.Script == nil):
			return nil, bad(key, "want either an address or a script")
		case len(o.Script) > maxScript:
			return nil, bad(key+".script", "more than %d bytes can never be spent", maxScript)
		case o.Address != "":
			a, err := address.Decode(o.Address, n)
			if err != nil {
				return nil, bad(key+".address", "%v", err)
			}
			outs[i].Script = a.Script()
		}
	}
	return outs, nil
}

// checkText checks the text of a genesis block.
func checkText(s string) error {
	if s == "" || len(s) > maxText || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return bad("genesis.text", "want one line of text of 1 to %d bytes", maxText)
	}
	return nil
}

// block builds a genesis block from its header, of which the merkle root is
// filled in.
func block(h wire.Header, text string, outs []wire.TxOut) *wire.Block {
	script := append([]byte{byte(len(text))}, text...)
	tx := wire.NewTx(1,
		[]wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}, Script: script, Sequence: wire.SequenceFinal}},
		outs, 0)
	h.MerkleRoot = tx.TxID()
	return wire.NewBlock(h, []*wire.Tx{tx})
}

// keys says by which key of a file each field of a network is set.
func keys() map[string]string {
	return map[string]string{
		"Name": "name", "Magic": "magic", "DefaultPort": "port", "Transports": "transports",
		"FixedSeeds": "seeds", "DNSSeeds": "dns-seeds",
		"Libp2pPrefix": "libp2p-prefix", "DiscoveryKey": "discovery-key",
		"Genesis": "genesis", params.GenesisWork: "genesis", "GenesisHash": "genesis.hash", "GenesisSpendable": "genesis.spendable",
		"PowLimit": "blocks.limit", "PowLimitBits": "blocks.limit", "TargetSpacing": "blocks.spacing",
		"TargetTimespan": "blocks.period", "MineOnDemand": "blocks.on-demand",
		"InitialSubsidy": "coins.subsidy", "SubsidyHalvingInterval": "coins.halving",
		"CoinbaseMaturity": "coins.maturity", "MinRelayFee": "policy.min-fee",
		"PingInterval": "links.ping-interval", "PingTimeout": "links.ping-timeout", "TxWait": "links.tx-wait",
		"BIP34Height": "forks.bip34", "BIP65Height": "forks.bip65", "BIP66Height": "forks.bip66",
		"CSVHeight": "forks.csv", "SegwitHeight": "forks.segwit",
		"Bech32HRP": "prefixes.hrp", "ScriptHashPrefix": "prefixes.script-hash",
	}
}

// explain puts an error of a network's own check into the words of its file.
func explain(err error) error {
	var e *params.Error
	if !errors.As(err, &e) {
		return err
	}
	return &Error{Key: cmp.Or(keys()[e.Field], e.Field), Reason: e.Reason}
}
