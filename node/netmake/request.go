package netmake

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"starling/address"
	"starling/node/settings"
	"starling/params"
	"starling/params/netfile"
	"starling/wire"
)

// Easy is the difficulty at which every second hash is work enough.
const Easy = "easy"

// Request says what network to make, in the words in which people ask for one:
// start from [Defaults] and change what is to differ.
type Request struct {
	// Settings are those of the node that the network is made on. They say
	// where its file and its wallet go.
	Settings *settings.Settings
	// Name is what to call it.
	Name string
	// Wallet is paid by the first block, at a new address. It is made if it is
	// not there.
	Wallet string
	// Addresses and Scripts (in hexadecimal digits) are paid by the first block
	// too. "=COINS" behind one says how much it is paid.
	Addresses, Scripts []string
	// Premine is how many coins is paid whoever is named without; the subsidy if
	// it is empty.
	Premine string
	// Subsidy is how many coins each block creates at first, Halving after how
	// many blocks that halves.
	Subsidy string
	Halving int32
	// Maturity is how many blocks deep the reward of a block must be to be
	// spent.
	Maturity int32
	// MinFee is the least fee of a transaction, in satoshi for 1,000 virtual
	// bytes.
	MinFee int64
	// Spacing is how far apart blocks should be.
	Spacing time.Duration
	// Difficulty is [Easy], or the first and easiest target in compact form.
	Difficulty string
	// Retarget says whether the difficulty follows the spacing, every Period
	// blocks; if it is nil, it does so unless it is easy.
	Retarget *bool
	Period   int64
	// Seeds are nodes, as host:port, that all nodes connect to. If there are
	// none, the first of several nodes of one user is where the others begin.
	Seeds []string
	// Port and RPCPort are where nodes listen; zero chooses by the first block.
	Port, RPCPort uint16
	// HRP is how addresses begin.
	HRP string
	// Text stands in the first block; a line about the network if it is empty.
	Text string
	// Path is where the file goes; if it is empty, where its name finds it.
	Path string
	// Replace lets the file take the place of another one.
	Replace bool
	// Progress, if not nil, is called every few seconds of a long search for the
	// first block, with how many hashes have been tried and about how many are
	// needed.
	Progress func(hashes uint64, needed float64)
}

// Defaults returns the request for a network on which nothing was decided but
// what must be: it lacks settings, a name, and somebody to pay.
func Defaults() Request {
	own := params.Own("")
	return Request{
		Subsidy: "50", Halving: own.SubsidyHalvingInterval, Maturity: own.CoinbaseMaturity, MinFee: own.MinRelayFee,
		Spacing: own.TargetSpacing, Difficulty: Easy, Period: int64(own.DifficultyInterval()), HRP: own.Bech32HRP,
	}
}

// retargets reports whether the difficulty follows the spacing.
func (r *Request) retargets() bool {
	if r.Retarget != nil {
		return *r.Retarget
	}
	return r.Difficulty != Easy
}

// spec returns what to make at a given time. What it lets through can be made,
// once the wallet has an address for the first output, if there is a wallet.
func (r *Request) spec(now time.Time) (netfile.Spec, error) {
	n, err := r.network()
	if err != nil {
		return netfile.Spec{}, err
	}
	s := netfile.Spec{Network: n, Text: r.Text, Time: now}
	if s.Outputs, err = r.outputs(n); err != nil {
		return netfile.Spec{}, err
	}
	return s, netfile.Check(s)
}

// network returns the network that is asked for, without a first block.
func (r *Request) network() (*params.Network, error) {
	if r.Name == "" {
		return nil, errors.New("--name is needed: what to call the network")
	}
	if params.Reserved(r.Name) {
		return nil, fmt.Errorf("name: %q is taken: it means something else to people or to the program", r.Name)
	}
	n := params.Own(r.Name)
	var err error
	if n.InitialSubsidy, err = netfile.ParseCoins(r.Subsidy); err != nil {
		return nil, fmt.Errorf("subsidy: %w", err)
	}
	n.SubsidyHalvingInterval, n.CoinbaseMaturity, n.MinRelayFee = r.Halving, r.Maturity, r.MinFee
	n.FixedSeeds = slices.Clone(r.Seeds)
	if len(n.FixedSeeds) == 0 && r.Settings.NodeID != 0 {
		n.FixedSeeds = slices.Clone(r.Settings.Listen)
	}
	n.DefaultPort, n.RPCPort = r.Port, r.RPCPort
	n.Bech32HRP = r.HRP
	n.NoRetargeting = !r.retargets()
	if r.Difficulty != Easy {
		if n.PowLimitBits, err = netfile.ParseBits(r.Difficulty); err != nil {
			return nil, fmt.Errorf("difficulty: want easy, or a target in compact form: %w", err)
		}
		n.PowLimit, _ = params.Target(n.PowLimitBits)
		// Made by command where that takes no time.
		n.MineOnDemand = n.PowLimit.BitLen() >= params.OnDemandBits
	}
	if r.Spacing < time.Second || r.Spacing > 24*time.Hour {
		return nil, errors.New("spacing: want between 1s and 24h")
	}
	if r.Period < 1 || r.Period > 1_000_000 {
		return nil, errors.New("period: want between 1 and 1,000,000 blocks")
	}
	n.TargetSpacing, n.TargetTimespan = r.Spacing, time.Duration(r.Period)*r.Spacing
	return n, nil
}

// outputs returns what the first block pays.
func (r *Request) outputs(n *params.Network) ([]wire.TxOut, error) {
	premine := n.InitialSubsidy
	if r.Premine != "" {
		var err error
		if premine, err = netfile.ParseCoins(r.Premine); err != nil {
			return nil, fmt.Errorf("premine: %w", err)
		}
	}
	var outs []wire.TxOut
	if r.Wallet != "" {
		const anyScript = 0x51 // until there is an address of the wallet
		outs = append(outs, wire.TxOut{Value: premine, Script: []byte{anyScript}})
	}
	add := func(flag, word string, script func(string) ([]byte, error)) error {
		to, coins, given := strings.Cut(word, "=")
		out := wire.TxOut{Value: premine}
		var err error
		if given {
			if out.Value, err = netfile.ParseCoins(coins); err != nil {
				return fmt.Errorf("%s: %w", flag, err)
			}
		}
		if out.Script, err = script(to); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
		outs = append(outs, out)
		return nil
	}
	for _, a := range r.Addresses {
		err := add("address", a, func(s string) ([]byte, error) {
			to, err := address.Decode(s, n)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", s, err)
			}
			return to.Script(), nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, s := range r.Scripts {
		err := add("script", s, func(s string) ([]byte, error) {
			b, err := hex.DecodeString(s)
			if err != nil || len(b) == 0 {
				return nil, fmt.Errorf("%q is not in hexadecimal digits", s)
			}
			return b, nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(outs) == 0 {
		return nil, errors.New("--wallet or --address is needed: whom the first block pays")
	}
	return outs, nil
}
