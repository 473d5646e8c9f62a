package bip324

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"starling/wire"
)

var magic = [4]byte{0xfa, 0xbf, 0xb5, 0xda}

// agree returns the sessions at the two ends of a connection.
func agree(t testing.TB) (a, b *Session) {
	t.Helper()
	var keys [2]*Key
	for i := range keys {
		k, err := NewKey()
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = k
	}
	a, errA := keys[0].Session(&keys[1].Public, true, magic)
	b, errB := keys[1].Session(&keys[0].Public, false, magic)
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	return a, b
}

func TestAgreement(t *testing.T) {
	a, b := agree(t)
	if a.ID != b.ID || a.SendTerminator != b.ReceiveTerminator || b.SendTerminator != a.ReceiveTerminator {
		t.Error("the two ends disagree")
	}
	if a.SendTerminator == a.ReceiveTerminator {
		t.Error("both sides end their garbage with the same")
	}
	if c, _ := agree(t); c.ID == a.ID {
		t.Error("two connections have one id")
	}
	k, _ := NewKey()
	other, _ := NewKey()
	here, _ := k.Session(&other.Public, true, magic)
	abroad, _ := other.Session(&k.Public, false, [4]byte{1})
	if here.ID == abroad.ID {
		t.Error("the session does not hang on the network")
	}
}

// open opens a whole packet.
func open(o *Opener, packet, additional []byte) ([]byte, bool, error) {
	size := o.Length((*[LengthSize]byte)(packet))
	if size != len(packet)-LengthSize {
		return nil, false, ErrForged
	}
	return o.Open(packet[LengthSize:], additional)
}

// TestPackets sends many packets both ways, through several changes of keys.
func TestPackets(t *testing.T) {
	a, b := agree(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 3*rekeyInterval + 5 {
		for side, s := range []struct {
			from *Sealer
			to   *Opener
		}{{&a.Sealer, &b.Opener}, {&b.Sealer, &a.Opener}} {
			contents, aad := make([]byte, rng.IntN(3000)), make([]byte, rng.IntN(50))
			rng2 := rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), byte(side)})
			rng2.Read(contents)
			rng2.Read(aad)
			decoy := rng.IntN(4) == 0
			cut := rng.IntN(len(contents) + 1)
			packet := s.from.Seal([]byte("before"), decoy, aad, contents[:cut], contents[cut:])
			if !bytes.HasPrefix(packet, []byte("before")) || len(packet) != 6+len(contents)+Overhead {
				t.Fatalf("packet %d has %d bytes", i, len(packet))
			}
			got, gotDecoy, err := open(s.to, packet[6:], aad)
			if err != nil || gotDecoy != decoy || !bytes.Equal(got, contents) {
				t.Fatalf("packet %d: %d bytes of %d, decoy %t, %v", i, len(got), len(contents), gotDecoy, err)
			}
		}
	}
}

// TestForgery opens what was changed on the way, and what came out of turn.
func TestForgery(t *testing.T) {
	for name, spoil := range map[string]func(p []byte) (packet, aad []byte){
		"first byte":        func(p []byte) ([]byte, []byte) { p[LengthSize] ^= 1; return p, []byte("aad") },
		"last byte":         func(p []byte) ([]byte, []byte) { p[len(p)-1] ^= 1; return p, []byte("aad") },
		"length":            func(p []byte) ([]byte, []byte) { p[0] ^= 1; return p, []byte("aad") },
		"cut":               func(p []byte) ([]byte, []byte) { return p[:len(p)-1], []byte("aad") },
		"another aad":       func(p []byte) ([]byte, []byte) { return p, []byte("add") },
		"no aad":            func(p []byte) ([]byte, []byte) { return p, nil },
		"nothing was wrong": func(p []byte) ([]byte, []byte) { return p, []byte("aad") },
	} {
		a, b := agree(t)
		packet, aad := spoil(a.Sealer.Seal(nil, false, []byte("aad"), []byte("contents")))
		_, _, err := open(&b.Opener, packet, aad)
		if want := name != "nothing was wrong"; errors.Is(err, ErrForged) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	a, b := agree(t)
	first, second := a.Sealer.Seal(nil, false, nil, []byte("x")), a.Sealer.Seal(nil, false, nil, []byte("y"))
	if _, _, err := open(&b.Opener, second, nil); !errors.Is(err, ErrForged) {
		t.Error("the second packet was taken for the first:", err)
	}
	if _, _, err := open(&a.Opener, first, nil); !errors.Is(err, ErrForged) {
		t.Error("a packet came back to who had sent it:", err)
	}
	if _, _, err := b.Opener.Open(nil, nil); !errors.Is(err, ErrForged) {
		t.Error("nothing was opened:", err)
	}
}

// TestLargest seals the longest contents that a packet can have, and longer ones.
func TestLargest(t *testing.T) {
	a, b := agree(t)
	contents := make([]byte, MaxContents+1)
	packet := a.Sealer.Seal(nil, false, nil, contents[1:])
	if size := b.Opener.Length((*[LengthSize]byte)(packet)); ContentsSize(size) != MaxContents || size != len(packet)-LengthSize {
		t.Errorf("a packet of %d bytes says that %d follow", len(packet), size)
	}
	if got, _, err := b.Opener.Open(packet[LengthSize:], nil); err != nil || len(got) != MaxContents {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	defer func() {
		if recover() == nil {
			t.Error("what no length can say was sealed")
		}
	}()
	a.Sealer.Seal(nil, false, nil, contents)
}

// TestSealSetsNothingAside seals to a buffer with room.
func TestSealSetsNothingAside(t *testing.T) {
	a, _ := agree(t)
	buf, contents := make([]byte, 0, 2000), make([]byte, 1000)
	if n := testing.AllocsPerRun(rekeyInterval/4, func() { a.Sealer.Seal(buf, false, nil, []byte{1}, contents) }); n != 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}

func TestGarbage(t *testing.T) {
	end := [TerminatorSize]byte([]byte("the-terminator!!"))
	for _, n := range []int{0, 1, 15, 16, 17, 1000, MaxGarbage - 1, MaxGarbage} {
		garbage := bytes.Repeat([]byte("the-terminator!?"), MaxGarbage/16+1)[:n]
		sent := append(append(append([]byte(nil), garbage...), end[:]...), "after"...)
		for _, slice := range []int{1, 7, 16, 4096, len(sent)} {
			g := NewGarbage(end)
			took, complete := 0, false
			for !complete {
				n, done, err := g.Take(sent[took:min(len(sent), took+slice)])
				if err != nil {
					t.Fatal(err)
				}
				took, complete = took+n, done
			}
			if string(sent[took:]) != "after" || !bytes.Equal(g.Bytes(), garbage) {
				t.Errorf("%d bytes by %d: took %d, garbage of %d bytes", n, slice, took, len(g.Bytes()))
			}
		}
	}
	long := append(make([]byte, MaxGarbage+1), end[:]...)
	for _, first := range []int{0, 4000} {
		g := NewGarbage(end)
		if n, complete, err := g.Take(long[:first]); n != first || complete || err != nil {
			t.Errorf("took %d, %t, %v", n, complete, err)
		}
		if n, _, err := g.Take(long[first:]); n != MaxGarbage+TerminatorSize-first || !errors.Is(err, ErrGarbage) {
			t.Errorf("after %d bytes of too much garbage: took %d, %v", first, n, err)
		}
		if len(g.Bytes()) > MaxGarbage+TerminatorSize {
			t.Errorf("%d bytes are kept", len(g.Bytes()))
		}
	}
}

func TestMessages(t *testing.T) {
	short := 0
	for _, c := range []string{
		wire.CmdVersion, wire.CmdVerack, wire.CmdPing, wire.CmdBlock, wire.CmdTx, wire.CmdAddrV2,
		wire.CmdSendAddrV2, wire.CmdGetCFHeaders, "x", "twelve chars", " ~", "",
	} {
		b := append(AppendType(nil, c), "payload"...)
		if len(b) == 1+len("payload") {
			short++
		}
		if got, payload, ok := Message(b); !ok || got != c || string(payload) != "payload" {
			t.Errorf("%q: %q, %q, %t", c, got, payload, ok)
		}
	}
	if short != 5 {
		t.Errorf("%d types are short", short)
	}
	// Some places in the table, as the proposal numbers them.
	for c, want := range map[string]byte{
		wire.CmdAddr: 1, wire.CmdFeeFilter: 5, wire.CmdGetBlockTxn: 10, wire.CmdMempool: 15,
		wire.CmdSendCmpct: 20, wire.CmdCFHeaders: 25, wire.CmdAddrV2: 28,
	} {
		if got := AppendType(nil, c); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v", c, got)
		}
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "undefined": {29, 1, 2}, "last": {255}, "cut": append([]byte{0}, "elevenchars"...),
		"not printable": append([]byte{0}, "tw\xffelve chars"...), "after zeros": append([]byte{0}, "ping\x00\x00\x00\x00\x00\x00\x00x"...),
		"inner zero": append([]byte{0}, "pi\x00g\x00\x00\x00\x00\x00\x00\x00\x00"...),
	} {
		if c, _, ok := Message(b); ok {
			t.Errorf("%s is taken for %q", name, c)
		}
	}
	// What has a short type may also be spelt out.
	if c, _, ok := Message(append([]byte{0}, "ping\x00\x00\x00\x00\x00\x00\x00\x00"...)); !ok || c != wire.CmdPing {
		t.Error("a long ping is", c, ok)
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte{18, 1, 2, 3})
	f.Add(AppendType(nil, wire.CmdVersion))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, payload, ok := Message(b)
		if !ok {
			return
		}
		again, same, ok := Message(append(AppendType(nil, c), payload...))
		if !ok || again != c || !bytes.Equal(same, payload) {
			t.Errorf("%x became %q with %x", b, again, same)
		}
	})
}

// FuzzGarbage compares what is found in one piece with what is found byte by
// byte.
func FuzzGarbage(f *testing.F) {
	end := [TerminatorSize]byte{15: 1}
	f.Add(append(make([]byte, 40), 1, 2, 3))
	f.Add(make([]byte, 5000))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, bits := NewGarbage(end), NewGarbage(end)
		n, complete, err := whole.Take(b)
		took, done, bitErr := 0, false, error(nil)
		for took < len(b) && !done && bitErr == nil {
			var k int
			k, done, bitErr = bits.Take(b[took : took+1])
			took += k
		}
		if took != n || done != complete || (err == nil) != (bitErr == nil) || !bytes.Equal(whole.Bytes(), bits.Bytes()) {
			t.Errorf("%d, %t, %v in one piece; %d, %t, %v byte by byte", n, complete, err, took, done, bitErr)
		}
	})
}

// FuzzOpen opens packets that the other side has not sealed.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("short"), []byte(nil))
	f.Add(make([]byte, 40), []byte("aad"))
	f.Fuzz(func(t *testing.T, packet, aad []byte) {
		if len(packet) < LengthSize {
			return
		}
		_, b := agree(t)
		if size := b.Opener.Length((*[LengthSize]byte)(packet)); ContentsSize(size) < 0 || ContentsSize(size) > MaxContents {
			t.Errorf("a packet of %d bytes", size)
		}
		if c, _, err := b.Opener.Open(packet[LengthSize:], aad); err == nil {
			t.Errorf("opened %x", c)
		}
	})
}

func BenchmarkPackets(b *testing.B) {
	for name, size := range map[string]int{"inv": 37, "tx": 400, "block": 1_500_000} {
		b.Run(name, func(b *testing.B) {
			x, y := agree(b)
			contents, buf := make([]byte, size), make([]byte, 0, size+Overhead)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := open(&y.Opener, x.Sealer.Seal(buf, false, nil, contents), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHandshake(b *testing.B) {
	for b.Loop() {
		agree(b)
	}
}
