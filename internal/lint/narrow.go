package lint

import (
	"fmt"
	"slices"
)

// narrow are packages that programs outside this module use by themselves, with
// the packages of the module that they may import: whoever calls a node should
// not have to link one.
var narrow = map[string][]string{
	"rpc/rpctypes": {"rpc/jsonrpc", "wire"},
	"client":       {"rpc/jsonrpc", "rpc/rpctypes", "wire"},
}

// checkNarrow finds what such a package imports beyond that.
func (m *module) checkNarrow(p *pkg) []Finding {
	may, ok := narrow[p.dir]
	if !ok {
		return nil
	}
	var found []Finding
	for _, f := range p.files {
		for _, imp := range f.syntax.Imports {
			if dir, ok := m.local(imp); ok && !slices.Contains(may, dir) {
				found = append(found, Finding{File: f.name, Line: m.line(imp),
					Message: fmt.Sprintf("%s imports %s; it is for programs that link no node, and may import only %v", p.dir, dir, may)})
			}
		}
	}
	return found
}
