package rpc

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
)

// TestTable reads every entry: tags, defaults, help and usage.
func TestTable(t *testing.T) {
	table := Methods()
	for _, name := range strings.Fields(`getblockchaininfo getblockcount getbestblockhash getblockhash getblockheader getblock
		getchaintips getdifficulty gettxout gettxoutsetinfo scantxoutset getrawtransaction decoderawtransaction decodescript
		validateaddress verifychain gettxoutproof verifytxoutproof submitblock submitheader generatetoaddress generateblock
		invalidateblock reconsiderblock waitfornewblock waitforblock waitforblockheight getpeerinfo getnetworkinfo getnettotals
		getconnectioncount addnode getaddednodeinfo disconnectnode setnetworkactive setban listbanned clearbanned ping
		setmocktime uptime stop help logging getrpcinfo getdeploymentinfo pruneblockchain getindexinfo`) {
		if table.Lookup(name) == nil {
			t.Errorf("no method %s", name)
		}
	}
	for _, m := range table.Methods() {
		h := m.Help()
		if m.Summary == "" || !strings.HasPrefix(h, m.Usage()+"\n\n") || !strings.Contains(h, "\nResult") {
			t.Errorf("help of %s:\n%s", m.Name, h)
		}
		for _, e := range m.Examples {
			if len(e) > len(m.Params) {
				t.Errorf("%s: example with too many arguments", m.Name)
			}
		}
	}
}

// FuzzArguments decodes arbitrary parameters for every method.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{
		`["00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee",true]`, `{"blockhash":"00","verbosity":2}`,
		`["start",["raw(51)",{"desc":"pk(02)","range":[0,1]}]]`, `[["00"],null]`, `[-1,1e400,18446744073709551616]`, `{"args":[1],"args":2}`,
	} {
		f.Add([]byte(s))
	}
	table := Methods()
	f.Fuzz(func(t *testing.T, params []byte) {
		if !json.Valid(params) {
			return
		}
		for _, m := range table.Methods() {
			var e *jsonrpc.Error
			if _, err := m.Decode(params); err != nil && !errors.As(err, &e) {
				t.Errorf("%s %s: %v has no code", m.Name, params, err)
			}
		}
	})
}

// resultTypes calls f with each type that results are made of, and with the
// method whose result it is in; with a field if it is that field's.
func resultTypes(t *jsonrpc.Table, f func(method string, typ reflect.Type, in reflect.Type, field *reflect.StructField)) {
	for _, m := range t.Methods() {
		for _, r := range m.ResultTypes() {
			if r != nil {
				walkType(r, nil, nil, map[reflect.Type]bool{}, func(typ, in reflect.Type, field *reflect.StructField) { f(m.Name, typ, in, field) })
			}
		}
	}
}

// walkType calls f with a type and all that it is made of. What writes itself
// has no parts, but for the maps of jsonrpc, whose values are what counts.
func walkType(t, in reflect.Type, field *reflect.StructField, seen map[reflect.Type]bool, f func(t, in reflect.Type, field *reflect.StructField)) {
	f(t, in, field)
	if seen[t] {
		return
	}
	seen[t] = true
	isOf := func(generic string) bool {
		return t.PkgPath() == reflect.TypeFor[jsonrpc.Hex]().PkgPath() && strings.HasPrefix(t.Name(), generic+"[")
	}
	switch {
	case isOf("Map"):
		walkType(t.Elem().Field(1).Type, in, field, seen, f)
	case isOf("OrFalse"):
		walkType(t.Field(0).Type, in, field, seen, f)
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice:
		walkType(t.Elem(), in, field, seen, f)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			sf := t.Field(i)
			walkType(sf.Type, t, &sf, seen, f)
		}
	}
}

// TestResultsAreDocumented looks at every result down to the last field: each
// is exported, has a name and a line of help, and a type that says what it is.
func TestResultsAreDocumented(t *testing.T) {
	fields := map[string]bool{}
	resultTypes(Methods(), func(method string, typ, in reflect.Type, sf *reflect.StructField) {
		if k := typ.Kind(); k == reflect.Interface || k == reflect.Map || typ == reflect.TypeFor[json.RawMessage]() {
			t.Errorf("%s: a result of type %v, in %v", method, typ, in)
		}
		if name := typ.Name(); name != "" && strings.HasPrefix(typ.PkgPath(), "starling/") && !token.IsExported(name) {
			t.Errorf("%s: the type %v of a result is not exported", method, typ)
		}
		if sf == nil || sf.Anonymous && sf.Tag == "" {
			return
		}
		name := in.String() + "." + sf.Name
		fields[name] = true
		if !sf.IsExported() || sf.Tag.Get("json") == "" || sf.Tag.Get("help") == "" {
			t.Errorf("%s: field %s has no name or no help", method, name)
		}
	})
	t.Logf("%d fields", len(fields))
}

// TestResultsNameTheirMethods makes sure that the comment of each type says
// which methods return it.
func TestResultsNameTheirMethods(t *testing.T) {
	docs := map[string]string{}
	fset := token.NewFileSet()
	files, err := filepath.Glob("rpctypes/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				docs[g.Specs[0].(*ast.TypeSpec).Name.Name] = strings.ReplaceAll(g.Doc.Text(), "\n", " ")
			}
		}
	}
	for _, m := range Methods().Methods() {
		for _, r := range m.ResultTypes() {
			for r != nil && (r.Kind() == reflect.Slice || r.Kind() == reflect.Pointer) {
				if r = r.Elem(); strings.HasPrefix(r.Name(), "Entry[") {
					r = r.Field(1).Type
				}
			}
			if r == nil || r.PkgPath() != reflect.TypeFor[rpctypes.Tx]().PkgPath() || r == reflect.TypeFor[rpctypes.Amount]() {
				continue
			}
			if words := strings.FieldsFunc(docs[r.Name()], func(c rune) bool { return !unicode.IsLetter(c) }); !slices.Contains(words, m.Name) {
				t.Errorf("the comment of %v does not name %s: %q", r, m.Name, docs[r.Name()])
			}
		}
	}
}
