package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"starling/internal/cli/cmdkit"
)

// TestTidyArgs reads command lines as people type them.
func TestTidyArgs(t *testing.T) {
	for _, tc := range []struct{ typed, want string }{
		// The walk-through, in any letter case.
		{"startnode", "startnode"},
		{"STARTNODE -Miner AbC", "startnode|--miner|AbC"},
		{"startnode -miner=AbC --Prune 1", "startnode|--miner=AbC|--prune|1"},
		{"startnode -h", "startnode|-h"},
		{"getBalance -ADDRESS xYz", "getbalance|--address|xYz"},
		{"send -from A -to B -amount 1 -mine", "send|--from|A|--to|B|--amount|1|--mine"},
		{"send -from A -to B,C -amount 1,2", "send|--from|A|--to|B,C|--amount|1,2"},
		{`send -from ["A"] -to ["B", "C"] -amount [1, 2] -Mine`, `send|--from|["A"]|--to|["B", "C"]|--amount|[1, 2]|--mine`},
		{"send -to=[B, C] -amount -1", "send|--to|[B, C]|--amount|-1"},
		{"send -to A -to B", "send|--to|A|--to|B"},
		{"send -mine A", "send|--mine|A"},
		{"send -to A -- -x", "send|--to|A|--|-x"},

		// All other commands.
		{"node -banscore=50", "node|--banscore=50"},
		{"node -banscore 50 -txindex --listen 0", "node|--banscore|50|--txindex|--listen|0"},
		{"node -Listen 0", "node|--Listen|0"},
		{"node -rpc-password -secret -txindex", "node|--rpc-password|-secret|--txindex"},
		{"-network regtest node -h", "node|--network|regtest|-h"},
		{"--txindex node", "node|--txindex"},
		{"wallet -name savings send A 1", "wallet|send|--name|savings|A|1"},
		{"wallet send A -1 -name x", "wallet|send|--name|x|--|A|-1"},
		{"wallet import -", "wallet|import|-"},
		{"wallet send A 1 -comment -1", "wallet|send|A|1|--comment|-1"},
		{"devnet partition a,b node", "devnet|partition|a,b|node"},

		// What a method is given.
		{"rpc getblockcount -network regtest", "rpc|getblockcount|--network|regtest"},
		{"rpc generateblock -1 [] --wait", "rpc|--wait|--|generateblock|-1|[]"},
		{"rpc echo -- -network -.5", "rpc|--|echo|-network|-.5"},
		{"rpc -named help node", "rpc|--named|help|node"},

		{"__complete node -network reg", "__complete|node|--network|reg"},
		{"__complete node -net", "__complete|node|-net"},
		{"__complete rpc getblock -1 --ver", "__complete|rpc|getblock|-1|--ver"},
		{"__complete", "__complete"},
		{"SENDS -X", ""},
		{"nod --listen 0", ""},
		{"", ""},
	} {
		args, err := tidyArgs(newRoot(), strings.Fields(tc.typed))
		got := strings.Join(args, "|")
		if got != tc.want || (err != nil) != (tc.want == "" && tc.typed != "") {
			t.Errorf("%q: got %q, want %q", tc.typed, got, tc.want)
		}
	}
}

// FuzzTidyArgs makes sure that no word of a command line is lost or split.
func FuzzTidyArgs(f *testing.F) {
	f.Add("send\n-from\nA\n-to\n[B,\nC]\n-amount\n1")
	f.Add("send\n--\n-to\n-")
	f.Add("send\n-A\xd7 \xa7") // no UTF-8, by which \xd7\xa7 is one letter
	f.Add("send\n-to=\n-=\n--=x\n---y")
	f.Add("rpc\n-1\n--network\nx\n--\n--wait")
	f.Fuzz(func(t *testing.T, s string) {
		args := strings.Split(s, "\n")
		out, err := tidyArgs(newRoot(), slices.Clone(args))
		if err != nil {
			return
		}
		letters := func(words []string) string {
			b := []byte(strings.ToLower(strings.Join(words, "")))
			slices.Sort(b)
			return strings.Trim(strings.NewReplacer(" ", "", "-", "", "=", "").Replace(string(b)), "\x00")
		}
		if letters(out) != letters(args) {
			t.Fatalf("%q became %q", args, out)
		}
	})
}

// TestSuggestions mistypes commands, methods and flags.
func TestSuggestions(t *testing.T) {
	for _, tc := range []struct{ typed, want string }{
		{"ndoe", `unknown command "ndoe"; did you mean node?`},
		{"Wallets", `unknown command "Wallets"; did you mean wallet?`},
		{"startnod -miner x", `unknown command "startnod"; did you mean startnode?`},
		{"wallet adress", `unknown command "adress"; did you mean address?`},
		{"devnet mien", `unknown command "mien"; did you mean mine?`},
		{"getblockcount", `unknown command "getblockcount"; did you mean starling rpc getblockcount?`},
		{"stop", `unknown command "stop"; did you mean starling rpc stop?`},
		{"wallet getblockcount", `unknown command "getblockcount"; "starling wallet --help" lists them`},
		{"partition a", `unknown command "partition"; did you mean starling devnet partition?`},
		{"xyzzy", `unknown command "xyzzy"; "starling --help" lists them`},
		{"help wallet snd", `unknown command "snd"; did you mean send?`},
		{"node extra", `unexpected argument "extra"; "starling node --help" shows what there is`},
		{"peers -1", `unknown command "-1"; "starling peers --help" lists them`},
		{"getinfo -1", `unexpected argument "-1"; "starling getinfo --help" shows what there is`},
		{"wallet balance savings", `unexpected argument "savings"; did you mean --name "savings"?`},
		{"network create demo", `unexpected argument "demo"; did you mean --name "demo"?`},
		{"node -banscroe 5", `unknown flag: --banscroe; did you mean --banscore?`},
		{"rpc getblockcount --netwrok x", `unknown flag: --netwrok; did you mean --network?`},
		{"node -regtest", `unknown flag: --regtest; did you mean --network regtest?`},
		{"node --port 8333", `unknown flag: --port; did you mean --listen HOST:PORT?`},
		{"rpc -rpcport=1 getblockcount", `unknown flag: --rpcport; did you mean --rpc-listen HOST:PORT?`},
		{"node -daemon", `unknown flag: --daemon; the node runs until it is interrupted; a service manager or nohup keeps it in the background`},
		{"importprivkey x", `unknown command "importprivkey"; did you mean starling wallet import?`},
		{"node -x", `unknown flag: -x; arguments that begin with a dash stand after --`},
	} {
		var out, errs bytes.Buffer
		code := Run(strings.Fields(tc.typed), strings.NewReader(""), &out, &errs)
		if got := errs.String(); got != "starling: "+tc.want+"\n" || code != cmdkit.ExitUsage || out.Len() > 0 {
			t.Errorf("%q: exit code %d, %q", tc.typed, code, got)
		}
	}
}
