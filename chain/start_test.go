package chain_test

import (
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/params"
)

// meterFS counts the bytes that are written below it.
type meterFS struct {
	vfs.FS
	bytes *atomic.Int64
}

type meterFile struct {
	vfs.File
	bytes *atomic.Int64
}

func (f meterFile) Write(p []byte) (int, error) {
	f.bytes.Add(int64(len(p)))
	return f.File.Write(p)
}

func (f meterFile) WriteAt(p []byte, off int64) (int, error) {
	f.bytes.Add(int64(len(p)))
	return f.File.WriteAt(p, off)
}

func (m meterFS) wrap(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return meterFile{f, m.bytes}, nil
}

func (m meterFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return m.wrap(m.FS.Create(name, c))
}

func (m meterFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return m.wrap(m.FS.OpenReadWrite(name, c, opts...))
}

func (m meterFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return m.wrap(m.FS.ReuseForWrite(oldname, newname, c))
}

// A start, and an end without anything in between, write little, and no more
// for a long chain than for a short one.
func TestStartWritesNoRecords(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 600)
	written := func(n int) int64 {
		mem := vfs.NewMem()
		r := start(t, mem, nil)
		r.give(blocks[:n]...)
		r.close()
		start(t, mem, nil).close() // writes what the first left in its logs to tables
		meter := meterFS{mem, new(atomic.Int64)}
		r = start(t, meter, nil)
		r.wantTip(blocks[n-1])
		r.close()
		return meter.bytes.Load()
	}
	short, long := written(10), written(600)
	t.Logf("a start writes %d bytes with 10 blocks, %d with 600", short, long)
	if long > short+4096 {
		t.Errorf("a start with 600 blocks writes %d bytes, with 10 blocks %d", long, short)
	}
}
