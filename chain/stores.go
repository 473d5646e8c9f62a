package chain

import (
	"errors"
	"fmt"
	"io"
	"path"

	"starling/chain/coins"
	"starling/script"
	"starling/store"
	"starling/wire"
)

func (c *Chain) blockDir() string { return path.Join(c.cfg.Dir, "blocks") }
func (c *Chain) indexDir() string { return path.Join(c.cfg.Dir, "blocks", "index") }
func (c *Chain) coinDir() string  { return path.Join(c.cfg.Dir, "chainstate") }

// openStores opens the files and the block index, removed first where it is to
// be rebuilt. The UTXO set comes when the index has been read.
func (c *Chain) openStores() error {
	fs, dir := c.cfg.FS, c.cfg.Dir
	if err := fs.MkdirAll(dir, store.PrivateDir); err != nil {
		return err
	}
	var err error
	if !c.cfg.Locked {
		if c.lock, err = store.LockDir(fs, dir); err != nil {
			return err
		}
	}
	c.blocks, err = store.OpenFiles(store.FilesOptions{FS: fs, Dir: c.blockDir(), Prefix: "blk", Magic: c.net.Magic, MaxFileSize: c.cfg.MaxFile})
	if err != nil {
		return err
	}
	c.undos, err = store.OpenFiles(store.FilesOptions{FS: fs, Dir: c.blockDir(), Prefix: "rev", Magic: c.net.Magic, Trailer: wire.HashSize})
	if err != nil {
		return err
	}
	if err := c.loadInvalid(); err != nil {
		return err
	}
	if c.verifier = c.cfg.Verifier; c.verifier == nil {
		c.verifier = script.NewVerifier(script.Options{})
	}
	return c.openIndex()
}

// openCoins opens the UTXO set, once the index has been read and compared with
// the files. A UTXO set that is damaged is rebuilt from the blocks, if they are
// all there.
func (c *Chain) openCoins() error {
	begun, err := c.indexDB.Has([]byte{keyNoCoins})
	if err != nil {
		return err
	}
	if !begun {
		err := c.openCoinDB()
		var damage *store.CorruptError
		if !errors.As(err, &damage) {
			return err
		}
		if c.pruned() {
			d := *damage
			d.Advice = "it cannot be rebuilt because blocks have been pruned: put back a copy of the data directory, or start with --reindex to fetch the whole chain again"
			return &d
		}
		d := *damage
		d.Advice = "it is rebuilt from the block files now"
		c.log.Warn(d.Error())
		if c.coinDB != nil {
			_ = c.coinDB.Close() // it goes
			c.coinDB = nil
		}
		b := c.indexDB.NewBatch()
		b.Set([]byte{keyNoCoins}, nil)
		if err := c.indexDB.Write(b, true); err != nil {
			return err
		}
	}
	if err := store.RemoveDB(c.cfg.FS, c.coinDir()); err != nil {
		return err
	}
	if err := c.openCoinDB(); err != nil {
		return err
	}
	b := c.indexDB.NewBatch()
	b.Delete([]byte{keyNoCoins})
	return c.indexDB.Write(b, true)
}

func (c *Chain) openCoinDB() (err error) {
	// A quarter of the budget goes to the database's own block cache and
	// memtable; the rest is the coin cache's.
	dbCache := min(c.cfg.DBCache/8, 64<<20)
	memTable := min(max(c.cfg.DBCache/16, 1<<20), 32<<20)
	c.coinDB, err = store.OpenDB(store.DBOptions{
		FS: c.cfg.FS, Dir: c.coinDir(), CacheBytes: dbCache, MemTableBytes: memTable, Logger: c.log, Marked: true,
	})
	if err != nil {
		return err
	}
	if c.coins, err = coins.Open(c.coinDB); err != nil || !c.coinDB.InDoubt() {
		return err
	}
	c.log.Warn("the mark of the UTXO set was lost; reading all of it")
	if err := c.coins.Check(); err != nil {
		return err
	}
	return c.coinDB.Trust()
}

func (c *Chain) closeStores() error {
	var first error
	closeOne := func(name string, cl io.Closer) {
		if err := cl.Close(); err != nil && first == nil {
			first = fmt.Errorf("close %s: %w", name, err)
		}
	}
	if c.blocks != nil {
		closeOne("block files", c.blocks)
	}
	if c.undos != nil {
		closeOne("undo files", c.undos)
	}
	if c.indexDB != nil {
		closeOne("block index", c.indexDB)
	}
	if c.coinDB != nil {
		closeOne("UTXO set", c.coinDB)
	}
	if c.lock != nil {
		closeOne("lock", c.lock)
	}
	return first
}
