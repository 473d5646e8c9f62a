package script

import (
	"bytes"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"
	"pgregory.net/rapid"

	"starling/wire"
)

// fastKinds are the spends that never reach the interpreter.
var fastKinds = []string{"p2wpkh", "p2pkh", "p2tr", "p2wsh-2of3", "p2sh-p2wpkh", "p2sh-2of3", "p2sh-1of1", "p2sh-2of2", "p2sh-3of15"}

func TestOrdinarySpendsSkipTheInterpreter(t *testing.T) {
	for _, kind := range fastKinds {
		for _, hashType := range []txscript.SigHashType{1, 2, 3, 0x81, 0x82, 0x83} {
			s := newSpend(t, kind, 2, hashType)
			for _, flags := range []Flags{StandardFlags, MandatoryFlags, P2SH | Witness | Taproot} {
				c := NewVerifier(Options{}).Tx(s.tx, s.spent, flags)
				for i := range s.tx.In {
					if !c.passes(i) {
						t.Errorf("%s, hash type %#x, flags %s: not passed directly", kind, hashType, flags)
					}
				}
			}
		}
	}
}

// TestDirectPassesAreTheInterpreters changes spends in every place and holds
// the direct checks against the interpreter: what they pass, it passes.
func TestDirectPassesAreTheInterpreters(t *testing.T) {
	spends := allSpends(t)
	v := NewVerifier(Options{})
	rapid.Check(t, func(t *rapid.T) {
		s, i := changedSpend(t, spends)
		flags := someFlags(t)
		c := v.Tx(s.tx, s.spent, flags)
		err := c.interpret(i)
		if c.passes(i) && err != nil {
			t.Fatalf("%s passes directly with %s, but the interpreter says: %v", s.kind, flags, err)
		}
		if got := c.Input(i); (got == nil) != (err == nil) {
			t.Fatalf("%s: Input says %v, interpreter %v", s.kind, got, err)
		}
	})
}

// allSpends returns spends of all kinds with three inputs each.
func allSpends(t *testing.T) (spends []spend) {
	for _, kind := range spendKinds {
		for _, hashType := range []txscript.SigHashType{1, 3, 0x82} {
			spends = append(spends, newSpend(t, kind, 3, hashType))
		}
	}
	return spends
}

// changedSpend draws one of spends and changes an input of it, or what that
// depends on, in up to two places.
func changedSpend(t *rapid.T, spends []spend) (s spend, i int) {
	s = spends[rapid.IntRange(0, len(spends)-1).Draw(t, "spend")]
	ins := append([]wire.TxIn(nil), s.tx.In...)
	outs := append([]wire.TxOut(nil), s.tx.Out...)
	s.spent = append([]wire.TxOut(nil), s.spent...)
	i = rapid.IntRange(0, 2).Draw(t, "input")
	for range rapid.IntRange(0, 2).Draw(t, "changes") {
		in := &ins[i]
		switch rapid.IntRange(0, 8).Draw(t, "change") {
		case 0:
			in.Script = changed(t, in.Script)
		case 1, 2, 3:
			in.Witness = changedWitness(t, in.Witness)
		case 4:
			s.spent[i].Script = changed(t, s.spent[i].Script)
		case 5:
			s.spent[i].Value++
		case 6:
			outs[rapid.IntRange(0, len(outs)-1).Draw(t, "output")].Value--
		case 7:
			outs = outs[:1]
		case 8:
			// Another input's scripts, as a signature for something else.
			in.Script, in.Witness = s.tx.In[(i+1)%3].Script, s.tx.In[(i+1)%3].Witness
		}
	}
	s.tx = wire.NewTx(s.tx.Version, ins, outs, s.tx.LockTime)
	return s, i
}

// someFlags draws a set of rules that the interpreter takes.
func someFlags(t *rapid.T) Flags {
	flags := P2SH | Witness | Flags(rapid.Uint32Range(0, uint32(allFlags)).Draw(t, "flags"))&allFlags
	if rapid.IntRange(0, 3).Draw(t, "old") == 0 {
		flags &^= Witness | CleanStack
	}
	return flags
}

// changedWitness changes one item, or the number of items.
func changedWitness(t *rapid.T, w wire.Witness) wire.Witness {
	items := w.Stack()
	n := len(items)
	switch k := rapid.IntRange(0, 9).Draw(t, "how"); {
	case k == 0:
		items = append(items, []byte{0x50, 1})
	case k == 1:
		items = append([][]byte{nil}, items...)
	case n == 0:
	case k == 2:
		items = items[1:]
	case k == 3:
		items = items[:n-1]
	default:
		j := rapid.IntRange(0, n-1).Draw(t, "item")
		items[j] = changed(t, items[j])
	}
	return wire.NewWitness(items...)
}

// changed returns a copy of b with a bit flipped, a byte more or less, or,
// where there is a DER signature inside, one with S negated or padded.
func changed(t *rapid.T, b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) == 0 {
		return []byte{byte(rapid.IntRange(0, 255).Draw(t, "byte"))}
	}
	at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
	switch rapid.IntRange(0, 5).Draw(t, "how") {
	case 0:
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case 1:
		b = append(b[:at], b[at+1:]...)
	case 2:
		b = append(b[:at], append([]byte{byte(rapid.IntRange(0, 255).Draw(t, "byte"))}, b[at:]...)...)
	case 3:
		b[len(b)-1] = rapid.SampledFrom([]byte{0, 1, 2, 3, 4, 0x80, 0x81, 0x83, 0x84}).Draw(t, "type")
	case 4:
		b = otherS(b)
	case 5:
		b = padded(b)
	}
	return b
}

// otherS negates S in the signature that b starts with, or has after one push
// opcode; the signature stays as valid as it was before the rule of low S.
func otherS(b []byte) []byte {
	skip := 0
	if len(b) > 2 && b[0] != 0x30 {
		skip = 1
	}
	if len(b) < skip+9 || b[skip] != 0x30 || len(b) < skip+int(b[skip+1])+3 {
		return b
	}
	end := skip + int(b[skip+1]) + 3
	sig := b[skip:end]
	p, _, ok := parseECDSA(sig, 0)
	if !ok {
		return b
	}
	p.s.Negate()
	var r, s [32]byte
	p.r.PutBytes(&r)
	p.s.PutBytes(&s)
	body := append(derInt(r[:]), derInt(s[:])...)
	der := append([]byte{0x30, byte(len(body))}, body...)
	der = append(der, sig[len(sig)-1])
	out := bytes.Clone(b[:skip])
	if skip == 1 && int(b[0]) == len(sig) {
		out[0] = byte(len(der))
	}
	return append(append(out, der...), b[end:]...)
}

// padded adds a needless zero to R of a signature, which only the old rules
// let pass.
func padded(b []byte) []byte {
	if len(b) < 9 || b[0] != 0x30 || b[3] > 32 {
		return b
	}
	b = append(b[:4], append([]byte{0}, b[4:]...)...)
	b[1]++
	b[3]++
	return b
}

// derInt encodes a number that is not negative.
func derInt(b []byte) []byte {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return append([]byte{2, byte(len(b))}, b...)
}

// TestOddSpendsGoToTheInterpreter lists what the direct checks must leave
// alone, whether or not it is valid.
func TestOddSpendsGoToTheInterpreter(t *testing.T) {
	multi := newSpend(t, "p2wsh-2of3", 1, txscript.SigHashAll)
	m := multi.tx.In[0].Witness.Stack()
	key := newSpend(t, "p2wpkh", 1, txscript.SigHashAll)
	k := key.tx.In[0].Witness.Stack()
	tap := newSpend(t, "p2tr", 1, txscript.SigHashAll)
	tp := tap.tx.In[0].Witness.Stack()
	old := newSpend(t, "p2pkh", 1, txscript.SigHashAll)
	nested := newSpend(t, "p2sh-p2wpkh", 1, txscript.SigHashAll)
	hashed := newSpend(t, "p2sh-2of3", 1, txscript.SigHashAll)
	// An empty push, two signatures and the script behind OP_PUSHDATA1.
	h := hashed.tx.In[0].Script
	single := newSpend(t, "p2sh-1of1", 1, txscript.SigHashAll)
	o := single.tx.In[0].Script
	long := slices.Concat(o[:2+o[1]], []byte{OpPushData1}, o[2+o[1]:])
	sig1, sig2, redeem := h[1:2+h[1]], h[2+h[1]:3+h[1]+h[2+h[1]]], h[3+h[1]+h[2+h[1]]:]
	for _, c := range []struct {
		name    string
		of      spend
		script  []byte
		witness [][]byte
		flags   Flags
		valid   bool
	}{
		{"spare item not empty", multi, nil, [][]byte{{1}, m[1], m[2], m[3]}, MandatoryFlags &^ NullDummy, true},
		{"spare item not empty, forbidden", multi, nil, [][]byte{{1}, m[1], m[2], m[3]}, MandatoryFlags, false},
		{"one signature twice", multi, nil, [][]byte{nil, m[1], m[1], m[3]}, MandatoryFlags, false},
		{"signatures in the wrong order", multi, nil, [][]byte{nil, m[2], m[1], m[3]}, MandatoryFlags, false},
		{"one signature of two", multi, nil, [][]byte{nil, m[1], m[3]}, MandatoryFlags, false},
		{"three signatures of two", multi, nil, [][]byte{nil, m[1], m[1], m[2], m[3]}, MandatoryFlags, false},
		{"three items for a key hash", key, nil, [][]byte{nil, k[0], k[1]}, MandatoryFlags, false},
		{"witness script with a signature script", key, []byte{Op1}, k, MandatoryFlags, false},
		{"annex", tap, nil, [][]byte{tp[0], {0x50}}, MandatoryFlags, false}, // the signature covers it
		{"taproot before its rules", tap, nil, [][]byte{{1}}, MandatoryFlags &^ Taproot, true},
		{"hash type zero written out", tap, nil, [][]byte{append(bytes.Clone(tp[0]), 0)}, MandatoryFlags, false},
		{"witness rules off", key, nil, nil, P2SH, true},
		{"something before the key", old, append([]byte{Op1}, old.tx.In[0].Script...), nil, MandatoryFlags, true},
		{"something before the key, forbidden", old, append([]byte{Op1}, old.tx.In[0].Script...), nil, StandardFlags, false},
		{"something after the key", old, append(bytes.Clone(old.tx.In[0].Script), Op1), nil, MandatoryFlags, false},
		{"witness where none belongs", old, old.tx.In[0].Script, [][]byte{{1}}, MandatoryFlags, false},
		{"nested script pushed the long way", nested, append([]byte{OpPushData1}, nested.tx.In[0].Script...), nested.tx.In[0].Witness.Stack(), MandatoryFlags, false},
		{"script hash, spare item not empty", hashed, slices.Concat([]byte{Op1}, sig1, sig2, redeem), nil, MandatoryFlags &^ NullDummy, true},
		{"script hash, spare item not empty, forbidden", hashed, slices.Concat([]byte{Op1}, sig1, sig2, redeem), nil, MandatoryFlags, false},
		{"script hash, something below", hashed, slices.Concat([]byte{Op1}, h), nil, MandatoryFlags, true},
		{"script hash, something below, forbidden", hashed, slices.Concat([]byte{Op1}, h), nil, StandardFlags, false},
		{"script hash, an empty item more", hashed, slices.Concat([]byte{Op0}, h), nil, MandatoryFlags, true},
		{"script hash, signatures in the wrong order", hashed, slices.Concat([]byte{Op0}, sig2, sig1, redeem), nil, MandatoryFlags, false},
		{"script hash, one signature twice", hashed, slices.Concat([]byte{Op0}, sig1, sig1, redeem), nil, MandatoryFlags, false},
		{"script hash, one signature of two", hashed, slices.Concat([]byte{Op0}, sig2, redeem), nil, MandatoryFlags, false},
		{"script hash, script pushed the long way", hashed, slices.Concat([]byte{Op0}, sig1, sig2, []byte{OpPushData2, redeem[1], 0}, redeem[2:]), nil, MandatoryFlags, true},
		{"script hash, script pushed the long way, forbidden", hashed, slices.Concat([]byte{Op0}, sig1, sig2, []byte{OpPushData2, redeem[1], 0}, redeem[2:]), nil, StandardFlags, false},
		{"script hash, short script pushed the long way", single, long, nil, MandatoryFlags, true},
		{"script hash, short script pushed the long way, forbidden", single, long, nil, StandardFlags, false},
		{"script hash, nothing at all", hashed, nil, nil, MandatoryFlags, false},
		{"script hash, script cut off", hashed, h[:len(h)-1], nil, MandatoryFlags, false},
		{"script hash, script only", hashed, redeem, nil, MandatoryFlags, false},
		{"two pushes for a nested script", nested, append([]byte{Op1}, nested.tx.In[0].Script...), nested.tx.In[0].Witness.Stack(), MandatoryFlags, false},
	} {
		in := c.of.tx.In[0]
		in.Script, in.Witness = c.script, wire.NewWitness(c.witness...)
		tx := wire.NewTx(c.of.tx.Version, []wire.TxIn{in}, c.of.tx.Out, c.of.tx.LockTime)
		check := NewVerifier(Options{}).Tx(tx, c.of.spent, c.flags)
		if check.passes(0) {
			t.Errorf("%s: passed directly", c.name)
		}
		if err := check.Input(0); (err == nil) != c.valid {
			t.Errorf("%s: got %v, want valid %v", c.name, err, c.valid)
		}
	}
}
