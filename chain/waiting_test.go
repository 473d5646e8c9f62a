package chain_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// slow keeps the writer in the middle of a block until it is let go, as costly
// scripts would.
type slow struct {
	chain.NopObserver
	at  int32
	let chan struct{}
}

func (s *slow) BlockConnected(n *headertree.Node, _ chain.ConnectStats) {
	if n.Height == s.at {
		<-s.let
	}
}

// readCounter counts the reads of block files.
type readCounter struct {
	vfs.FS
	reads *atomic.Int64
}

type countedFile struct {
	vfs.File
	reads *atomic.Int64
}

func (c readCounter) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := c.FS.Open(name, opts...)
	if err != nil || !strings.Contains(name, "blk") {
		return f, err
	}
	return countedFile{f, c.reads}, nil
}

func (f countedFile) ReadAt(b []byte, off int64) (int, error) {
	f.reads.Add(1)
	return f.File.ReadAt(b, off)
}

// TestWaitingIsBoundedByTheTip submits blocks while the writer is busy with
// one: what is stored beyond the tip may not outgrow what may wait, in whatever
// order the blocks come, and nothing of it is read from disk again.
func TestWaitingIsBoundedByTheTip(t *testing.T) {
	const small, blocks, may = 120, 20, 2 << 20
	m := chaintest.New(params.Regtest())
	base := m.Chain(m.Genesis(), small)
	last := base[small-1]
	var big []chaintest.Block // of about 300 kB
	var headers []wire.Header
	for i := range blocks {
		op, value := base[i].Coinbase()
		pay := wire.NewTx(2, []wire.TxIn{{PrevOut: op, Sequence: wire.SequenceFinal}},
			slices.Repeat([]wire.TxOut{{Value: value / 40, Script: make([]byte, 9_000)}}, 33), 0)
		last = m.Next(last, 0, pay)
		big = append(big, last)
		headers = append(headers, last.Header)
	}
	for _, tc := range []struct {
		name  string
		order func([]chaintest.Block)
	}{
		{"in order", func([]chaintest.Block) {}},
		{"pairs the wrong way round", func(b []chaintest.Block) {
			for i := 1; i < len(b); i += 2 {
				b[i-1], b[i] = b[i], b[i-1]
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(last.Header.Time())) // virtual time begins long before
				s := &slow{at: small + 1, let: make(chan struct{})}
				fs := readCounter{vfs.NewMem(), new(atomic.Int64)}
				r := start(t, fs, func(cfg *chain.Config) { cfg.Observer, cfg.Waiting, cfg.Workers = s, may, 1 })
				r.give(base...)
				if _, _, err := r.AcceptHeaders(headers); err != nil {
					t.Fatal(err)
				}
				before := r.SizeOnDisk()

				rest := slices.Clone(big[1:])
				tc.order(rest)
				done := make(chan error)
				go func() {
					for _, b := range append([]chaintest.Block{big[0]}, rest...) {
						if err := r.Submit(t.Context(), chain.Incoming{Raw: b.Bytes(), Requested: true}); err != nil {
							done <- err
						}
					}
					done <- nil
				}()
				synctest.Wait()
				if tip := r.Tip().Height; tip != small {
					t.Fatalf("tip %d, want the writer to be busy above %d", tip, small)
				}
				waiting := r.SizeOnDisk() - before
				t.Logf("%d bytes of %d wait on disk, %d may", waiting, blocks*big[0].Size(), may)
				// One block more may have waited for its parent.
				if limit := int64(may + big[0].Size() + 100_000); waiting > limit {
					t.Errorf("%d bytes are stored beyond the tip, want at most %d", waiting, limit)
				}
				close(s.let)
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // what was handed over is connected
				r.wantTip(big[blocks-1])
				if n := fs.reads.Load(); n != 0 {
					t.Errorf("block files were read %d times", n)
				}
				r.close()
			})
		})
	}
}
