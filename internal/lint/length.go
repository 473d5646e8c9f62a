package lint

import (
	"fmt"
	"go/ast"
)

// maxFunc is how many lines a function may have, from its first to its last
// one. What is longer has parts that deserve a name.
const maxFunc = 80

// checkLength finds functions that are too long.
func (m *module) checkLength(_ *pkg, f *file) []Finding {
	var found []Finding
	for _, d := range f.syntax.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		if n := m.fset.Position(fn.End()).Line - m.line(fn) + 1; n > maxFunc {
			found = append(found, Finding{File: f.name, Line: m.line(fn),
				Message: fmt.Sprintf("%s has %d lines; %d are allowed, give its parts names", fn.Name.Name, n, maxFunc)})
		}
	}
	return found
}
