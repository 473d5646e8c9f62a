package lint

import (
	"fmt"
	"path"
	"strings"
)

// floors is the plan of the house: a package imports only what has a lower
// number. The tens are the floors of docs/architecture.md; the units order the
// few packages of one floor that build on each other. A directory that is not
// listed belongs to the nearest one above it that is.
var floors = map[string]int{
	"wire":    0,
	"clock":   0,
	"params":  1, // holds genesis blocks
	"address": 2, // takes its prefixes from params

	"params/netfile": 3, // reads addresses

	"transport": 11,
	"script":    11,
	"store":     11,

	"script/curve":      10, // script checks signatures with it
	"transport/bip324":  10, // the tcp transport seals with it
	"transport/socks5":  10, // the tcp transport dials through it
	"script/descriptor": 12, // reads addresses

	"chain/consensus":  20,
	"chain/headertree": 21,
	"chain/coins":      21,
	"chain":            25,
	"chain/chaintest":  21, // for tests
	"peer":             25,
	"peer/await":       20, // whoever asks something of peers has its time from it
	"addrmgr/netaddr":  24, // reads addresses as transport does
	"addrmgr":          25,
	"params/seedgen":   25, // a command: which addresses can be seeds

	"connmgr":  30,
	"discover": 30,
	"mempool":  30,
	"index":    30,

	"discover/crawl":  30,
	"discover/seeder": 31, // goes on crawling, and serves what is found

	"index/gcs": 29, // index keeps what it makes

	"netsync/presync": 39, // netsync takes headers through it

	"netsync": 40,
	"relay":   40,
	"mining":  40,
	"wallet":  40,

	"server/fanout": 45,

	"server": 50,

	"rpc/jsonrpc":  60,
	"rpc/rpctypes": 61, // reads amounts with jsonrpc's errors
	"rpc/rpcargs":  62,
	"rpc/describe": 62,
	"rpc/txfind":   62,
	"rpc/signing":  63,

	"rpc/chainrpc":   64,
	"rpc/txrpc":      64,
	"rpc/mempoolrpc": 64,
	"rpc/miningrpc":  64,
	"rpc/netrpc":     64,
	"rpc/noderpc":    64,
	"rpc/walletrpc":  64,

	"rpc":       65, // the table of all
	"client":    62, // typed calls; knows rpctypes, and nothing of how a node works
	"explorer":  60,
	"telemetry": 60,

	"node/settings": 70,
	"node":          71,
	"devnet":        80,

	"internal/cli/cmdkit":      90,
	"internal/cli/nodecmd":     91,
	"internal/cli/peercmd":     91,
	"internal/cli/networkcmd":  91,
	"internal/cli/devnetcmd":   91,
	"internal/cli/walletcmd":   91,
	"internal/cli/walkthrough": 92, // aliases of the others
	"internal/cli":             93, // all together

	"cmd": 95,
}

// floor returns the number of a directory; ok is false if it has none.
func floor(dir string) (n int, ok bool) {
	for d := dir; d != "."; d = path.Dir(d) {
		if n, ok := floors[d]; ok {
			return n, true
		}
	}
	return 0, false
}

// helper reports whether dir is one of the helpers under internal, which stand
// on no floor: all may import them, and they know nothing of ours but other
// helpers and floor 0.
func helper(dir string) bool {
	_, ok := floor(dir)
	return !ok && strings.HasPrefix(dir, "internal/")
}

// ground is below all that helpers may not import.
const ground = 10

// checkFloors finds imports of what is not below.
func (m *module) checkFloors(p *pkg) []Finding {
	own, ok := floor(p.dir)
	name := fmt.Sprintf("%s (floor %s)", p.dir, level(own))
	rule := "only what is below may be imported"
	switch {
	case helper(p.dir):
		own, name, rule = ground, p.dir+" (a helper)", "helpers import floor 0 and each other"
	case !ok:
		return []Finding{{File: p.dir, Message: "stands on no floor; give it one in internal/lint and docs/architecture.md"}}
	}
	var found []Finding
	for _, f := range p.files {
		for _, imp := range f.syntax.Imports {
			dir, ok := m.local(imp)
			if !ok {
				continue
			}
			n, ok := floor(dir)
			if !ok || n < own || family(p.dir, dir, own, n) {
				continue
			}
			found = append(found, Finding{File: f.name, Line: m.line(imp), Message: fmt.Sprintf(
				"%s imports %s (floor %s); %s", name, dir, level(n), rule)})
		}
	}
	return found
}

// level writes a number of the plan: the floor, and the order on it if any.
func level(n int) string {
	if n%10 == 0 {
		return fmt.Sprint(n / 10)
	}
	return fmt.Sprintf("%d.%d", n/10, n%10)
}

// family reports whether two directories with the same number are parts of one
// package tree, whose members may use each other as the compiler allows.
func family(a, b string, na, nb int) bool {
	top := func(s string) string { return strings.SplitN(s, "/", 2)[0] }
	return na == nb && top(a) == top(b)
}
