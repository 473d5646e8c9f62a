package presync

import (
	"slices"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"starling/wire"
)

// FuzzWalk feeds a walk headers of any kind, three bytes of the input making a
// message, and looks at what must hold whatever comes.
func FuzzWalk(f *testing.F) {
	f.Add([]byte{3, 20, 40, 0, 0, 30, 0, 0, 30, 0x80, 0, 30, 0, 0, 30})
	f.Add([]byte{1, 1, 255, 0, 0, 255, 0x40, 1, 3, 0xc0, 0, 0, 1, 2, 3})
	f.Add([]byte("00\x00000000000")) // it goes on after its end
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 3 {
			return
		}
		net, gen := genesis()
		if data[0]&0x80 == 0 {
			net.AllowMinDifficulty, net.NoRetargeting = false, false
			net.TargetTimespan = 10 * net.TargetSpacing
		}
		opt := Options{Period: int32(data[0] & 0x1f), Buffer: int(int8(data[1])), Rate: int64(data[1]&3) - 1}
		w := New(net, gen, *uint256.NewInt(20 * uint64(data[2])), time.Unix(gen.MedianTime()-int64(data[0])*30, 0), secrets(uint64(data[2])), opt)
		at, ended := gen.Hash, false
		for data = data[3:]; len(data) >= 3; data = data[3:] {
			// From where the walk is, or from the start, or from nowhere.
			prev := w.Locator()[0]
			switch data[0] >> 6 {
			case 2:
				prev = gen.Hash
			case 3:
				prev = wire.Hash{data[1]}
			}
			bits := easy - uint32(data[1]&7)<<20
			r := made(prev, uint32(data[0]&7), same(bits, 1+int(data[2]))...)
			second := w.Progress().Second
			headers, hashes, err := w.Offer(r.headers, r.hashes, data[0]&0x20 == 0)
			if ended && err == nil {
				t.Fatal("it goes on after its end")
			}
			ended = err != nil || w.Done()
			if len(headers) > 0 && (!second || err != nil) {
				t.Fatalf("%d headers are released in the first pass, or with %v", len(headers), err)
			}
			for i := range headers {
				if headers[i].PrevBlock != at || headers[i].Hash() != hashes[i] {
					t.Fatal("what is released is no chain")
				}
				at = hashes[i]
			}
			if bound := w.Bound(); bound >= 0 && w.Size() > bound || ended && w.Size() != 0 {
				t.Fatalf("%d bytes are held, bound %d, ended: %v", w.Size(), bound, ended)
			}
			if err == nil && w.Done() && !slices.Equal(hashes[max(0, len(hashes)-1):], []wire.Hash{r.last()}) {
				t.Fatal("not all is released at the end")
			}
		}
	})
}
