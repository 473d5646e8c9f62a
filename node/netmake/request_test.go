package netmake

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"starling/node/settings"
	"starling/params"
	"starling/params/netfile"
	"starling/wire"
)

// payee is an address of networks of one's own, and payeeScript what it stands
// for.
const (
	payee       = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
	payeeScript = "0014751e76e8199196d454941c45d1b3a323f1433bd6"
)

// someTime is when the networks of these tests are made.
var someTime = time.Unix(1_700_000_000, 0)

// request is for a network that can be made.
func request(changes ...func(*Request)) *Request {
	r := Defaults()
	r.Settings, r.Name, r.Addresses = &settings.Settings{}, "demo", []string{payee}
	for _, change := range changes {
		change(&r)
	}
	return &r
}

func script(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDefaults asks for nothing, and gets what networks of one's own have in
// common.
func TestDefaults(t *testing.T) {
	r := request()
	got, err := r.spec(someTime)
	if err != nil {
		t.Fatal(err)
	}
	want := netfile.Spec{
		Network: params.Own("demo"), Time: someTime,
		Outputs: []wire.TxOut{{Value: 50 * params.Coin, Script: script(t, payeeScript)}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(params.Network{})); diff != "" {
		t.Error(diff)
	}
}

// TestRefused asks for what cannot be.
func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		about  string
		change func(*Request)
		want   string // how the error begins
	}{
		{"no name", func(r *Request) { r.Name = "" }, "--name is needed"},
		{"name of Bitcoin's", func(r *Request) { r.Name = "main" }, `name: "main" is taken`},
		{"name of a directory", func(r *Request) { r.Name = "wallets" }, `name: "wallets" is taken`},
		{"name of a node's directory", func(r *Request) { r.Name = "node-8000" }, `name: "node-8000" is taken`},
		{"name that leads elsewhere", func(r *Request) { r.Name = "../x" }, "name: want lower-case letters"},
		{"nobody to pay", func(r *Request) { r.Addresses = nil }, "--wallet or --address is needed"},
		{"foreign address", func(r *Request) { r.Addresses = []string{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"} }, "address: "},
		{"empty address", func(r *Request) { r.Addresses = []string{"=5"} }, "address: "},
		{"amount with an exponent", func(r *Request) { r.Addresses = []string{payee + "=1e3"} }, `address: "1e3" is not an amount`},
		{"no amount after all", func(r *Request) { r.Addresses = []string{payee + "="} }, `address: "" is not an amount`},
		{"two amounts", func(r *Request) { r.Addresses = []string{payee + "=1=50"} }, `address: "1=50" is not an amount`},
		{"negative amount", func(r *Request) { r.Addresses = []string{payee + "=-1"} }, `address: "-1" is not an amount`},
		{"script of other letters", func(r *Request) { r.Scripts = []string{"OP_TRUE"} }, `script: "OP_TRUE" is not in hexadecimal digits`},
		{"empty script", func(r *Request) { r.Scripts = []string{""} }, `script: "" is not in hexadecimal digits`},
		{"amount of a script", func(r *Request) { r.Scripts = []string{"51=all"} }, `script: "all" is not an amount`},
		{"premine", func(r *Request) { r.Premine = "much" }, `premine: "much" is not an amount`},
		{"more than there can be", func(r *Request) { r.Premine = "22000000" }, "genesis: pays more than the protocol allows"},
		{"subsidy", func(r *Request) { r.Subsidy = "" }, `subsidy: "" is not an amount`},
		{"subsidies that add up", func(r *Request) { r.Subsidy = "500" }, "coins.subsidy: "},
		{"halving", func(r *Request) { r.Halving = 0 }, "coins.halving: want at least 1"},
		{"maturity", func(r *Request) { r.Maturity = -1 }, "coins.maturity: "},
		{"least fee", func(r *Request) { r.MinFee = -1 }, "policy.min-fee: "},
		{"spacing too short", func(r *Request) { r.Spacing = time.Millisecond }, "spacing: want between 1s and 24h"},
		{"spacing too long", func(r *Request) { r.Spacing = 25 * time.Hour }, "spacing: want between 1s and 24h"},
		{"no period", func(r *Request) { r.Period = 0 }, "period: want between"},
		{"period too long", func(r *Request) { r.Period = 1_000_001 }, "period: want between"},
		{"period too short to retarget", func(r *Request) { r.Period, r.Retarget = 5, new(true) }, "blocks.period: want at least 10"},
		{"difficulty", func(r *Request) { r.Difficulty = "hard" }, "difficulty: want easy, or a target in compact form: "},
		{"negative target", func(r *Request) { r.Difficulty = "1e8fffff" }, "difficulty: want easy, or a target in compact form: "},
		{"one port for two", func(r *Request) { r.Port, r.RPCPort = 7000, 7000 }, "port: want two different ports"},
		{"seed without a port", func(r *Request) { r.Seeds = []string{"nowhere"} }, `seeds: "nowhere" is not host:port`},
		{"beginning of Bitcoin's addresses", func(r *Request) { r.HRP, r.Addresses, r.Scripts = "bc", nil, []string{"51"} }, "prefixes.hrp: "},
		{"text of two lines", func(r *Request) { r.Text = "one\ntwo" }, "genesis.text: "},
	} {
		t.Run(tc.about, func(t *testing.T) {
			_, err := request(tc.change).spec(someTime)
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %s…", err, tc.want)
			}
		})
	}
}

// TestOutputs looks at what first blocks pay.
func TestOutputs(t *testing.T) {
	paid := script(t, payeeScript)
	for _, tc := range []struct {
		about  string
		change func(*Request)
		want   []wire.TxOut
	}{
		{"the subsidy", func(r *Request) { r.Subsidy = "2.5" }, []wire.TxOut{{Value: 250_000_000, Script: paid}}},
		{"the premine", func(r *Request) { r.Premine = "7" }, []wire.TxOut{{Value: 7 * params.Coin, Script: paid}}},
		{"all in their order", func(r *Request) {
			r.Wallet, r.Premine = "main", "3"
			r.Addresses = []string{payee + "=1", payee}
			r.Scripts = []string{"51=0.5", "52"}
		}, []wire.TxOut{
			{Value: 3 * params.Coin, Script: []byte{0x51}}, // the wallet's, until it has an address
			{Value: params.Coin, Script: paid}, {Value: 3 * params.Coin, Script: paid},
			{Value: params.Coin / 2, Script: []byte{0x51}}, {Value: 3 * params.Coin, Script: []byte{0x52}},
		}},
		{"nothing to somebody", func(r *Request) { r.Addresses[0] += "=0" }, []wire.TxOut{{Script: paid}}},
	} {
		t.Run(tc.about, func(t *testing.T) {
			got, err := request(tc.change).spec(someTime)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.Outputs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDecided looks at what follows from what was asked for.
func TestDecided(t *testing.T) {
	listen := []string{"127.0.0.1:8000"}
	several := &settings.Settings{NodeID: 8000}
	several.Listen = listen
	alone := &settings.Settings{}
	alone.Listen = listen
	type rules struct {
		Retarget, OnDemand bool
		Bits               uint32
		Timespan           time.Duration
		Seeds              []string
	}
	const (
		easiest = 0x207fffff
		span    = 2016 * 10 * time.Second
	)
	for _, tc := range []struct {
		about  string
		change func(*Request)
		want   rules
	}{
		{"as it comes", func(*Request) {}, rules{false, true, easiest, span, nil}},
		{"blocks that take work", func(r *Request) { r.Difficulty = "1d00ffff" }, rules{true, false, 0x1d00ffff, span, nil}},
		{"blocks that take little work", func(r *Request) { r.Difficulty = "1f7fffff" }, rules{true, true, 0x1f7fffff, span, nil}},
		{"work that stays the same", func(r *Request) { r.Difficulty, r.Retarget = "1d00ffff", new(false) }, rules{false, false, 0x1d00ffff, span, nil}},
		{"easy at first", func(r *Request) { r.Retarget = new(true) }, rules{true, true, easiest, span, nil}},
		{"periods", func(r *Request) { r.Spacing, r.Period = time.Minute, 144 }, rules{false, true, easiest, 144 * time.Minute, nil}},
		{"the first of several nodes", func(r *Request) { r.Settings = several }, rules{false, true, easiest, span, listen}},
		{"the only node", func(r *Request) { r.Settings = alone }, rules{false, true, easiest, span, nil}},
		{"seeds that were named", func(r *Request) { r.Settings, r.Seeds = several, []string{"a.example:1"} }, rules{false, true, easiest, span, []string{"a.example:1"}}},
	} {
		t.Run(tc.about, func(t *testing.T) {
			s, err := request(tc.change).spec(someTime)
			if err != nil {
				t.Fatal(err)
			}
			n := s.Network
			got := rules{!n.NoRetargeting, n.MineOnDemand, n.PowLimitBits, n.TargetTimespan, n.FixedSeeds}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if target, _ := params.Target(n.PowLimitBits); target.Cmp(n.PowLimit) != 0 {
				t.Errorf("the limit is %x, its compact form %x", n.PowLimit, target)
			}
		})
	}
}

// TestSeldom counts how often a long search is told of.
func TestSeldom(t *testing.T) {
	var told []uint64
	spec := netfile.Spec{Network: params.Own("demo"), Bits: 0x1d00ffff}
	progress := seldom(spec, func(hashes uint64, needed float64) {
		told = append(told, hashes)
		if needed != 1<<32 {
			t.Errorf("%.0f hashes are needed, want 2^32", needed)
		}
	})
	for _, hashes := range []uint64{1 << 16, 1<<26 - 1, 1 << 26, 1<<26 + 1<<16, 1 << 27, 1 << 30} {
		progress(hashes)
	}
	if diff := cmp.Diff([]uint64{1 << 26, 1 << 27, 1 << 30}, told); diff != "" {
		t.Error(diff)
	}
	if seldom(spec, nil) != nil {
		t.Error("nobody to tell, and yet it is told")
	}
}
