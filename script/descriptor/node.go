package descriptor

import (
	"encoding/hex"
	"iter"
	"strconv"
	"strings"

	"starling/params"
)

// fn is a function of the language.
type fn string

const (
	fnPK           fn = "pk"
	fnPKH          fn = "pkh"
	fnWPKH         fn = "wpkh"
	fnSH           fn = "sh"
	fnWSH          fn = "wsh"
	fnMulti        fn = "multi"
	fnSortedMulti  fn = "sortedmulti"
	fnMultiA       fn = "multi_a"
	fnSortedMultiA fn = "sortedmulti_a"
	fnTR           fn = "tr"
	fnRawTR        fn = "rawtr"
	fnCombo        fn = "combo"
	fnAddr         fn = "addr"
	fnRaw          fn = "raw"
)

// node is one function of a descriptor with its arguments. It is immutable.
type node struct {
	fn   fn
	tap  bool    // within tr(), where keys are x coordinates
	need int     // signatures, of the functions with several keys
	keys []*key  // of tr(), the internal key
	subs []*node // the argument of sh() and wsh(), the leaves of tr()

	depths  []int  // of the leaves
	payload []byte // the script of raw() and addr()
	text    string // the address
}

// allKeys returns the key expressions in the order of the text.
func (n *node) allKeys() iter.Seq[*key] {
	return func(yield func(*key) bool) { n.yieldKeys(yield) }
}

func (n *node) yieldKeys(yield func(*key) bool) bool {
	for _, k := range n.keys {
		if !yield(k) {
			return false
		}
	}
	for _, s := range n.subs {
		if !s.yieldKeys(yield) {
			return false
		}
	}
	return true
}

// mapKeys returns a copy with other keys.
func (n *node) mapKeys(f func(*key) *key) *node {
	c := *n
	c.keys = make([]*key, len(n.keys))
	for i, k := range n.keys {
		c.keys[i] = f(k)
	}
	c.subs = make([]*node, len(n.subs))
	for i, s := range n.subs {
		c.subs[i] = s.mapKeys(f)
	}
	return &c
}

// width returns how many alternatives the keys have; 1 if there are none.
func (n *node) width() int {
	w := 1
	for k := range n.allKeys() {
		w = max(w, len(k.paths))
	}
	return w
}

// print writes the function and its arguments.
func (n *node) print(net *params.Network, f form) string {
	var args []string
	switch n.fn {
	case fnRaw:
		args = append(args, hex.EncodeToString(n.payload))
	case fnAddr:
		args = append(args, n.text)
	case fnMulti, fnSortedMulti, fnMultiA, fnSortedMultiA:
		args = append(args, strconv.Itoa(n.need))
	}
	for _, k := range n.keys {
		args = append(args, k.print(net, f))
	}
	if n.fn == fnTR {
		if len(n.subs) > 0 {
			args = append(args, n.printTree(net, f))
		}
	} else {
		for _, s := range n.subs {
			args = append(args, s.print(net, f))
		}
	}
	return string(n.fn) + "(" + strings.Join(args, ",") + ")"
}

// printTree writes the leaves of tr() with the braces that give them their
// depths.
func (n *node) printTree(net *params.Network, f form) string {
	var b strings.Builder
	var right []bool // for each level that is open, whether it is in its right half
	for i, s := range n.subs {
		if i > 0 {
			b.WriteByte(',')
		}
		for len(right) < n.depths[i] {
			b.WriteByte('{')
			right = append(right, false)
		}
		b.WriteString(s.print(net, f))
		for len(right) > 0 && right[len(right)-1] {
			b.WriteByte('}')
			right = right[:len(right)-1]
		}
		if len(right) > 0 {
			right[len(right)-1] = true
		}
	}
	return b.String()
}
