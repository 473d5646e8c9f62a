package coins

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"starling/store"
	"starling/wire"
)

// Total is how many coins a set has and the sum of their hashes. It is kept up
// to date as coins come and go, and shows, when the whole set is read, whether
// that is the set that was written. It is no proof against somebody who wants to
// deceive, only against damage.
type Total struct{ Coins, Sum uint64 }

// hasher makes the hashes of coins in memory of its own.
type hasher struct{ buf []byte }

func (h *hasher) hash(op *wire.OutPoint, c *Coin) uint64 {
	code := uint32(c.Height) << 1
	if c.Coinbase {
		code |= 1
	}
	h.buf = append(h.buf[:0], op.Hash[:]...)
	h.buf = binary.LittleEndian.AppendUint32(h.buf, op.Index)
	h.buf = binary.LittleEndian.AppendUint32(h.buf, code)
	h.buf = binary.LittleEndian.AppendUint64(h.buf, uint64(c.Value))
	h.buf = append(h.buf, c.Script...)
	return xxhash.Sum64(h.buf)
}

func (t *Total) add(h *hasher, op *wire.OutPoint, c *Coin) {
	t.Coins++
	t.Sum += h.hash(op, c)
}

func (t *Total) sub(h *hasher, op *wire.OutPoint, c *Coin) {
	t.Coins--
	t.Sum -= h.hash(op, c)
}

// totalSize is the size of a stored total: the block that it belongs to, the
// number of coins and the sum.
const totalSize = wire.HashSize + 16

func (t Total) encode(best wire.Hash) []byte {
	b := append(make([]byte, 0, totalSize), best[:]...)
	b = binary.LittleEndian.AppendUint64(b, t.Coins)
	return binary.LittleEndian.AppendUint64(b, t.Sum)
}

// readTotal reads the total of the set that the store stands for, or will when
// the interrupted flush is finished. One of another block, or none, was left by
// a program that knew no totals.
func (c *Cache) readTotal() error {
	v, ok, err := c.db.Get([]byte{keyTotal})
	if err != nil {
		return err
	}
	best := c.best
	if c.heads != nil {
		best = c.heads.New
	}
	if c.dbEmpty.Load() {
		c.known = true
		return nil
	}
	if !ok || len(v) != totalSize || wire.Hash(v[:wire.HashSize]) != best {
		return nil
	}
	c.known, c.stored = true, true
	c.total = Total{binary.LittleEndian.Uint64(v[wire.HashSize:]), binary.LittleEndian.Uint64(v[wire.HashSize+8:])}
	return nil
}

// ErrNoTotal is what comparing a set with its total returns if the set is from
// before there were totals.
var ErrNoTotal = errors.New("coins: the set has no total to compare with")

// Check reads all coins and compares them with the total. It is for when the
// store is in doubt, before anything is changed. A set in the middle of a flush
// cannot be compared, and fails.
func (c *Cache) Check() error {
	s := c.Snapshot()
	defer s.Close()
	if c.heads != nil {
		return s.damage("its mark was lost in the middle of a write")
	}
	if _, err := s.Check(context.Background()); !errors.Is(err, ErrNoTotal) {
		return err
	}
	return nil
}

// Check reads all coins and compares them with the total of the set. It returns
// what they add up to, with [ErrNoTotal] if there is nothing to compare with.
func (s *Snapshot) Check(ctx context.Context) (Total, error) {
	var got Total
	var h hasher
	err := s.All(func(op wire.OutPoint, c Coin) error {
		got.add(&h, &op, &c)
		return ctx.Err()
	})
	switch {
	case err != nil:
		return got, err
	case !s.known:
		return got, ErrNoTotal
	case got.Coins != s.total.Coins:
		return got, s.damage(fmt.Sprintf("it holds %d coins, %d expected", got.Coins, s.total.Coins))
	case got != s.total:
		return got, s.damage(fmt.Sprintf("its %d coins are not those that were written", got.Coins))
	}
	return got, nil
}

func (s *Snapshot) damage(what string) error {
	return &store.CorruptError{Path: s.dir, What: what, Advice: "check the disk, then start with --reindex to rebuild it from the block files"}
}

// Learn gives a set that has no total one, from what its coins add up to in a
// snapshot. Only the writer may call it.
func (c *Cache) Learn(s *Snapshot, got Total) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known {
		// Since then it has been kept from an unknown start.
		c.total.Coins += got.Coins - s.total.Coins
		c.total.Sum += got.Sum - s.total.Sum
		c.known = true
	}
}
