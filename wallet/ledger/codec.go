package ledger

import (
	"encoding/binary"

	"starling/wire"
)

// MaxText bounds what a label or a comment may take.
const MaxText = 4096

const recordVersion = 1

// Append appends the record as the file of a wallet holds it.
func (r *Record) Append(dst []byte) []byte {
	dst = append(dst, recordVersion, byte(r.Status))
	dst = binary.LittleEndian.AppendUint64(dst, r.Order)
	dst = append(dst, r.Block[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(r.Height))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(r.Index))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.BlockTime))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.Time))
	dst = append(dst, r.ReplacedBy[:]...)
	dst = append(dst, r.Replaces[:]...)
	dst = wire.AppendVarBytes(dst, []byte(r.Comment))
	dst = wire.AppendVarBytes(dst, []byte(r.To))
	return wire.AppendVarBytes(dst, r.Tx.Bytes())
}

// ParseRecord reads a transaction of the wallet. It keeps b.
func ParseRecord(b []byte) (*Record, error) {
	c := wire.NewCursor(b, "wallet transaction")
	if v := c.Uint8(); v != recordVersion {
		c.Failf("version %d", v)
	}
	r := &Record{Status: Status(c.Uint8()), Order: c.Uint64(), Block: c.Hash()}
	if r.Status > Orphaned {
		c.Failf("status %d", r.Status)
	}
	r.Height, r.Index = int32(c.Uint32()), int32(c.Uint32())
	r.BlockTime, r.Time = int64(c.Uint64()), int64(c.Uint64())
	r.ReplacedBy, r.Replaces = c.Hash(), c.Hash()
	r.Comment, r.To = string(c.VarBytes(MaxText)), string(c.VarBytes(MaxText))
	raw := c.VarBytes(wire.MaxBlockSize)
	if err := c.End(); err != nil {
		return nil, err
	}
	tx, err := wire.ParseTx(raw)
	if err != nil {
		return nil, err
	}
	r.Tx, r.ID = tx, tx.TxID()
	return r, nil
}
