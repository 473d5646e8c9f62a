package rpc

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"

	"starling/script"
	"starling/wallet/partial"
	"starling/wire"
)

// validOps reports whether a script consists of operations that exist, and of
// data that is neither cut off nor longer than a stack item may be.
func validOps(s []byte) bool {
	const (
		maxPush  = 520
		lastOp   = 0xb9 // OP_NOP10
		pushData = 0x4c // OP_PUSHDATA1, followed by those with lengths of 2 and 4 bytes
	)
	for len(s) > 0 {
		op := s[0]
		s = s[1:]
		n := 0
		switch {
		case op < pushData:
			n = int(op)
		case op <= pushData+2:
			width := 1 << (op - pushData)
			if len(s) < width {
				return false
			}
			for i := width - 1; i >= 0; i-- {
				n = n<<8 | int(s[i])
			}
			s = s[width:]
		case op > lastOp:
			return false
		}
		if n > maxPush || n > len(s) {
			return false
		}
		s = s[n:]
	}
	return true
}

// parsePSBT reads a partially signed transaction in base64.
func parsePSBT(s string) (*partial.Packet, error) {
	p, err := partial.ParseBase64(s)
	if err != nil {
		return nil, Errorf(CodeDeserialization, "TX decode failed %v", err)
	}
	return p, nil
}

// decodeTx reads a transaction from hexadecimal digits.
func decodeTx(s string) (*wire.Tx, bool) { return decodeTxAs(s, nil) }

// decodeTxAs reads a transaction that is said to have a witness or not; nil if
// nobody says. One without inputs can only be told from one with a witness by
// what parses, and by whether the scripts that come out make sense.
func decodeTxAs(s string, witness *bool) (*wire.Tx, bool) {
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

func saneScript(s []byte) bool { return len(s) <= script.MaxScriptSize && validOps(s) }

// txInput is an input of a transaction to be made.
type txInput struct {
	op       wire.OutPoint
	sequence *int64
	weight   *int64 // what the signed input weighs at most, if nobody can know
	weighed  bool   // there is a weight, perhaps one that is no number
}

func (*txInput) argType() jsonType { return typeObject }

func (*txInput) argWord() string { return "json object" }

func (in *txInput) decodeArg(_ string, raw json.RawMessage) error {
	ms, err := decodeObject(raw)
	if err != nil {
		return err
	}
	if in.op, err = outPointOf(ms); err != nil {
		return err
	}
	if in.sequence, err = optionalNumber(ms, "sequence"); err != nil {
		return err
	}
	if s := in.sequence; s != nil && (*s < 0 || *s > wire.SequenceFinal) {
		return Errorf(CodeInvalidParam, "Invalid parameter, sequence number is out of range")
	}
	in.weighed = member(ms, "weight") != nil
	in.weight, err = optionalNumber(ms, "weight")
	return err
}

// outPointOf reads the output that an object names. What else it says does not
// matter, so that what lists of coins hold can be given as it is.
func outPointOf(ms []rawMember) (op wire.OutPoint, err error) {
	id := member(ms, "txid")
	if typeOf(id) != typeString {
		return op, Errorf(CodeInvalidParam, "Invalid parameter, missing txid key")
	}
	var text string
	if err := json.Unmarshal(id, &text); err != nil {
		return op, err
	}
	if op.Hash, err = ParseHash("txid", text); err != nil {
		return op, err
	}
	vout := member(ms, "vout")
	if typeOf(vout) != typeNumber {
		return op, Errorf(CodeInvalidParam, "Invalid parameter, missing vout key")
	}
	n, err := strconv.ParseInt(string(vout), 10, 64)
	switch {
	case err != nil || n > math.MaxUint32:
		return op, Errorf(CodeMisc, "JSON integer out of range")
	case n < 0:
		return op, Errorf(CodeInvalidParam, "Invalid parameter, vout cannot be negative")
	}
	op.Index = uint32(n)
	return op, nil
}

// optionalNumber reads a member that is a whole number.
func optionalNumber(ms []rawMember, name string) (*int64, error) {
	raw := member(ms, name)
	if typeOf(raw) != typeNumber {
		return nil, nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return nil, Errorf(CodeMisc, "JSON integer out of range")
	}
	return &n, nil
}

// outPoint is an output as parameters name it.
type outPointArg struct {
	TxID wire.Hash `rpc:"txid" help:"The transaction's id"`
	Vout int64     `rpc:"vout" help:"The output's place"`
}

// open lets entries of listunspent be given as they are.
func (*outPointArg) open() {}

func (o *outPointArg) point() (wire.OutPoint, error) {
	if o.Vout < 0 {
		return wire.OutPoint{}, Errorf(CodeInvalidParam, "Invalid parameter, vout cannot be negative")
	}
	return wire.OutPoint{Hash: o.TxID, Index: uint32(min(o.Vout, 1<<32-1))}, nil
}
