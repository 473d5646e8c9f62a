package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/params"
	"starling/store"
)

// Every byte of the transaction index is changed in turn, and each file is cut,
// emptied and removed: it finds every transaction, or says that it is damaged
// and is whole again when its directory is deleted, as it advises. Without
// STARLING_TEST_LONG only some bytes are.
func TestTxIndexDamage(t *testing.T) {
	share := 40
	if os.Getenv("STARLING_TEST_LONG") != "" {
		share = 1
	}
	const dir = "data/indexes/txindex"
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 30)
	c := newFakeChain(t, blocks...)
	whole := vfs.NewCrashableMem()
	for _, tip := range []int{9, 19, 29} { // each opening writes what the last left in its log to a table
		c.setTip(blocks[tip])
		x, r := openTx(t, c, whole)
		if err := x.WaitSynced(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.end(t)
	}

	// use opens the index, waits until it is at the tip and looks all up.
	use := func(fs vfs.FS) (err error) {
		x, err := OpenTx(Options{Source: c, FS: fs, Dir: dir})
		if err != nil {
			return err
		}
		r := start(x.Index)
		defer func() {
			r.stop()
			err = errors.Join(err, <-r.done, r.Close())
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := x.WaitSynced(ctx); err != nil {
			return err
		}
		for _, b := range blocks {
			_, hash, ok, err := x.FindTx(b.Txs[0].TxID())
			if err != nil {
				return err
			}
			if !ok || hash != b.Hash() {
				return fmt.Errorf("the transaction of block %d is not found", b.Height)
			}
		}
		return nil
	}
	table := map[string]map[string]int{}
	try := func(p, how string, damage func(vfs.FS) error) {
		fs := whole.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))})
		if err := damage(fs); err != nil {
			t.Fatal(err)
		}
		outcome := "whole"
		var damaged *store.CorruptError
		switch err := use(fs); {
		case errors.As(err, &damaged):
			if !strings.Contains(err.Error(), "delete "+dir+" and start again") {
				t.Errorf("%s %s: not a good message: %v", p, how, err)
			}
			outcome = "refused; whole again when it is deleted"
			if err := fs.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if err := use(fs); err != nil {
				t.Errorf("%s %s, deleted: %v", p, how, err)
			}
		case err != nil:
			t.Errorf("%s %s: %v", p, how, err)
		}
		row := fmt.Sprintf("%-24s %s", strings.Trim(path.Base(p), "0123456789-"), how)
		if table[row] == nil {
			table[row] = map[string]int{}
		}
		table[row][outcome]++
	}
	names, err := whole.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	write := func(fs vfs.FS, p string, b []byte) error {
		f, err := fs.Create(p, vfs.WriteCategoryUnspecified)
		if err != nil {
			return err
		}
		_, err = f.Write(bytes.Clone(b)) // a vfs may change what it is given
		return errors.Join(err, f.Sync(), f.Close())
	}
	for _, name := range append(names, "../txindex"+store.MarkSuffix) {
		p := path.Join(dir, name)
		f, err := whole.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(b); at += share {
			try(p, "flipped", func(fs vfs.FS) error {
				d := bytes.Clone(b)
				d[at] ^= 1 << (at % 8)
				return write(fs, p, d)
			})
		}
		for _, n := range slices.Compact([]int{0, len(b) / 3, len(b) - 1}) {
			if n >= 0 && n < len(b) {
				try(p, "cut", func(fs vfs.FS) error { return write(fs, p, b[:n]) })
			}
		}
		try(p, "removed", func(fs vfs.FS) error { return fs.Remove(p) })
	}
	for _, row := range slices.Sorted(maps.Keys(table)) {
		for _, outcome := range slices.Sorted(maps.Keys(table[row])) {
			t.Logf("%-36s %6d  %s", row, table[row][outcome], outcome)
		}
	}
}
