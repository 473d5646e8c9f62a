package chain

import (
	"hash/crc32"
	"sync"

	"starling/chain/headertree"
	"starling/store"
	"starling/wire"
)

// castagnoli is the polynomial of the checksums in the block index (CRC32C),
// for which processors have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// bodyCache holds checked blocks until they are connected, so that they need not
// be read from disk. Those whose turn has come, as their ancestors are there,
// are counted among the bytes that may wait; loose ones are kept while there is
// room for them, and read again if not.
type bodyCache struct {
	mu     sync.Mutex
	room   int // for loose ones, in bytes
	blocks map[*headertree.Node]body
}

type body struct {
	block *wire.Block
	loose bool
}

func (bc *bodyCache) init(budget int) {
	bc.room = budget
	bc.blocks = make(map[*headertree.Node]body)
}

// put keeps b, unless it is loose and there is no room.
func (bc *bodyCache) put(n *headertree.Node, b *wire.Block, loose bool) {
	bc.mu.Lock()
	defer bc.mu.Unlock()
	if _, has := bc.blocks[n]; has || loose && b.Size() > bc.room {
		return
	}
	if loose {
		bc.room -= b.Size()
	}
	bc.blocks[n] = body{b, loose}
}

// take returns the block of n and forgets it; nil if it is not held.
func (bc *bodyCache) take(n *headertree.Node) *wire.Block {
	bc.mu.Lock()
	defer bc.mu.Unlock()
	b, has := bc.blocks[n]
	if !has {
		return nil
	}
	if b.loose {
		bc.room += b.block.Size()
	}
	delete(bc.blocks, n)
	return b.block
}

// storeBlock appends a block to the block files and notes where.
func (c *Chain) storeBlock(n *headertree.Node, b *wire.Block) error {
	pos, err := c.blocks.Append(b.Bytes(), nil)
	if err != nil {
		return err
	}
	c.setStored(n, pos, b)
	return nil
}

// setStored notes that the block of n is at pos.
func (c *Chain) setStored(n *headertree.Node, pos store.Pos, b *wire.Block) {
	n.SetData(&headertree.Data{
		File: pos.File, Offset: pos.Offset,
		Size: uint32(b.Size()), CRC: checksum(b.Bytes()),
	})
	n.SetTxs(uint32(len(b.Txs)))
	c.index.placed(n)
}

// ErrPruned is returned for a block that was deleted to save space, and
// ErrNoBlock for one that has never arrived.
const (
	ErrPruned  = Error("block not available (pruned data)")
	ErrNoBlock = Error("block not found on disk")
)

// Error is a kind of error that works with errors.Is.
type Error string

// Error implements the error interface.
func (e Error) Error() string { return string(e) }

// Block reads the bytes of a block. It returns ErrPruned or ErrNoBlock if
// they are not there, and a *store.CorruptError if they are damaged.
func (c *Chain) Block(n *headertree.Node) ([]byte, error) {
	if n == c.tree.Genesis() {
		return c.net.Genesis.Bytes(), nil
	}
	d := n.Data()
	if d == nil {
		if n.Status()&headertree.Pruned != 0 {
			return nil, ErrPruned
		}
		return nil, ErrNoBlock
	}
	raw, err := c.blocks.Read(store.Pos{File: d.File, Offset: d.Offset}, d.Size)
	if err != nil {
		return nil, err
	}
	if checksum(raw) != d.CRC {
		return nil, &store.CorruptError{
			Path: c.blocks.Path(d.File), Offset: int64(d.Offset),
			What:   "block " + n.Hash.String() + " does not match its checksum",
			Advice: "check the disk, then start once with --reindex; what is intact is kept",
		}
	}
	return raw, nil
}

// ParsedBlock reads a block, parses it and hashes its ids.
func (c *Chain) ParsedBlock(n *headertree.Node) (*wire.Block, error) {
	raw, err := c.Block(n)
	if err != nil {
		return nil, err
	}
	b, err := wire.ParseBlock(raw)
	if err != nil {
		return nil, err
	}
	b.HashTxs()
	return b, nil
}
