package jsonrpc

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A method's parameters are the fields of a struct, in order. The tags are:
//
//	rpc      the name, with older names after "|"; ",optional" if it may be
//	         left out without having a default; ",named" for an object whose
//	         members may also be given by name, as if they were parameters
//	default  the value, in JSON, of a parameter that is left out
//	help     one line for the help text
//	item     for arrays: the name of an item in the help text
//	called   what complaints call it, if that is not its name
//
// An array of 32 bytes is a hash, see [ParseHash]. A pointer field is optional
// and nil if left out. The fields of an embedded
// struct stand in its place.

// Param describes one parameter of a method.
type Param struct {
	Names    []string // the name, and older names that still work
	Help     string
	Default  string // JSON; empty if there is none
	Optional bool

	item   string
	called string
	typ    reflect.Type // without pointer
	field  []int        // the field's index, as reflect counts
	named  bool         // its members are parameters too
	sub    []*Param     // the members, of objects
}

// Name returns the parameter's name.
func (p *Param) Name() string { return p.Names[0] }

// Type returns the type that arguments are decoded into, without the pointer of
// those that may be left out.
func (p *Param) Type() reflect.Type { return p.typ }

// Members returns the members of a parameter that is an object with members of
// its own, which are described like parameters.
func (p *Param) Members() []*Param { return p.sub }

// Check reports what is wrong with an argument.
func (p *Param) Check(raw json.RawMessage) error {
	if m := p.mismatch(raw); m != "" {
		return Errorf(CodeType, "%s", m)
	}
	return p.decode(reflect.New(p.typ).Elem(), raw)
}

// TakesString reports whether an argument from a command line is passed on as
// a string rather than read as JSON.
func (p *Param) TakesString() bool { return p.jsonType() == TypeString }

// Argument is implemented by parameter types that decode themselves.
type Argument interface {
	// ArgType is the JSON type, or empty if several are allowed.
	ArgType() Type
	// ArgWord names the type in the help text.
	ArgWord() string
	// DecodeArg reads a value; name is the parameter's. It is null only where
	// several types are allowed and the parameter is required.
	DecodeArg(name string, raw json.RawMessage) error
}

var (
	rawType      = reflect.TypeFor[json.RawMessage]()
	argumentType = reflect.TypeFor[Argument]()
)

func (p *Param) jsonType() Type { return jsonTypeOf(p.typ) }

// jsonTypeOf returns the JSON type that values of t are decoded from, or the
// empty string if any will do.
func jsonTypeOf(t reflect.Type) Type {
	switch {
	case isHash(t):
		return TypeString
	case t == rawType:
		return ""
	case reflect.PointerTo(t).Implements(argumentType):
		return reflect.New(t).Interface().(Argument).ArgType()
	}
	switch t.Kind() {
	case reflect.String:
		return TypeString
	case reflect.Bool:
		return TypeBool
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return TypeNumber
	case reflect.Slice:
		return TypeArray
	case reflect.Struct:
		return TypeObject
	default:
		panic("rpc: no JSON type for " + t.String())
	}
}

// paramsOf reads the tags of a parameter struct. It panics on a struct that no
// method can have, which any test of the table finds.
func paramsOf(t reflect.Type) []*Param {
	var ps []*Param
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			for _, p := range paramsOf(f.Type) {
				p.field = append(slices.Clone(f.Index), p.field...)
				ps = append(ps, p)
			}
			continue
		}
		tag, flags, _ := strings.Cut(f.Tag.Get("rpc"), ",")
		p := &Param{
			Names:    strings.Split(tag, "|"),
			Help:     f.Tag.Get("help"),
			Default:  f.Tag.Get("default"),
			Optional: flags == "optional",
			item:     f.Tag.Get("item"),
			called:   f.Tag.Get("called"),
			typ:      f.Type,
			field:    f.Index,
			named:    flags == "named",
		}
		if tag == "" || p.Help == "" {
			panic("rpc: field " + t.String() + "." + f.Name + " has no name or no help")
		}
		if f.Type.Kind() == reflect.Pointer {
			p.typ, p.Optional = f.Type.Elem(), true
		}
		if p.Default != "" {
			p.Optional = true
			if err := p.decode(reflect.New(p.typ).Elem(), json.RawMessage(p.Default)); err != nil {
				panic("rpc: default of " + p.Name() + ": " + err.Error())
			}
		}
		if p.jsonType() == TypeObject && p.typ.Kind() == reflect.Struct && !reflect.PointerTo(p.typ).Implements(argumentType) {
			p.sub = paramsOf(p.typ)
		}
		ps = append(ps, p)
	}
	return ps
}

// mismatch returns what is wrong with the type of an argument, or "".
func (p *Param) mismatch(raw json.RawMessage) string {
	want, got := p.jsonType(), TypeOf(raw)
	if want == "" || got == want || got == TypeNull && p.Optional {
		return ""
	}
	return fmt.Sprintf("JSON value of type %s is not of expected type %s", got, want)
}

// decodeArgs fills the struct dst from arguments by position. There must not
// be more arguments than parameters, and none of the required ones missing.
func decodeArgs(ps []*Param, args []json.RawMessage, dst reflect.Value) error {
	var wrong Object
	for i, p := range ps {
		var raw json.RawMessage
		if i < len(args) {
			raw = args[i]
		}
		if m := p.mismatch(raw); m != "" {
			wrong = append(wrong, Member{fmt.Sprintf("Position %d (%s)", i+1, strings.Join(p.Names, "|")), m})
		}
	}
	if len(wrong) > 0 {
		var compact, indented bytes.Buffer
		if err := encodeJSON(&compact, wrong); err != nil {
			return err
		}
		if err := json.Indent(&indented, compact.Bytes(), "", "    "); err != nil {
			return err
		}
		return Errorf(CodeType, "Wrong type passed:\n%s", indented.String())
	}
	for i, p := range ps {
		var raw json.RawMessage
		if i < len(args) && TypeOf(args[i]) != TypeNull {
			raw = args[i]
		}
		if err := p.fill(dst.FieldByIndex(p.field), raw); err != nil {
			return err
		}
	}
	return nil
}

// fill sets a field from an argument, or to its default if there is none.
func (p *Param) fill(field reflect.Value, raw json.RawMessage) error {
	if raw == nil {
		switch {
		case p.Default != "":
			raw = json.RawMessage(p.Default)
		case p.Optional:
			return nil
		default:
			// Only what decodes itself comes here, and says what it needs.
			raw = json.RawMessage("null")
		}
	}
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(p.typ))
		field = field.Elem()
	}
	return p.decode(field, raw)
}

func (p *Param) decode(v reflect.Value, raw json.RawMessage) error {
	return decodeValue(cmp.Or(p.called, p.Name()), p.sub, v, raw)
}

// decodeValue reads a value whose type has been checked. It is not null where
// that is known.
func decodeValue(name string, sub []*Param, v reflect.Value, raw json.RawMessage) error {
	raw = bytes.TrimSpace(raw)
	switch dst := v.Addr().Interface().(type) {
	case Argument:
		return dst.DecodeArg(name, raw)
	case *json.RawMessage:
		*dst = bytes.Clone(raw)
		return nil
	}
	switch v.Kind() {
	case reflect.Array:
		s, err := DecodeString(raw)
		if err != nil {
			return err
		}
		h, err := ParseHash(name, s)
		v.Set(reflect.ValueOf(h).Convert(v.Type()))
		return err
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(string(raw), 10, v.Type().Bits())
		if err != nil {
			return Errorf(CodeMisc, "JSON integer out of range")
		}
		v.SetInt(n)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(string(raw), 10, v.Type().Bits())
		if err != nil {
			return Errorf(CodeMisc, "JSON integer out of range")
		}
		v.SetUint(n)
	case reflect.Slice:
		return decodeSlice(name, v, raw)
	case reflect.Struct:
		return decodeStruct(sub, v, raw)
	case reflect.String:
		s, err := DecodeString(raw)
		v.SetString(s)
		return err
	case reflect.Float64:
		f, err := strconv.ParseFloat(string(raw), 64)
		if err != nil {
			return Errorf(CodeMisc, "JSON double out of range")
		}
		v.SetFloat(f)
	case reflect.Bool:
		v.SetBool(raw[0] == 't')
	default:
		panic("rpc: no way to read " + v.Type().String())
	}
	return nil
}

// DecodeString reads a JSON string that is known to be well formed. Blocks in
// hexadecimal digits are long and hold no escape: they are taken as they are.
func DecodeString(raw json.RawMessage) (s string, err error) {
	if n := len(raw); n >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : n-1]), nil
	}
	err = json.Unmarshal(raw, &s)
	return s, err
}

func decodeSlice(name string, v reflect.Value, raw json.RawMessage) error {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return err
	}
	t := v.Type().Elem()
	var sub []*Param
	if want := jsonTypeOf(t); want == TypeObject && !reflect.PointerTo(t).Implements(argumentType) {
		sub = paramsOf(t)
	}
	s := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, it := range items {
		if want, got := jsonTypeOf(t), TypeOf(it); want != "" && got != want {
			return Errorf(CodeType, "JSON value of type %s is not of expected type %s", got, want)
		}
		if err := decodeValue(name, sub, s.Index(i), it); err != nil {
			return err
		}
	}
	v.Set(s)
	return nil
}

// hashSize is the length of a hash in bytes.
const hashSize = 32

// isHash reports whether a type holds a hash.
func isHash(t reflect.Type) bool {
	return t.Kind() == reflect.Array && t.Len() == hashSize && t.Elem().Kind() == reflect.Uint8
}

// ParseHash reads a hash as Bitcoin writes them: in hexadecimal digits, the last
// byte first. name is what complaints call it, which are Core's.
func ParseHash(name, s string) (h [hashSize]byte, err error) {
	if len(s) != 2*hashSize {
		return h, Errorf(CodeInvalidParam, "%s must be of length %d (not %d, for '%s')", name, 2*hashSize, len(s), s)
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return h, Errorf(CodeInvalidParam, "%s must be hexadecimal string (not '%s')", name, s)
	}
	slices.Reverse(b)
	return [hashSize]byte(b), nil
}

// OpenObject is implemented by parameter types that take objects with more
// members than they know, such as entries of lists that describe a coin.
type OpenObject interface{ Open() }

// DecodeStruct reads an object into the struct that dst points to, whose fields
// have the tags of a method's parameters.
func DecodeStruct(dst any, raw json.RawMessage) error {
	v := reflect.ValueOf(dst).Elem()
	return decodeStruct(paramsOf(v.Type()), v, raw)
}

func decodeStruct(sub []*Param, v reflect.Value, raw json.RawMessage) error {
	ms, err := DecodeObject(raw)
	if err != nil {
		return err
	}
	used := 0
	for _, p := range sub {
		raw := Get(ms, p.Names...)
		if raw != nil {
			used++
		}
		if m := p.mismatch(raw); m != "" {
			if raw == nil {
				return Errorf(CodeType, "Missing %s", p.Name())
			}
			return Errorf(CodeType, "JSON value of type %s for field %s is not of expected type %s", TypeOf(raw), p.Name(), p.jsonType())
		}
		if TypeOf(raw) == TypeNull {
			raw = nil
		}
		if err := p.fill(v.FieldByIndex(p.field), raw); err != nil {
			return err
		}
	}
	if _, open := v.Addr().Interface().(OpenObject); !open && used < len(ms) {
		for _, m := range ms {
			if !hasName(sub, m.Name) {
				return Errorf(CodeType, "Unexpected key %s", m.Name)
			}
		}
	}
	return nil
}

func hasName(ps []*Param, name string) bool {
	for _, p := range ps {
		for _, n := range p.Names {
			if n == name {
				return true
			}
		}
	}
	return false
}

// HexArg is a parameter that is a byte string in hexadecimal digits.
type HexArg []byte

// ArgType implements [Argument].
func (*HexArg) ArgType() Type { return TypeString }

// ArgWord implements [Argument].
func (*HexArg) ArgWord() string { return "string" }

// DecodeArg implements [Argument].
func (h *HexArg) DecodeArg(name string, raw json.RawMessage) error {
	s, err := DecodeString(raw)
	if err != nil {
		return err
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return Errorf(CodeInvalidParam, "%s must be hexadecimal string (not '%s')", name, s)
	}
	*h = b
	return nil
}
