package descriptor

import (
	"encoding/hex"
	"strconv"
	"strings"

	"starling/address"
	"starling/params"
	"starling/script"
)

// scope is where an expression stands, which decides what is allowed.
type scope uint8

const (
	scopeTop  scope = iota
	scopeSH         // in sh(): a redeem script
	scopeWPKH       // in wpkh(): a key
	scopeWSH        // in wsh(): a witness script
	scopeTR         // in tr(): the internal key or a leaf
)

// parser reads one descriptor.
type parser struct{ net *params.Network }

func parse(text string, net *params.Network, needSum bool) ([]*Descriptor, error) {
	if len(text) > MaxLength {
		return nil, errorf("A descriptor has at most %d characters", MaxLength)
	}
	body, err := cutChecksum(text, needSum)
	if err != nil {
		return nil, err
	}
	p := parser{net}
	expr, rest := cutExpr(body)
	root, err := p.function(expr, scopeTop)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, errorf("'%s' after the descriptor's end", shorten(rest))
	}
	ds := make([]*Descriptor, root.width())
	for i := range ds {
		ds[i] = &Descriptor{net, root.mapKeys(func(k *key) *key { return k.pick(i) })}
	}
	return ds, nil
}

// shorten cuts what a message quotes.
func shorten(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// cutExpr splits off the first expression: up to a comma or a closing bracket
// that does not belong to it.
func cutExpr(s string) (expr, rest string) {
	level := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '(' || c == '{':
			level++
		case level > 0 && (c == ')' || c == '}'):
			level--
		case level == 0 && (c == ')' || c == '}' || c == ','):
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// cutFn takes the arguments out of "name(arguments)".
func cutFn(s string, name fn) (args string, ok bool) {
	args, ok = strings.CutPrefix(s, string(name)+"(")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(args, ")")
}

// function reads a function with its arguments.
func (p parser) function(s string, in scope) (*node, error) {
	name, _, _ := strings.Cut(s, "(")
	f := fn(name)
	args, ok := cutFn(s, f)
	if !ok {
		return nil, p.noFunction(s, in)
	}
	switch f {
	case fnPK, fnPKH, fnCombo, fnWPKH:
		return p.keyFunction(f, args, in)
	case fnMulti, fnSortedMulti, fnMultiA, fnSortedMultiA:
		return p.multi(f, args, in)
	case fnSH, fnWSH:
		return p.wrapper(f, args, in)
	case fnTR:
		return p.taproot(args, in)
	case fnRawTR:
		return p.rawTaproot(args, in)
	case fnAddr, fnRaw:
		return p.fixed(f, args, in)
	}
	return nil, p.noFunction(s, in)
}

func (p parser) noFunction(s string, in scope) error {
	switch in {
	case scopeSH:
		return errorf("A function is needed within P2SH")
	case scopeWSH:
		return errorf("A function is needed within P2WSH")
	}
	return errorf("'%s' is not a valid descriptor function", shorten(s))
}

// keyFunction reads the functions of one key.
func (p parser) keyFunction(f fn, args string, in scope) (*node, error) {
	switch {
	case f == fnCombo && in != scopeTop:
		return nil, errorf("Can only have combo() at top level")
	case f == fnWPKH && in != scopeTop && in != scopeSH:
		return nil, errorf("Can only have wpkh() at top level or inside sh()")
	case f == fnPKH && in == scopeTR:
		return nil, errorf("Can only have pkh() at top level, in sh(), or in wsh()")
	case f == fnWPKH:
		in = scopeWPKH
	}
	k, err := p.key(args, in)
	if err != nil {
		return nil, errorf("%s(): %v", f, err)
	}
	return &node{fn: f, tap: in == scopeTR, keys: []*key{k}}, nil
}

const (
	maxMultiKeys  = 20  // of CHECKMULTISIG
	maxMultiAKeys = 999 // what fits into the stack of a tapscript (BIP387)
	maxBareKeys   = 3   // of multisig scripts that are relayed without a hash
)

// multi reads the functions of a number and several keys.
func (p parser) multi(f fn, args string, in scope) (*node, error) {
	tap := f == fnMultiA || f == fnSortedMultiA
	switch {
	case tap && in != scopeTR:
		return nil, errorf("Can only have multi_a/sortedmulti_a inside tr()")
	case !tap && in != scopeTop && in != scopeSH && in != scopeWSH:
		return nil, errorf("Can only have multi/sortedmulti at top level, in sh(), or in wsh()")
	}
	first, rest := cutExpr(args)
	need, err := strconv.ParseUint(first, 10, 32)
	if err != nil || strings.HasPrefix(first, "+") {
		return nil, errorf("Multi threshold '%s' is not valid", shorten(first))
	}
	n := &node{fn: f, tap: tap}
	size := 0
	for rest != "" {
		if rest[0] != ',' {
			return nil, errorf("Multi: expected ',', got '%c'", rest[0])
		}
		var arg string
		arg, rest = cutExpr(rest[1:])
		k, err := p.key(arg, in)
		if err != nil {
			return nil, errorf("Multi: %v", err)
		}
		n.keys = append(n.keys, k)
		size += k.size() + 1
	}
	count := len(n.keys)
	switch {
	case !tap && (count < 1 || count > maxMultiKeys):
		return nil, errorf("Cannot have %d keys in multisig; must have between 1 and %d keys, inclusive", count, maxMultiKeys)
	case tap && (count < 1 || count > maxMultiAKeys):
		return nil, errorf("Cannot have %d keys in multi_a; must have between 1 and %d keys, inclusive", count, maxMultiAKeys)
	case need < 1:
		return nil, errorf("Multisig threshold cannot be %d, must be at least 1", need)
	case need > uint64(count):
		return nil, errorf("Multisig threshold cannot be larger than the number of keys; threshold is %d but only %d keys specified", need, count)
	case in == scopeTop && count > maxBareKeys:
		return nil, errorf("Cannot have %d pubkeys in bare multisig; only at most %d pubkeys", count, maxBareKeys)
	case in == scopeSH && size+3 > script.MaxElementSize:
		return nil, errorf("P2SH script is too large, %d bytes is larger than %d bytes", size+3, script.MaxElementSize)
	case !n.sameWidths():
		return nil, errorf("multi(): Multipath derivation paths have mismatched lengths")
	}
	n.need = int(need)
	return n, nil
}

// sameWidths reports whether all keys have the same number of alternatives, or
// none.
func (n *node) sameWidths() bool {
	w := n.width()
	for k := range n.allKeys() {
		if len(k.paths) > 1 && len(k.paths) != w {
			return false
		}
	}
	return true
}

// wrapper reads sh() and wsh().
func (p parser) wrapper(f fn, args string, in scope) (*node, error) {
	inner := scopeSH
	if f == fnWSH {
		inner = scopeWSH
	}
	switch {
	case f == fnSH && in != scopeTop:
		return nil, errorf("Can only have sh() at top level")
	case f == fnWSH && in != scopeTop && in != scopeSH:
		return nil, errorf("Can only have wsh() at top level or inside sh()")
	}
	expr, rest := cutExpr(args)
	sub, err := p.function(expr, inner)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, errorf("%s(): '%s' after the script expression", f, shorten(rest))
	}
	return &node{fn: f, subs: []*node{sub}}, nil
}

// fixed reads addr() and raw().
func (p parser) fixed(f fn, args string, in scope) (*node, error) {
	if in != scopeTop {
		return nil, errorf("Can only have %s() at top level", f)
	}
	if f == fnAddr {
		a, err := address.Decode(args, p.net)
		if err != nil {
			return nil, errorf("Address is not valid")
		}
		return &node{fn: f, payload: a.Script(), text: a.String()}, nil
	}
	b, err := hex.DecodeString(args)
	if err != nil || args == "" {
		return nil, errorf("Raw script is not hex")
	}
	return &node{fn: f, payload: b}, nil
}

// rawTaproot reads rawtr().
func (p parser) rawTaproot(args string, in scope) (*node, error) {
	if in != scopeTop {
		return nil, errorf("Can only have rawtr at top level")
	}
	expr, rest := cutExpr(args)
	if rest != "" {
		return nil, errorf("rawtr(): only one key expected.")
	}
	k, err := p.key(expr, scopeTR)
	if err != nil {
		return nil, errorf("rawtr(): %v", err)
	}
	return &node{fn: fnRawTR, tap: true, keys: []*key{k}}, nil
}

// taproot reads tr() with its tree.
func (p parser) taproot(args string, in scope) (*node, error) {
	if in != scopeTop {
		return nil, errorf("Can only have tr at top level")
	}
	expr, rest := cutExpr(args)
	k, err := p.key(expr, scopeTR)
	if err != nil {
		return nil, errorf("tr(): %v", err)
	}
	n := &node{fn: fnTR, tap: true, keys: []*key{k}}
	if rest == "" {
		return n, nil
	}
	if rest[0] != ',' {
		return nil, errorf("tr: expected ',', got '%c'", rest[0])
	}
	rest = rest[1:]
	var right []bool // for each brace that is open, whether its comma was seen
	for {
		for strings.HasPrefix(rest, "{") {
			rest = rest[1:]
			right = append(right, false)
			if len(right) > script.MaxTapDepth {
				return nil, errorf("tr() supports at most %d nesting levels", script.MaxTapDepth)
			}
		}
		expr, rest = cutExpr(rest)
		leaf, err := p.function(expr, scopeTR)
		if err != nil {
			return nil, err
		}
		n.subs = append(n.subs, leaf)
		n.depths = append(n.depths, len(right))
		for len(right) > 0 && right[len(right)-1] {
			if rest, err = expect(rest, "}"); err != nil {
				return nil, err
			}
			right = right[:len(right)-1]
		}
		if len(right) == 0 {
			break
		}
		if rest, err = expect(rest, ","); err != nil {
			return nil, err
		}
		right[len(right)-1] = true
	}
	if rest != "" {
		return nil, errorf("tr(): expected ')' after script expression")
	}
	return n, n.checkTaprootWidths()
}

func expect(s, what string) (rest string, err error) {
	rest, ok := strings.CutPrefix(s, what)
	if !ok {
		return "", errorf("tr(): expected '%s' after script expression", what)
	}
	return rest, nil
}

func (n *node) checkTaprootWidths() error {
	w := 1
	for _, s := range n.subs {
		w = max(w, s.width())
	}
	for _, s := range n.subs {
		if sw := s.width(); sw > 1 && sw != w {
			return errorf("tr(): Multipath subscripts have mismatched lengths")
		}
	}
	if kw := len(n.keys[0].paths); kw > 1 && w > 1 && kw != w {
		return errorf("tr(): Multipath internal key mismatches multipath subscripts lengths")
	}
	return nil
}
