package netsync

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"starling/chain/headertree"
)

// lab is what one machine needs to be tried by itself: a chain that is all known,
// 60 blocks high, of which the first 40 are stored and connected.
type lab struct {
	*env
	w     *world
	chain *testChain
	top   *headertree.Node
	now   time.Time
	last  PeerID
}

func newLab() *lab {
	w := newWorld()
	l := &lab{w: w, top: w.grow(w.tree.Genesis(), 60, 0)}
	l.chain = newTestChain(w.net, func() time.Time { return l.now })
	l.chain.tree, l.chain.tip, l.chain.ibd = w.tree, l.at(40), false
	for h := int32(1); h <= 40; h++ {
		l.at(h).SetData(&headertree.Data{Size: 1})
	}
	l.now = l.at(40).Header.Time().Add(time.Hour)
	l.env = &env{net: w.net, chain: l.chain, obs: NoObserver{}}
	return l
}

func (l *lab) at(height int32) *headertree.Node { return l.top.Ancestor(height) }

// peer returns a peer that has the chain up to a height; -1 if that is unknown.
func (l *lab) peer(info PeerInfo, height int32) *peer {
	l.last++
	p := &peer{id: l.last, info: info}
	if height >= 0 {
		p.best = l.at(height)
	}
	return p
}

// TestOwners looks at who changes what a machine keeps, of itself and of a peer:
// nobody but the machine itself. The Manager, which carries decisions from one to the others,
// calls methods for that.
func TestOwners(t *testing.T) {
	owners := map[string][]string{
		"headers": {"headers.go", "admit.go"},
		"window":  {"window.go", "window_walk.go", "stall.go"},
		"feed":    {"getblocks.go"},
		"compact": {"compact.go", "compact_announce.go"},
		"behind":  {"behind.go"},
		"feeder":  {"getblocks.go"},
		"news":    {"announce.go"},
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	set, changes := token.NewFileSet(), 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		changed := func(e ast.Expr) {
			for {
				s, ok := e.(*ast.SelectorExpr)
				if !ok {
					return
				}
				// p.window.held or m.window.open: a field of a peer's part, or of
				// the machine itself.
				inner, ok := s.X.(*ast.SelectorExpr)
				if !ok {
					return
				}
				if v, ok := inner.X.(*ast.Ident); ok && owners[inner.Sel.Name] != nil {
					changes++
					if !slices.Contains(owners[inner.Sel.Name], name) {
						t.Errorf("%v: %s.%s.%s is changed by another than its owner", set.Position(s.Pos()), v.Name, inner.Sel.Name, s.Sel.Name)
					}
				}
				e = inner
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					changed(e)
				}
			case *ast.IncDecStmt:
				changed(n.X)
			}
			return true
		})
	}
	if changes < 20 {
		t.Errorf("only %d changes were found", changes)
	}
}
