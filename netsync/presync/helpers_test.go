package presync

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// easy is the target of regtest: two hashes of work.
const easy = 0x207fffff

// run is headers that follow each other, with their hashes.
type run struct {
	headers []wire.Header
	hashes  []wire.Hash
}

// made returns headers on top of one, as a walk takes them: their proof of work,
// which it leaves to others, is missing. Different salts give different headers.
func made(prev wire.Hash, salt uint32, bits ...uint32) (r run) {
	for _, bits := range bits {
		h := wire.Header{PrevBlock: prev, Bits: bits, Nonce: salt}
		prev = h.Hash()
		r.headers, r.hashes = append(r.headers, h), append(r.hashes, prev)
	}
	return r
}

// same returns the same target so many times.
func same(bits uint32, count int) (all []uint32) {
	for range count {
		all = append(all, bits)
	}
	return all
}

// cut returns the headers from height a to b, the first being of height 1.
func (r run) cut(a, b int) run {
	return run{r.headers[a-1 : b], r.hashes[a-1 : b]}
}

func (r run) len() int        { return len(r.headers) }
func (r run) last() wire.Hash { return r.hashes[len(r.hashes)-1] }

// on returns the headers of r up to a height, and others behind them.
func (r run) on(height int, other run) run {
	return run{append(r.headers[:height:height], other.headers...), append(r.hashes[:height:height], other.hashes...)}
}

// genesis is where all chains of the tests begin.
func genesis() (*params.Network, *headertree.Node) {
	net := params.Regtest()
	return net, headertree.New(net).Genesis()
}

// work returns the work of a chain of so many easy headers on the genesis block,
// which has as much.
func work(headers uint64) uint256.Int { return *uint256.NewInt(2 * (headers + 1)) }

// secrets is a source of secrets that can be repeated.
func secrets(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2)) }

// far is long enough after the genesis block for any chain of the tests.
func far(gen *headertree.Node) time.Time { return time.Unix(gen.MedianTime()+1e6, 0) }

// feed passes headers in messages of 2,000, as a peer would, and returns what
// is released. After each of them the walk must be within its bound.
func feed(t testing.TB, w *Walk, r run) (released run, err error) {
	t.Helper()
	for at := 0; at < r.len() && !w.Done(); at += wire.MaxHeaders {
		end := min(at+wire.MaxHeaders, r.len())
		headers, hashes, err := w.Offer(r.headers[at:end], r.hashes[at:end], true)
		if bound := w.Bound(); bound >= 0 && w.Size() > bound {
			t.Fatalf("%d bytes are held, and %d is the bound", w.Size(), bound)
		}
		if err != nil {
			return released, err
		}
		released.headers = append(released.headers, headers...)
		released.hashes = append(released.hashes, hashes...)
	}
	return released, nil
}

// A header has the size that the bound counts with.
func TestHeaderBytes(t *testing.T) {
	if n := reflect.TypeFor[wire.Header]().Size(); n != headerBytes {
		t.Errorf("a header takes %d bytes", n)
	}
}
