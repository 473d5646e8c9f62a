package presync

import (
	"errors"
	"testing"

	"github.com/holiman/uint256"

	"starling/params"
)

func TestPermitted(t *testing.T) {
	main, late := params.Main(), params.Regtest()
	late.AllowMinDifficulty, late.NoRetargeting = false, false
	const height = 2016 * 10
	tests := []struct {
		name     string
		net      *params.Network
		height   int32
		from, to uint32
		want     bool
	}{
		{"the same within a period", main, height + 1, 0x1b0404cb, 0x1b0404cb, true},
		{"another within a period", main, height + 1, 0x1b0404cb, 0x1b0404cc, false},
		{"four times harder", main, height, 0x1b0404cb, 0x1b010132, true},
		{"more than four times harder", main, height, 0x1b0404cb, 0x1b010131, false},
		{"four times easier", main, height, 0x1b0404cb, 0x1b10132c, true},
		{"more than four times easier", main, height, 0x1b0404cb, 0x1b10132d, false},
		{"easier than the limit", main, height, 0x1d00ffff, 0x1d01ffff, false},
		{"the limit", main, height, 0x1d00ffff, 0x1d00ffff, true},
		{"no target", main, height, 0x1b0404cb, 0x1b8404cb, false},
		{"as easy as a number can say", late, late.DifficultyInterval(), 0x207fffff, 0x207fffff, true},
		{"four times easier, just up to the limit", late, late.DifficultyInterval(), 0x201fffff, 0x207ffffc, true},
		{"a quarter of that", late, late.DifficultyInterval(), 0x207fffff, 0x201fffff, true},
		{"less than a quarter", late, late.DifficultyInterval(), 0x207fffff, 0x201ffffe, false},
		{"anything on a test network", params.Regtest(), height + 1, 0x207fffff, 0x1b0404cb, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := permitted(tc.net, tc.height, tc.from, tc.to); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// The difficulty changes with the first block of a period and no other, in the
// second pass as in the first.
func TestRetargets(t *testing.T) {
	net, gen := genesis()
	net.AllowMinDifficulty, net.NoRetargeting = false, false
	net.TargetTimespan = 10 * net.TargetSpacing
	for at, want := range map[int]error{8: ErrDifficulty, 9: ErrDifficulty, 10: nil, 11: ErrDifficulty, 12: ErrDifficulty, 20: nil} {
		chain := made(gen.Hash, 0, append(same(easy, at-1), 0x203fffff)...)
		w := New(net, gen, *new(uint256.Int).SetAllOne(), far(gen), secrets(1), Options{})
		if _, err := feed(t, w, chain); !errors.Is(err, want) {
			t.Errorf("another target at height %d: %v, want %v", at, err, want)
		}
		w = New(net, gen, work(30), far(gen), secrets(1), Options{})
		if _, err := feed(t, w, made(gen.Hash, 0, same(easy, 30)...)); err != nil || !w.Progress().Second {
			t.Fatal(err)
		}
		if _, err := feed(t, w, chain); !errors.Is(err, want) {
			t.Errorf("another target at height %d of the second pass: %v, want %v", at, err, want)
		}
	}
}
