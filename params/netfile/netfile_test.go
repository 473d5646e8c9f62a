package netfile

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"starling/address"
	"starling/params"
	"starling/wire"
)

// payee is an address that every network with the default prefix has.
const payee = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"

// spec returns what it takes for a network called name.
func spec(t testing.TB, name string, change ...func(*Spec)) Spec {
	t.Helper()
	s := Spec{
		Network: params.Own(name),
		Time:    time.Unix(1_700_000_000, 0),
	}
	for _, c := range change {
		c(&s)
	}
	if s.Outputs == nil {
		a, err := address.Decode(payee, params.Own(name))
		if err != nil {
			t.Fatal(err)
		}
		s.Outputs = []wire.TxOut{{Value: 50 * params.Coin, Script: a.Script()}}
	}
	return s
}

func create(t testing.TB, name string, change ...func(*Spec)) *params.Network {
	t.Helper()
	n, err := Create(context.Background(), spec(t, name, change...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func encode(t testing.TB, n *params.Network) []byte {
	t.Helper()
	b, err := Encode(n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same compares networks, blocks by their bytes.
func same(t *testing.T, want, got *params.Network) {
	t.Helper()
	diff := cmp.Diff(want, got,
		cmp.Comparer(func(a, b *wire.Block) bool { return bytes.Equal(a.Bytes(), b.Bytes()) }),
		cmp.Comparer(func(a, b *uint256.Int) bool { return a.Eq(b) }),
		cmp.Comparer(func(a, b []string) bool { return strings.Join(a, "|") == strings.Join(b, "|") }))
	if diff != "" {
		t.Error(diff)
	}
}

// TestRoundTrip writes networks with every kind of difference and reads them
// back.
func TestRoundTrip(t *testing.T) {
	for name, change := range map[string]func(*Spec){
		"plain": func(*Spec) {},
		"other": func(s *Spec) {
			n := s.Network
			n.FixedSeeds = []string{"127.0.0.1:8000", "seed.example:1", "[::1]:2"}
			n.DNSSeeds = []string{"dns.example"}
			n.Bech32HRP = "murmur"
			n.PubKeyHashPrefix, n.ScriptHashPrefix, n.WIFPrefix = 50, 51, 52
			n.InitialSubsidy, n.SubsidyHalvingInterval, n.CoinbaseMaturity = 123_456_789, 7, 0
			n.MinRelayFee = 1
			n.PingInterval, n.PingTimeout, n.TxWait = time.Second, time.Minute, time.Second
			n.MineOnDemand, n.NoRetargeting, n.AllowMinDifficulty = false, false, true
			n.EnforceBIP94 = false
			n.GenesisSpendable = false
			n.TargetSpacing = 90 * time.Second
			n.TargetTimespan = 144 * n.TargetSpacing
			n.CSVHeight, n.SegwitHeight = 5, 0
			n.PowLimit = new(uint256.Int).Lsh(uint256.NewInt(0x00ffff), 8*(0x1f-3))
			n.PowLimitBits = 0x1f00ffff
			s.Text = "two\tlines" // a tab is a control character
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "other" {
				if _, err := Create(context.Background(), spec(t, name, change), nil); err == nil {
					t.Error("a text with a tab was taken")
				}
			}
			n := create(t, name, change, func(s *Spec) {
				if s.Text != "" {
					s.Text = `with "quotes", \ and ü`
				}
				s.Outputs = []wire.TxOut{
					{Value: 1, Script: []byte{0x6a, 1, 2}}, // no address
					{Value: 12 * params.Coin, Script: mustScript(t, s.Network)},
					{Value: 0, Script: []byte{0x51}},
				}
			})
			text := encode(t, n)
			back, err := Parse(text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			same(t, n, back)
			if again := encode(t, back); !bytes.Equal(text, again) {
				t.Error("a second writing differs from the first")
			}
		})
	}
}

func mustScript(t *testing.T, n *params.Network) []byte {
	t.Helper()
	a, err := address.NewWitness(0, make([]byte, 20), n)
	if err != nil {
		t.Fatal(err)
	}
	return a.Script()
}

// TestOlderFile reads a file from before it could say how links are watched, and
// one that says part of it.
func TestOlderFile(t *testing.T) {
	n := create(t, "older")
	text := string(encode(t, n))
	var old []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "[links]") && !strings.HasPrefix(line, "ping-") && !strings.HasPrefix(line, "tx-wait") {
			old = append(old, line)
		}
	}
	want := *n
	want.PingInterval, want.PingTimeout = params.BitcoinPingInterval, params.BitcoinPingTimeout
	back, err := Parse([]byte(strings.Join(old, "")))
	if err != nil {
		t.Fatal(err)
	}
	same(t, &want, back)
	want.PingInterval = 7 * time.Second
	if back, err = Parse([]byte(strings.Replace(text, "ping-interval = '30s'\nping-timeout = '1m30s'\n", "ping-interval = '7s'\n", 1))); err != nil {
		t.Fatal(err)
	}
	same(t, &want, back)
}

// TestApart makes sure that networks never meet by accident, even two of one
// name.
func TestApart(t *testing.T) {
	a := create(t, "same")
	for _, change := range []func(*Spec){
		func(s *Spec) { s.Time = s.Time.Add(time.Second) },
		func(s *Spec) { s.Text = "another" },
		func(s *Spec) { s.Outputs = []wire.TxOut{{Value: 1, Script: []byte{0x51}}} },
		func(s *Spec) { s.Network = params.Own("other") },
	} {
		b := create(t, "same", change)
		if a.Magic == b.Magic || a.GenesisHash == b.GenesisHash || a.Libp2pPrefix == b.Libp2pPrefix || a.DiscoveryKey == b.DiscoveryKey {
			t.Errorf("%s and %s would meet", a.Name, b.Name)
		}
	}
	if b := create(t, "same"); a.Magic != b.Magic || a.DefaultPort != b.DefaultPort {
		t.Error("the same decisions gave another network")
	}
}

// TestWork makes a network whose genesis block takes some work.
func TestWork(t *testing.T) {
	var last uint64
	s := spec(t, "hard", func(s *Spec) { s.Bits = 0x1f00ffff })
	n, err := Create(context.Background(), s, func(hashes uint64) { last = max(last, hashes) })
	if err != nil {
		t.Fatal(err)
	}
	if n.GenesisHash[31] != 0 || n.GenesisHash[30] != 0 || n.Genesis.Header.Bits != 0x1f00ffff {
		t.Errorf("no work in %s", n.GenesisHash)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s = spec(t, "impossible", func(s *Spec) { s.Bits = 0x1000ffff })
	_, err = Create(ctx, s, func(uint64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted search gave %v", err)
	}
}

func TestRefuses(t *testing.T) {
	text := string(encode(t, create(t, "murmur", func(s *Spec) { s.Network.FixedSeeds = []string{"127.0.0.1:8000"} })))
	for _, tc := range []struct{ name, old, new, want string }{
		{"not TOML", "name = ", "name ", "expected '=' after key (line 8)"},
		{"empty", text, "", "format: is missing"},
		{"later form", "format = 1", "format = 2\nwings = 2", "format: this program knows form 1 only"},
		{"unknown key", "maturity = 100", "maturity = 100\nmaturty = 3", "coins.maturty: unknown; did you mean maturity?"},
		{"unknown far off", "maturity = 100", "maturity = 100\ncolour = 3", "coins.colour: unknown; known here are subsidy, halving, maturity"},
		{"unknown table", "[coins]", "[wings]\n[coins]", "wings: unknown; "},
		{"unknown key of an output", "amount = '50'", "amount = '50'\nadress = 'x'", "genesis.outputs[0].adress: unknown; did you mean address?"},
		{"missing key", "maturity = 100\n", "", "coins.maturity: is missing"},
		{"missing table", "[policy]", "[polity]", "policy: is missing"},
		{"wrong type", "port = 2", "port = 'x' #", "port: "},
		{"port out of range", "port = 2", "port = 200000 #", "port: "},
		{"negative port", "port = 2", "port = -1 #", "port: "},
		{"ports the same", "rpc-port = 2", "rpc-port = PORT #", "port: want two different ports"},
		{"built-in name", "name = 'murmur'", "name = 'regtest'", `name: "regtest" is taken`},
		{"name of a directory", "name = 'murmur'", "name = 'wallets'", `name: "wallets" is taken`},
		{"bad name", "name = 'murmur'", "name = 'Mur mur'", "name: want lower-case letters"},
		{"magic of main", "magic = '", "magic = 'f9beb4d9' #", "magic: is that of Bitcoin's network main"},
		{"magic too short", "magic = '", "magic = 'f9beb4' #", `magic: "f9beb4" is not eight`},
		{"prefix of main", "hrp = 'bcrt'", "hrp = 'bc'", "genesis.outputs[0].address: "},
		{"prefix", "hrp = 'bcrt'", "hrp = 'B!'", "prefixes.hrp: "},
		{"base58 prefixes", "script-hash = 196", "script-hash = 111", "prefixes.script-hash: "},
		{"seed", "127.0.0.1:8000", "127.0.0.1", `seeds: "127.0.0.1" is not host:port`},
		{"seed's port", "127.0.0.1:8000", "127.0.0.1:80000", `seeds: "127.0.0.1:80000" is not host:port`},
		{"genesis changed", "time = 2023", "time = 2024", "genesis.hash: the block that this file describes has the hash "},
		{"genesis pays others", "amount = '50'", "amount = '51'", "genesis.hash: "},
		{"genesis hash", "hash = '", "hash = 'zz", "genesis.hash: "},
		{"fraction of a second", "22:13:20Z", "22:13:20.5Z", "genesis.time: "},
		{"before 1970", "time = 2023", "time = 1923", "genesis.time: "},
		{"address and script", "amount = '50'", "amount = '50'\nscript = '51'", "genesis.outputs[0]: want either"},
		{"address of another network", payee, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "genesis.outputs[0].address: "},
		{"amount", "amount = '50'", "amount = '1.123456789'", `genesis.outputs.amount: "1.123456789" is not an amount`},
		{"negative amount", "amount = '50'", "amount = '-1'", `genesis.outputs.amount: "-1" is not an amount`},
		{"too much subsidy", "subsidy = '50'", "subsidy = '200'", "coins.subsidy: the subsidies and the genesis block come to"},
		{"no halving", "halving = 100000", "halving = 0", "coins.halving: want at least 1"},
		{"maturity", "maturity = 100", "maturity = -1", "coins.maturity: must not be negative"},
		{"fee", "min-fee = 100", "min-fee = -1", "policy.min-fee: want between"},
		{"ping interval", "ping-interval = '30s'", "ping-interval = '0s'", "links.ping-interval: want between"},
		{"ping time-out", "ping-timeout = '1m30s'", "ping-timeout = '29s'", "links.ping-timeout: want at least"},
		{"wait for announcers", "tx-wait = '0s'", "tx-wait = '2m'", "links.tx-wait: want between"},
		{"unknown of links", "tx-wait = '0s'", "tx-weight = '0s'", "links.tx-weight: unknown; did you mean tx-wait?"},
		{"target", "limit = '207fffff'", "limit = '20ffffff'", "blocks.limit: "},
		{"target below genesis", "limit = '207fffff'", "limit = '1f7fffff'", "genesis: target 207fffff is above the limit"},
		{"short periods", "period = 2016\n# Whether the difficulty changes at all.\nretarget = false", "period = 5\nretarget = true", "blocks.period: want at least 10"},
		{"no period", "period = 2016", "period = 0", "blocks.period: want between"},
		{"endless period", "period = 2016", "period = 2000000", "blocks.period: want between"},
		{"spacing", "spacing = '10s'", "spacing = '1ms'", "blocks.spacing: want whole seconds"},
		{"long spacing", "spacing = '10s'", "spacing = '9000h'", "blocks.spacing: want at most"},
		{"no time", "spacing = '10s'", "spacing = 'soon'", `blocks.spacing: "soon" is not a time`},
		{"fork", "segwit = 1", "segwit = -1", "forks.segwit: must not be negative"},
		{"no transport", "transports = ['tcp']", "transports = []", "transports: want at least one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !strings.Contains(text, tc.old) {
				t.Fatalf("no %q in\n%s", tc.old, text)
			}
			changed := strings.Replace(text, tc.old, tc.new, 1)
			if tc.name == "ports the same" {
				_, port, _ := strings.Cut(text, "\nport = ")
				port, _, _ = strings.Cut(port, "\n")
				changed = strings.Replace(changed, "PORT", port, 1)
			}
			n, err := Parse([]byte(changed))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, %v", n, err)
			}
			if !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want %q", err, tc.want)
			}
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Spec)
		want   string
	}{
		"no outputs": {func(s *Spec) { s.Outputs = []wire.TxOut{} }, "genesis.outputs: "},
		"long text":  {func(s *Spec) { s.Text = strings.Repeat("x", 76) }, "genesis.text: "},
		"time":       {func(s *Spec) { s.Time = time.Unix(-1, 0) }, "genesis.time: "},
		"bits":       {func(s *Spec) { s.Bits, s.Network.PowLimitBits = 0x217fffff, 0x217fffff }, "blocks.limit: "},
		"easy bits": {func(s *Spec) {
			s.Network.PowLimit.Rsh(s.Network.PowLimit, 8)
			s.Network.PowLimitBits = 0x1f7fffff
			s.Bits = 0x207fffff
		}, "genesis: target"},
		"name":     {func(s *Spec) { s.Network.Name = "main" }, ""},
		"too much": {func(s *Spec) { s.Outputs = []wire.TxOut{{Value: 21_000_001 * params.Coin, Script: []byte{0x51}}} }, "genesis: pays more"},
	} {
		_, err := Create(context.Background(), spec(t, "murmur", tc.change), nil)
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "murmur.toml")
	if _, err := Load(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file gave %v", err)
	}
	n := create(t, "murmur")
	if err := os.WriteFile(path, encode(t, n), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	same(t, n, got)
	if err := os.WriteFile(path, []byte("format = 3"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.HasPrefix(err.Error(), path+": format: ") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "no network file") {
		t.Errorf("a huge file gave %v", err)
	}
	if _, err := Encode(params.Regtest()); err == nil {
		t.Error("a file was made for regtest")
	}
}

func TestParseCoins(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "1": params.Coin, "0.00000001": 1, "21000000": 21_000_000 * params.Coin, "007.50": 750_000_000,
		"99999999.99999999": 9_999_999_999_999_999,
	} {
		if got, err := ParseCoins(s); err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
		b, err := amount(want).MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseCoins(string(b)); err != nil || got != want {
			t.Errorf("%d was written as %s", want, b)
		}
	}
	for _, s := range []string{"", ".5", "1.", "1e3", "+1", "-1", "1.000000001", "100000000", "1,5", "1 ", "0x1"} {
		if got, err := ParseCoins(s); err == nil {
			t.Errorf("%q was read as %d", s, got)
		}
	}
}

// FuzzParse makes sure that a file is refused with a line about it, or gives a
// network that can be written and read again.
func FuzzParse(f *testing.F) {
	text := encode(f, create(f, "murmur"))
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("retarget = false"), []byte("retarget = true"), 1))
	f.Add(bytes.Replace(text, []byte("dns-seeds"), []byte("seeds"), 1))
	f.Add([]byte("format = 1\n[genesis]\noutputs = [{amount = '1'}]"))
	f.Add([]byte("genesis = [[1]]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Parse(b)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if err := n.Validate(); err != nil {
			t.Fatal(err)
		}
		again, err := Encode(n)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(again)
		if err != nil {
			t.Fatal(err)
		}
		same(t, n, back)
	})
}
