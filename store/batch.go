package store

import "github.com/cockroachdb/pebble/v2"

// Batch gathers changes that [DB.Write] applies together. Later changes win
// over earlier ones. It is for one goroutine at a time.
type Batch struct {
	b    *pebble.Batch
	note string
}

// NewBatch returns an empty batch for d.
func (d *DB) NewBatch() *Batch { return &Batch{b: d.db.NewBatch()} }

// Set gives key a value. Both are copied.
func (b *Batch) Set(key, value []byte) {
	// Of Pebble's batch operations only those on an indexed batch can fail.
	_ = b.b.Set(key, value, nil)
}

// Delete takes the value of key away, if it has one.
func (b *Batch) Delete(key []byte) { _ = b.b.Delete(key, nil) }

// DeleteRange takes the values of all keys from from (included) to to (not
// included) away, in one small record however many they are.
func (b *Batch) DeleteRange(from, to []byte) { _ = b.b.DeleteRange(from, to, nil) }

// Note says for people what the database holds after the batch; its mark keeps
// the note of the last synced write and damage is reported with it.
func (b *Batch) Note(text string) { b.note = text }

// Len returns the size of the batch in bytes, a little more than its keys and
// values together.
func (b *Batch) Len() int { return b.b.Len() }

// Reset empties the batch.
func (b *Batch) Reset() {
	b.b.Reset()
	b.note = ""
}
