package jsonrpc

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Index returns one line for each method, grouped by category: the answer to
// a bare "help".
func (t *Table) Index() string {
	var b strings.Builder
	category := ""
	for _, m := range t.methods {
		if m.Category != category {
			if category != "" {
				b.WriteByte('\n')
			}
			category = m.Category
			fmt.Fprintf(&b, "== %s ==\n", category)
		}
		b.WriteString(m.Usage())
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Usage returns the method's name and parameters in one line; optional ones
// stand in parentheses.
func (m *Method) Usage() string {
	var b strings.Builder
	b.WriteString(m.Name)
	open := false
	for _, p := range m.Params {
		switch {
		case p.Optional && !open:
			b.WriteString(" (")
		case !p.Optional && open:
			b.WriteString(" )")
		}
		open = p.Optional
		b.WriteByte(' ')
		b.WriteString(p.oneline())
	}
	if open {
		b.WriteString(" )")
	}
	return b.String()
}

func (p *Param) oneline() string {
	switch p.jsonType() {
	case TypeString:
		return `"` + p.Name() + `"`
	case TypeArray:
		item := p.itemName()
		if jsonTypeOf(p.typ.Elem()) == TypeString {
			item = `"` + item + `"`
		}
		return "[" + item + ",...]"
	case TypeObject:
		var b strings.Builder
		for _, s := range p.sub {
			fmt.Fprintf(&b, "%q:%s,", s.Name(), s.oneline())
		}
		return "{" + b.String() + "...}"
	default:
		return p.Name()
	}
}

func (p *Param) itemName() string {
	if p.item != "" {
		return p.item
	}
	return "item"
}

// word names the parameter's type in the help text.
func (p *Param) word() string {
	if reflect.PointerTo(p.typ).Implements(argumentType) {
		return reflect.New(p.typ).Interface().(Argument).ArgWord()
	}
	return wordFor(p.jsonType())
}

func wordFor(t Type) string {
	switch t {
	case TypeNumber:
		return "numeric"
	case TypeBool:
		return "boolean"
	case TypeArray:
		return "json array"
	case TypeObject:
		return "json object"
	case TypeNull:
		return "json null"
	case TypeString:
		return "string"
	default:
		return "any"
	}
}

// columns lays text out in two columns, the right ones starting in line.
type columns struct {
	rows [][2]string
}

func (c *columns) add(left, right string) { c.rows = append(c.rows, [2]string{left, right}) }

// String lays the rows out.
func (c *columns) String() string {
	pad := 0
	for _, r := range c.rows {
		pad = max(pad, len(r[0]))
	}
	var b strings.Builder
	for _, r := range c.rows {
		b.WriteString(r[0])
		if r[1] != "" {
			b.WriteString(strings.Repeat(" ", pad-len(r[0])+4))
			b.WriteString(strings.ReplaceAll(r[1], "\n", "\n"+strings.Repeat(" ", pad+4)))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Help returns everything there is to know about a method.
func (m *Method) Help() string {
	var b strings.Builder
	b.WriteString(m.Usage())
	b.WriteString("\n\n")
	b.WriteString(m.Summary)
	b.WriteByte('\n')
	if len(m.Params) > 0 {
		b.WriteString("\nArguments:\n")
		var c columns
		for i, p := range m.Params {
			p.describe(&c, fmt.Sprintf("%d. %s", i+1, p.Name()))
		}
		b.WriteString(c.String())
	}
	for _, s := range m.shapes() {
		b.WriteString("\nResult")
		if s.When != "" {
			b.WriteString(" (" + s.When + ")")
		}
		b.WriteString(":\n")
		var c columns
		c.result(reflect.TypeOf(s.Like), part{help: s.Help, key: s.Key})
		b.WriteString(c.String())
	}
	b.WriteString("\nExamples:\n")
	examples := m.Examples
	if len(examples) == 0 {
		examples = [][]any{{}}
	}
	for _, e := range examples {
		b.WriteString("> starling rpc " + m.Name + cliArgs(e) + "\n")
	}
	for _, e := range examples {
		fmt.Fprintf(&b, `> curl --user myusername --data-binary '{"jsonrpc": "2.0", "id": "curltest", "method": "%s", "params": %s}' -H 'content-type: application/json' http://127.0.0.1:8332/`+"\n", m.Name, jsonArgs(e))
	}
	return b.String()
}

func (m *Method) shapes() []Shape {
	if len(m.Results) > 0 {
		return m.Results
	}
	s := Shape{Help: m.Returns}
	if m.result != reflect.TypeFor[Null]() {
		s.Like = reflect.Zero(m.result).Interface()
	}
	return []Shape{s}
}

// cliArgs writes an argument list for a shell.
func cliArgs(args []any) string {
	var b strings.Builder
	for _, a := range args {
		b.WriteByte(' ')
		switch a := a.(type) {
		case string:
			b.WriteString(`"` + a + `"`)
		case bool, int:
			fmt.Fprint(&b, a)
		default:
			b.WriteString("'" + compact(a) + "'")
		}
	}
	return b.String()
}

// jsonArgs writes an argument list as JSON.
func jsonArgs(args []any) string {
	var b strings.Builder
	for i, a := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(compact(a))
	}
	return "[" + b.String() + "]"
}

func compact(v any) string {
	var buf bytes.Buffer
	if err := encodeJSON(&buf, v); err != nil {
		return "null"
	}
	return buf.String()
}

// describe adds the rows of one parameter, and those of what is in it.
func (p *Param) describe(c *columns, left string) {
	need := "required"
	switch {
	case p.Default != "":
		need = "optional, default=" + p.Default
	case p.Optional:
		need = "optional"
	}
	c.add(left, fmt.Sprintf("(%s, %s) %s", p.word(), need, p.Help))
	const indent = "     "
	switch {
	case p.jsonType() == TypeArray:
		c.add(indent+"[", "")
		item := p.itemName()
		t := jsonTypeOf(p.typ.Elem())
		if t == TypeString {
			item = `"` + item + `"`
		}
		c.add(indent+"  "+item+",", "("+wordFor(t)+")")
		c.add(indent+"  ...", "")
		c.add(indent+"]", "")
	case len(p.sub) > 0:
		c.add(indent+"{", "")
		for _, s := range p.sub {
			s.describe(c, fmt.Sprintf("%s  %q: %s,", indent, s.Name(), s.oneline()))
		}
		c.add(indent+"}", "")
	}
}

// maxHelpDepth bounds how deep results are described.
const maxHelpDepth = 6

// part says where in a result a value stands, and what there is to say of it.
type part struct {
	indent string
	name   string // its member name, or empty
	comma  string // what follows it
	note   string // goes into the parentheses, such as "optional"
	help   string
	key    string // what the names in it are, if it is a [Map]
	depth  int
}

// words returns the right column: the JSON type and what there is to say.
func (p *part) words(jsonType string) string {
	text := "(" + jsonType
	if p.note != "" {
		text += ", " + p.note
	}
	text += ")"
	if p.help != "" {
		text += " " + p.help
	}
	return text
}

// inside returns where a value stands that is in this one.
func (p *part) inside(name, comma string) part {
	return part{indent: p.indent + "  ", name: name, comma: comma, depth: p.depth + 1}
}

// result adds the rows of a result of type t, which is nil for JSON null.
func (c *columns) result(t reflect.Type, p part) {
	prefix := p.indent
	if p.name != "" {
		prefix += fmt.Sprintf("%q : ", p.name)
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var holder interface{ valueType() reflect.Type }
	if t != nil {
		holder, _ = reflect.Zero(t).Interface().(interface{ valueType() reflect.Type })
	}
	switch {
	case t == nil:
		c.add(prefix+"null"+p.comma, p.words("json null"))
	case holder != nil && t.Kind() == reflect.Struct: // OrFalse
		p.note = strings.TrimPrefix(p.note+", or false", ", ")
		c.result(holder.valueType(), p)
	case holder != nil: // Map
		c.add(prefix+"{", p.words("json object"))
		if p.depth < maxHelpDepth {
			c.result(holder.valueType(), p.inside(cmp.Or(p.key, "name"), ","))
		}
		c.add(p.indent+"  ...", "")
		c.add(p.indent+"}"+p.comma, "")
	case t.Kind() == reflect.Interface, t == rawType:
		c.add(prefix+"..."+p.comma, p.words("any"))
	case isHash(t), t == reflect.TypeFor[Hex]():
		c.add(prefix+`"hex"`+p.comma, p.words("string"))
	case t.Kind() == reflect.String, t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		c.add(prefix+`"str"`+p.comma, p.words("string"))
	case t.Kind() == reflect.Bool:
		c.add(prefix+"true|false"+p.comma, p.words("boolean"))
	case t.Kind() == reflect.Slice:
		c.add(prefix+"[", p.words("json array"))
		if p.depth < maxHelpDepth {
			c.result(t.Elem(), p.inside("", ","))
		}
		c.add(p.indent+"  ...", "")
		c.add(p.indent+"]"+p.comma, "")
	case t.Kind() == reflect.Struct && !t.Implements(reflect.TypeFor[json.Marshaler]()):
		c.add(prefix+"{", p.words("json object"))
		if p.depth < maxHelpDepth {
			c.members(t, p)
		}
		c.add(p.indent+"}"+p.comma, "")
	default:
		c.add(prefix+"n"+p.comma, p.words("numeric"))
	}
}

// members adds the rows of a struct's members.
func (c *columns) members(t reflect.Type, p part) {
	fields := members(t)
	for i, f := range fields {
		name, flags, _ := strings.Cut(f.Tag.Get("json"), ",")
		in := p.inside(name, ",")
		if i == len(fields)-1 {
			in.comma = ""
		}
		if strings.Contains(flags, "omit") {
			in.note = "optional"
		}
		in.help, in.key = f.Tag.Get("help"), f.Tag.Get("key")
		c.result(f.Type, in)
	}
}

// members returns the fields of a result struct that are written, those of
// embedded structs in their place.
func members(t reflect.Type) []reflect.StructField {
	var fs []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Tag.Get("json") == "" {
			e := f.Type
			if e.Kind() == reflect.Pointer {
				e = e.Elem()
			}
			fs = append(fs, members(e)...)
			continue
		}
		if f.IsExported() {
			fs = append(fs, f)
		}
	}
	return fs
}
