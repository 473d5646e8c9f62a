package script

import (
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"
	"pgregory.net/rapid"
)

// TestPoolCheckRunsEachSetOfRules holds a check by two sets of rules, the
// second of which finds signatures checked, against two that share nothing.
func TestPoolCheckRunsEachSetOfRules(t *testing.T) {
	spends := allSpends(t)
	rapid.Check(t, func(t *rapid.T) {
		s, _ := changedSpend(t, spends)
		v := NewVerifier(Options{SigCacheEntries: 16})
		pool := v.Pool(s.tx, s.spent)
		for _, run := range []struct {
			name  string
			flags Flags
			check func(Flags) error
		}{
			{"relay", someFlags(t), pool.Relay},
			{"block", someFlags(t), pool.Block},
			{"block again", someFlags(t), pool.Block},
		} {
			fresh := NewVerifier(Options{}).Check(s.tx, s.spent, run.flags)
			got := run.check(run.flags)
			if (got == nil) != (fresh == nil) || got != nil && got.Error() != fresh.Error() {
				t.Fatalf("%s, %s by %s: %v, by itself: %v", s.kind, run.name, run.flags, got, fresh)
			}
			if known := v.Tx(s.tx, s.spent, run.flags).Known(); run.name != "relay" && known != (got == nil) {
				t.Fatalf("%s, %s by %s: %v, but known %v", s.kind, run.name, run.flags, got, known)
			}
		}
	})
}

// TestPoolCheckRemembersBlockRulesAlone: what passed relay rules has not been
// run by those of blocks.
func TestPoolCheckRemembersBlockRulesAlone(t *testing.T) {
	v := NewVerifier(Options{SigCacheEntries: 100})
	s := newSpend(t, "p2wpkh", 1, txscript.SigHashAll)
	pool := v.Pool(s.tx, s.spent)
	if err := pool.Relay(StandardFlags); err != nil {
		t.Fatal(err)
	}
	for _, flags := range []Flags{StandardFlags, MandatoryFlags} {
		if v.Tx(s.tx, s.spent, flags).Known() {
			t.Errorf("known for %s after a run for relay", flags)
		}
	}
	if err := pool.Block(MandatoryFlags); err != nil {
		t.Fatal(err)
	}
	if !v.Tx(s.tx, s.spent, MandatoryFlags).Known() {
		t.Error("not known after a run by the rules of blocks")
	}
	if v.Tx(s.tx, s.spent, StandardFlags).Known() {
		t.Error("known by rules that it was not remembered for")
	}
}

// TestPoolCheckKeepsSignatureResults turns every kept result round: a second
// run that fails then has asked for it rather than checked again.
func TestPoolCheckKeepsSignatureResults(t *testing.T) {
	for _, kind := range fastKinds {
		s := newSpend(t, kind, 2, txscript.SigHashAll)
		pool := NewVerifier(Options{}).Pool(s.tx, s.spent)
		if err := pool.Relay(StandardFlags); err != nil {
			t.Fatal(kind, err)
		}
		sigs := pool.tx.sigs
		if len(sigs.direct) < 2 || sigs.engine != nil {
			t.Errorf("%s: %d signatures kept, interpreter asked: %v", kind, len(sigs.direct), sigs.engine != nil)
		}
		for k := range sigs.direct {
			sigs.direct[k] = false
		}
		if pool.tx.passes(0) {
			t.Errorf("%s: a signature was checked again", kind)
		}
	}
}

// BenchmarkPoolCheck shows what the second run costs beside the first.
func BenchmarkPoolCheck(b *testing.B) {
	for _, kind := range spendKinds {
		s := newSpend(b, kind, 2, txscript.SigHashAll)
		for _, runs := range []struct {
			name  string
			block bool
		}{{"relay", false}, {"relay+block", true}} {
			b.Run(kind+"/"+runs.name, func(b *testing.B) {
				b.ReportAllocs()
				v := NewVerifier(Options{})
				for b.Loop() {
					pool := v.Pool(s.tx, s.spent)
					if err := pool.Relay(StandardFlags); err != nil {
						b.Fatal(err)
					}
					if !runs.block {
						continue
					}
					if err := pool.Block(MandatoryFlags); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
