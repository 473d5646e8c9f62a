package lint

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
)

// Finding is one breach of a rule.
type Finding struct {
	File    string // path inside the module, or a directory
	Line    int    // 0 if the finding is about the whole file
	Message string
}

// String returns the finding the way compilers write theirs.
func (f Finding) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Message
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message)
}

// pkg is one package: its files without tests.
type pkg struct {
	dir   string
	files []*file
}

type file struct {
	name   string
	syntax *ast.File
}

// module is the parsed source of one Go module.
type module struct {
	name string
	fset *token.FileSet
	pkgs map[string]*pkg // by directory
}

// Check reads the Go files of the module called name in fsys and returns what
// breaks a rule, in order of file and line. Tests and directories with a go.mod
// of their own are left out.
func Check(fsys fs.FS, name string) ([]Finding, error) {
	m := &module{name: name, fset: token.NewFileSet(), pkgs: map[string]*pkg{}}
	if err := m.read(fsys); err != nil {
		return nil, err
	}
	var found []Finding
	for _, p := range m.pkgs {
		found = append(found, m.checkDoc(p)...)
		found = append(found, m.checkFloors(p)...)
		found = append(found, m.checkNarrow(p)...)
		for _, f := range p.files {
			found = append(found, m.checkTime(p, f)...)
			found = append(found, m.checkLogs(p, f)...)
			found = append(found, m.checkLength(p, f)...)
		}
	}
	sort.Slice(found, func(i, j int) bool {
		a, b := found[i], found[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Message < b.Message
	})
	return found, nil
}

// read parses all files.
func (m *module) read(fsys fs.FS) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := path.Base(name)
			if name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata") {
				return fs.SkipDir
			}
			if _, err := fs.Stat(fsys, path.Join(name, "go.mod")); err == nil && name != "." {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		return m.parse(fsys, name)
	})
}

func (m *module) parse(fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(m.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if tool(syntax) {
		return nil
	}
	dir := path.Dir(name)
	p := m.pkgs[dir]
	if p == nil {
		p = &pkg{dir: dir}
		m.pkgs[dir] = p
	}
	p.files = append(p.files, &file{name: name, syntax: syntax})
	return nil
}

// tool reports whether a file only records what the module's tools need.
func tool(f *ast.File) bool {
	for _, g := range f.Comments {
		if g.Pos() > f.Package {
			break
		}
		for _, c := range g.List {
			if expr, err := constraint.Parse(c.Text); err == nil {
				return !expr.Eval(func(string) bool { return false }) &&
					expr.Eval(func(tag string) bool { return tag == "tools" })
			}
		}
	}
	return false
}

// local returns the directory of an import of this module.
func (m *module) local(imp *ast.ImportSpec) (dir string, ok bool) {
	to, err := strconv.Unquote(imp.Path.Value)
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(to, m.name+"/")
}

func (m *module) line(n ast.Node) int { return m.fset.Position(n.Pos()).Line }

// checkDoc wants a doc.go with a package comment.
func (m *module) checkDoc(p *pkg) []Finding {
	for _, f := range p.files {
		if path.Base(f.name) == "doc.go" && f.syntax.Doc != nil {
			return nil
		}
		// A package of one file may say what it is at the top of that file.
		if len(p.files) == 1 && f.syntax.Doc != nil {
			return nil
		}
	}
	return []Finding{{File: p.dir, Message: "has no doc.go that says what the package owns, what it never does and which goroutines run"}}
}

// uses calls fn for every use of a name from the package with the given import
// path in f.
func uses(f *file, importPath string, fn func(n ast.Node, name string)) {
	local := ""
	for _, imp := range f.syntax.Imports {
		if p, err := strconv.Unquote(imp.Path.Value); err == nil && p == importPath {
			local = path.Base(importPath)
			if imp.Name != nil {
				local = imp.Name.Name
			}
		}
	}
	if local == "" || local == "_" {
		return
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Name == local {
			fn(sel, sel.Sel.Name)
		}
		return true
	})
}
