package chain

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"starling/chain/headertree"
	"starling/store"
	"starling/wire"
)

// keyBlock prefixes the records of the block index. A key is the prefix, the
// height, most significant byte first, and the hash, so that parents come
// before their children.
const keyBlock = 'b'

// keyGenesis holds the hash of the genesis block, so that a data directory is
// never opened for another network.
const keyGenesis = 'g'

// keyReindex stands in an index that is being rebuilt and not complete.
const keyReindex = 'r'

// indexRecordSize is a header and nine 32-bit numbers.
const indexRecordSize = wire.HeaderSize + 9*4

// indexBatch is how many headers may wait to be written before they are
// written early; it bounds the size of one write to about 2 MB.
const indexBatch = 10_000

// indexState is what has changed since the block index was last written, and
// which blocks each block file holds.
type indexState struct {
	mu    sync.Mutex
	dirty map[*headertree.Node]struct{}
	files map[uint32]*fileUse
	full  chan struct{} // asks for an early write

	writing sync.Mutex // held while the index is written
}

// fileUse says what one block file, and the undo file of the same number,
// holds.
type fileUse struct {
	top              int32 // greatest height of a block in it
	nodes            []*headertree.Node
	blockEnd, revEnd uint32
}

func (ix *indexState) init() {
	ix.dirty = make(map[*headertree.Node]struct{})
	ix.files = make(map[uint32]*fileUse)
	ix.full = make(chan struct{}, 1)
}

// touch notes that the record of n must be written.
func (ix *indexState) touch(n *headertree.Node) {
	ix.mu.Lock()
	ix.dirty[n] = struct{}{}
	early := len(ix.dirty) >= indexBatch
	ix.mu.Unlock()
	if early {
		select {
		case ix.full <- struct{}{}:
		default:
		}
	}
}

// holds notes where the block of n, and its undo record if there is one, lie.
func (ix *indexState) holds(n *headertree.Node) {
	d := n.Data()
	ix.mu.Lock()
	u := ix.files[d.File]
	if u == nil {
		u = &fileUse{}
		ix.files[d.File] = u
	}
	u.nodes = append(u.nodes, n)
	u.top = max(u.top, n.Height)
	u.blockEnd = max(u.blockEnd, d.Offset+d.Size)
	if d.UndoSize != 0 {
		u.revEnd = max(u.revEnd, d.UndoOffset+d.UndoSize+wire.HashSize)
	}
	ix.mu.Unlock()
}

// placed notes that the block of n has been stored.
func (ix *indexState) placed(n *headertree.Node) {
	ix.holds(n)
	ix.touch(n)
}

// placedUndo notes that the undo record of n has been stored.
func (ix *indexState) placedUndo(n *headertree.Node) {
	d := n.Data()
	ix.mu.Lock()
	if u := ix.files[d.File]; u != nil {
		u.revEnd = max(u.revEnd, d.UndoOffset+d.UndoSize+wire.HashSize)
	}
	ix.mu.Unlock()
	ix.touch(n)
}

func indexKey(n *headertree.Node) []byte {
	k := binary.BigEndian.AppendUint32([]byte{keyBlock}, uint32(n.Height))
	return append(k, n.Hash[:]...)
}

func indexRecord(n *headertree.Node) []byte {
	b := n.Header.Append(make([]byte, 0, indexRecordSize))
	var d headertree.Data
	if p := n.Data(); p != nil {
		d = *p
	}
	for _, v := range []uint32{uint32(n.Status()), d.File, d.Offset, d.Size, d.CRC, n.Txs(), d.UndoOffset, d.UndoSize, d.UndoCRC} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// writeIndex writes all changed records, after the blocks and undo records
// that they name are on disk.
func (c *Chain) writeIndex() error {
	ix := &c.index
	ix.writing.Lock()
	defer ix.writing.Unlock()
	ix.mu.Lock()
	dirty := ix.dirty
	ix.dirty = make(map[*headertree.Node]struct{})
	ix.mu.Unlock()
	if len(dirty) == 0 {
		return nil
	}
	// The records are made before the files are synced, so they name nothing
	// that the sync may miss.
	b := c.indexDB.NewBatch()
	for n := range dirty {
		b.Set(indexKey(n), indexRecord(n))
	}
	err := c.blocks.Sync()
	if err == nil {
		err = c.undos.Sync()
	}
	if err == nil {
		err = c.indexDB.Write(b, true)
	}
	if err != nil {
		ix.mu.Lock()
		for n := range dirty {
			ix.dirty[n] = struct{}{}
		}
		ix.mu.Unlock()
	}
	return err
}

// runIndex writes the index from time to time.
func (c *Chain) runIndex(ctx context.Context) error {
	timer := c.clk.NewTimer(indexEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.index.full:
		case <-timer.C:
			timer.Reset(indexEvery)
		}
		if err := c.writeIndex(); err != nil {
			return err
		}
	}
}

// loadIndex fills the header tree from disk.
func (c *Chain) loadIndex() error {
	corrupt := func(what string) error {
		return &store.CorruptError{
			Path: "blocks/index", What: what,
			Advice: "rebuild the index from the block files with --reindex",
		}
	}
	genesis, ok, err := c.indexDB.Get([]byte{keyGenesis})
	if err != nil {
		return err
	}
	if !ok {
		b := c.indexDB.NewBatch()
		b.Set([]byte{keyGenesis}, c.net.GenesisHash[:])
		return c.indexDB.Write(b, true)
	}
	if wire.Hash(genesis) != c.net.GenesisHash {
		return fmt.Errorf("%s holds another network than %s: choose another --datadir or --network", c.cfg.Dir, c.net.Name)
	}
	return c.indexDB.Iterate([]byte{keyBlock}, func(key, v []byte) error {
		if len(v) != indexRecordSize {
			return corrupt("a record has the wrong length")
		}
		h, err := wire.DecodeHeader(v)
		if err != nil {
			return corrupt(err.Error())
		}
		cur := wire.NewCursor(v[wire.HeaderSize:], "block index")
		status := headertree.Status(cur.Uint32())
		d := &headertree.Data{File: cur.Uint32(), Offset: cur.Uint32(), Size: cur.Uint32(), CRC: cur.Uint32()}
		txs := cur.Uint32()
		d.UndoOffset, d.UndoSize, d.UndoCRC = cur.Uint32(), cur.Uint32(), cur.Uint32()
		n, err := c.tree.Restore(&h, status)
		if err != nil {
			return corrupt(err.Error())
		}
		if string(indexKey(n)) != string(key) {
			return corrupt("a record is not under its own key")
		}
		n.SetTxs(txs)
		if d.Size != 0 {
			n.SetData(d)
			c.index.holds(n) // what was read need not be written
		}
		return nil
	})
}

// trimFiles cuts off what the files hold beyond what the index knows: the
// tail of a write that a crash interrupted.
func (c *Chain) trimFiles() error {
	blockEnds, undoEnds := map[uint32]uint32{}, map[uint32]uint32{}
	for file, u := range c.index.files {
		blockEnds[file] = u.blockEnd
		if u.revEnd > 0 {
			undoEnds[file] = u.revEnd
		}
	}
	if err := c.blocks.Truncate(blockEnds); err != nil {
		return err
	}
	return c.undos.Truncate(undoEnds)
}
