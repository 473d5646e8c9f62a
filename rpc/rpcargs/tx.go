package rpcargs

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"

	"starling/rpc/jsonrpc"
	"starling/script"
	"starling/wallet/partial"
	"starling/wire"
)

// ValidOps reports whether a script consists of operations that exist, and of
// data that is neither cut off nor longer than a stack item may be.
func ValidOps(s []byte) bool {
	_, ok := Ops(s)
	return ok
}

// Ops returns the operations of a script without their data, if it is one of
// [ValidOps].
func Ops(s []byte) (ops []byte, ok bool) {
	const (
		maxPush  = 520
		lastOp   = 0xb9 // OP_NOP10
		pushData = 0x4c // OP_PUSHDATA1, followed by those with lengths of 2 and 4 bytes
	)
	for len(s) > 0 {
		op := s[0]
		ops, s = append(ops, op), s[1:]
		n := 0
		switch {
		case op < pushData:
			n = int(op)
		case op <= pushData+2:
			width := 1 << (op - pushData)
			if len(s) < width {
				return nil, false
			}
			for i := width - 1; i >= 0; i-- {
				n = n<<8 | int(s[i])
			}
			s = s[width:]
		case op > lastOp:
			return nil, false
		}
		if n > maxPush || n > len(s) {
			return nil, false
		}
		s = s[n:]
	}
	return ops, true
}

// ParsePSBT reads a partially signed transaction in base64.
func ParsePSBT(s string) (*partial.Packet, error) {
	p, err := partial.ParseBase64(s)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed %v", err)
	}
	return p, nil
}

// DecodeTx reads a transaction from hexadecimal digits.
func DecodeTx(s string) (*wire.Tx, bool) { return DecodeTxAs(s, nil) }

// DecodeTxAs reads a transaction that is said to have a witness or not; nil if
// nobody says. One without inputs can only be told from one with a witness by
// what parses, and by whether the scripts that come out make sense.
func DecodeTxAs(s string, witness *bool) (*wire.Tx, bool) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, false
	}
	var found []*wire.Tx
	if witness == nil || *witness {
		if tx, err := wire.ParseTx(b); err == nil {
			found = append(found, tx)
		}
	}
	if witness == nil || !*witness {
		if tx, err := wire.ParseBaseTx(b); err == nil {
			found = append(found, tx)
		}
	}
	for _, tx := range found {
		if saneScripts(tx) {
			return tx, true
		}
	}
	if len(found) > 0 {
		return found[0], true
	}
	return nil, false
}

// saneScripts reports whether all scripts of a transaction parse.
func saneScripts(tx *wire.Tx) bool {
	for i := range tx.In {
		if !tx.IsCoinbase() && !saneScript(tx.In[i].Script) {
			return false
		}
	}
	for i := range tx.Out {
		if !saneScript(tx.Out[i].Script) {
			return false
		}
	}
	return true
}

func saneScript(s []byte) bool { return len(s) <= script.MaxScriptSize && ValidOps(s) }

// TxInput is an input of a transaction to be made.
type TxInput struct {
	OutPoint wire.OutPoint
	Sequence *int64
	Weight   *int64 // what the signed input weighs at most, if nobody can know
	Weighed  bool   // there is a weight, perhaps one that is no number
}

// ArgType implements [jsonrpc.Argument].
func (*TxInput) ArgType() jsonrpc.Type { return jsonrpc.TypeObject }

// ArgWord implements [jsonrpc.Argument].
func (*TxInput) ArgWord() string { return "json object" }

// DecodeArg implements [jsonrpc.Argument].
func (in *TxInput) DecodeArg(_ string, raw json.RawMessage) error {
	ms, err := jsonrpc.DecodeObject(raw)
	if err != nil {
		return err
	}
	if in.OutPoint, err = OutPointOf(ms); err != nil {
		return err
	}
	if in.Sequence, err = OptionalInt(ms, "sequence"); err != nil {
		return err
	}
	if s := in.Sequence; s != nil && (*s < 0 || *s > wire.SequenceFinal) {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, sequence number is out of range")
	}
	in.Weighed = jsonrpc.Get(ms, "weight") != nil
	in.Weight, err = OptionalInt(ms, "weight")
	return err
}

// OutPointOf reads the output that an object names. What else it says does not
// matter, so that what lists of coins hold can be given as it is.
func OutPointOf(ms []jsonrpc.RawMember) (op wire.OutPoint, err error) {
	id := jsonrpc.Get(ms, "txid")
	if jsonrpc.TypeOf(id) != jsonrpc.TypeString {
		return op, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, missing txid key")
	}
	var text string
	if err := json.Unmarshal(id, &text); err != nil {
		return op, err
	}
	if op.Hash, err = jsonrpc.ParseHash("txid", text); err != nil {
		return op, err
	}
	vout := jsonrpc.Get(ms, "vout")
	if jsonrpc.TypeOf(vout) != jsonrpc.TypeNumber {
		return op, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, missing vout key")
	}
	n, err := strconv.ParseInt(string(vout), 10, 64)
	switch {
	case err != nil || n > math.MaxUint32:
		return op, jsonrpc.Errorf(jsonrpc.CodeMisc, "JSON integer out of range")
	case n < 0:
		return op, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, vout cannot be negative")
	}
	op.Index = uint32(n)
	return op, nil
}

// OptionalInt reads a member that is a whole number.
func OptionalInt(ms []jsonrpc.RawMember, name string) (*int64, error) {
	raw := jsonrpc.Get(ms, name)
	if jsonrpc.TypeOf(raw) != jsonrpc.TypeNumber {
		return nil, nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "JSON integer out of range")
	}
	return &n, nil
}

// OutPoint is an output as parameters name it.
type OutPoint struct {
	TxID wire.Hash `rpc:"txid" help:"The transaction's id"`
	Vout int64     `rpc:"vout" help:"The output's place"`
}

// Open lets entries of listunspent be given as they are.
func (*OutPoint) Open() {}

// Point returns the output as the rest of the node names it.
func (o *OutPoint) Point() (wire.OutPoint, error) {
	if o.Vout < 0 {
		return wire.OutPoint{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, vout cannot be negative")
	}
	return wire.OutPoint{Hash: o.TxID, Index: uint32(min(o.Vout, 1<<32-1))}, nil
}
