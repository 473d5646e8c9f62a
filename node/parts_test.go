package node

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParts looks through the whole module for loggers that are made for a part
// of the node: those parts have levels, and no others.
func TestParts(t *testing.T) {
	used := map[string]bool{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || name == "interop"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if p := partOf(c); p != "" {
					used[p] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for p := range used {
		got = append(got, p)
	}
	slices.Sort(got)
	if diff := cmp.Diff(Parts(), got); diff != "" {
		t.Errorf("parts that have a level, and those that log:\n%s", diff)
	}
}

// partOf returns the part that a call asks for a logger of: n.part("x"), n.bounded("x"),
// cfg.Logs("x") or log.With(loglevel.PartKey, "x"); "" for any other call.
func partOf(c *ast.CallExpr) string {
	f, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || len(c.Args) == 0 {
		return ""
	}
	switch f.Sel.Name {
	case "part", "Logs", "bounded":
		if len(c.Args) != 1 {
			return ""
		}
	case "With":
		key, ok := c.Args[0].(*ast.SelectorExpr)
		if !ok || key.Sel.Name != "PartKey" {
			return ""
		}
	default:
		return ""
	}
	lit, ok := c.Args[len(c.Args)-1].(*ast.BasicLit)
	if !ok {
		return ""
	}
	word, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return word
}
