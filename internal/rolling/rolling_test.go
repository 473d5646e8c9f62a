package rolling

import (
	"encoding/binary"
	"testing"
)

func hash(i int) (h [32]byte) {
	binary.LittleEndian.PutUint64(h[:], uint64(i))
	return h
}

// TestRemembers adds ten times as many hashes as are to be remembered: the last
// ones must be found at every moment, and old ones are forgotten.
func TestRemembers(t *testing.T) {
	for _, n := range []int{1, 2, 100, 1001} {
		f := New(n, 1e-6)
		if f.Has(hash(0)) {
			t.Fatal("something is found in an empty filter")
		}
		for i := range 10 * n {
			f.Add(hash(i))
			for j := max(0, i-n+1); j <= i; j += max(1, n/50) {
				if !f.Has(hash(j)) {
					t.Fatalf("n = %d: after %d, %d is forgotten", n, i, j)
				}
			}
		}
		forgotten := 0
		for i := range 8 * n {
			if !f.Has(hash(i)) {
				forgotten++
			}
		}
		if forgotten < 8*n-n {
			t.Errorf("n = %d: only %d of %d old ones are forgotten", n, forgotten, 8*n)
		}
		f.Reset()
		if f.Has(hash(10*n - 1)) {
			t.Error("something is found after Reset")
		}
	}
}

// TestChance counts what is found by mistake in a full filter.
func TestChance(t *testing.T) {
	const n, chance = 20_000, 0.001
	f := New(n, chance)
	for i := range 3 * n {
		f.Add(hash(i))
	}
	wrong := 0
	const tries = 200_000
	for i := range tries {
		if f.Has(hash(1<<40 + i)) {
			wrong++
		}
	}
	if share := float64(wrong) / tries; share > 2*chance {
		t.Errorf("%g found by mistake, want about %g", share, chance)
	}
}

func TestSize(t *testing.T) {
	f := New(120_000, 1e-6)
	f.Add(hash(1))
	if size := len(f.words) * 16; size > 1_400_000 {
		t.Errorf("120,000 hashes take %d bytes", size)
	}
}

func BenchmarkHas(b *testing.B) {
	f := New(120_000, 1e-6)
	for i := range 120_000 {
		f.Add(hash(i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f.Has(hash(i & 0xffff))
	}
}
