package chain_test

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/params"
	"starling/store"
)

// fillingDisk returns a file system that has room for some more writes once full
// is set, and for any number once it is not.
func fillingDisk(room int64) (fs vfs.FS, full *atomic.Bool) {
	var writes atomic.Int64
	full = new(atomic.Bool)
	return errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind != errorfs.OpFileWrite && op.Kind != errorfs.OpFileWriteAt {
			return nil
		}
		if full.Load() && writes.Add(1) > room {
			return &os.PathError{Op: "write", Path: op.Path, Err: syscall.ENOSPC}
		}
		return nil
	})), full
}

// A disk that fills up, wherever that strikes, ends Run with one clear error.
// With room again the node goes on, and loses nothing that was connected and
// written.
func TestFullDisk(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 60)
	for _, room := range []int64{1, 5, 20, 60, 61} {
		fs, full := fillingDisk(room)
		c, err := chain.Open(chain.Config{Network: params.Regtest(), FS: fs, Dir: "data", DBCache: chain.MinDBCache, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		full.Store(true)
		done := make(chan error, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() { done <- c.Run(ctx) }()
		var failed error
		for _, b := range blocks {
			if o := c.Process(t.Context(), chain.Incoming{Raw: b.Bytes(), Requested: true}); o.Err != nil {
				failed = o.Err
				break
			}
		}
		stop()
		if err := <-done; !errors.Is(err, store.ErrDiskFull) {
			t.Errorf("room for %d writes: Run returned %v", room, err)
		}
		if failed == nil && room < 60 {
			t.Errorf("room for %d writes, and all blocks were accepted", room)
		}
		c.Close() // it may fail to write once more

		full.Store(false)
		r := start(t, fs, nil)
		r.give(blocks...)
		r.wantTip(blocks[59])
		r.close()
	}
}

// A command that writes the UTXO set may be the first to find the disk full. The
// node ends then too: with part of one way to a block on disk, no other way may
// begin there. It goes on from what was there, whatever happened in between.
func TestFullDiskInACommand(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 20)
	for room, enough := int64(0), false; !enough; room++ {
		fs, full := fillingDisk(room)
		c, err := chain.Open(chain.Config{Network: params.Regtest(), FS: fs, Dir: "data", DBCache: chain.MinDBCache, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() { done <- c.Run(ctx) }()
		give := func(blocks ...chaintest.Block) {
			for _, b := range blocks {
				if o := c.Process(t.Context(), chain.Incoming{Raw: b.Bytes(), Requested: true}); o.Err != nil {
					t.Fatal(o.Err)
				}
			}
		}
		give(blocks[:10]...)
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		give(blocks[10:]...)
		full.Store(true)
		err = c.Flush(t.Context())
		full.Store(false) // from now on there is room, which must not tempt it
		if enough = err == nil; enough {
			stop()
			if room < 4 {
				t.Errorf("%d writes are enough", room)
			}
		} else if !errors.Is(err, store.ErrDiskFull) {
			t.Errorf("room for %d writes: the command returned %v", room, err)
		}
		if err := <-done; !enough && !errors.Is(err, store.ErrDiskFull) {
			t.Errorf("room for %d writes: Run returned %v", room, err)
		}
		stop()
		c.Close()
		r := start(t, fs, nil)
		r.give(blocks...)
		r.wantTip(blocks[19])
		if err := r.Verify(t.Context(), 4, 0); err != nil {
			t.Errorf("room for %d writes: %v", room, err)
		}
		r.close()
	}
}
