package signing

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math"

	"starling/address"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/rpc/txfind"
	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/sign"
	"starling/wire"
)

// sha returns the SHA-256 of b.
func sha(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}

// hashTypeNames are the hash types by Core's names.
var hashTypeNames = map[string]uint32{
	"DEFAULT":             script.SigHashDefault,
	"ALL":                 script.SigHashAll,
	"ALL|ANYONECANPAY":    script.SigHashAll | script.SigHashAnyOneCanPay,
	"NONE":                script.SigHashNone,
	"NONE|ANYONECANPAY":   script.SigHashNone | script.SigHashAnyOneCanPay,
	"SINGLE":              script.SigHashSingle,
	"SINGLE|ANYONECANPAY": script.SigHashSingle | script.SigHashAnyOneCanPay,
}

// ParseHashType reads the name of a hash type; nil if there is none.
func ParseHashType(name *string) (*uint32, error) {
	if name == nil {
		return nil, nil
	}
	t, ok := hashTypeNames[*name]
	if !ok {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "'%s' is not a valid sighash parameter.", *name)
	}
	return &t, nil
}

// HashTypeName returns the name of a hash type, or "".
func HashTypeName(t uint32) string {
	for name, v := range hashTypeNames {
		if v == t {
			return name
		}
	}
	return ""
}

// PrevTx is an output that the caller knows, with scripts behind its hashes.
type PrevTx struct {
	TxID    wire.Hash       `rpc:"txid" help:"The transaction that made it"`
	Vout    int64           `rpc:"vout" help:"Its place there"`
	Script  jsonrpc.HexArg  `rpc:"scriptPubKey" help:"Its script"`
	Redeem  *jsonrpc.HexArg `rpc:"redeemScript" help:"What its script hash stands for"`
	Witness *jsonrpc.HexArg `rpc:"witnessScript" help:"What its witness script hash stands for"`
	Amount  *rpcargs.Money  `rpc:"amount" help:"Its amount, which signatures in witnesses cover"`
}

// Open lets entries of listunspent be given as they are.
func (*PrevTx) Open() {}

// Signable is what is known of the outputs that a transaction spends.
type Signable struct {
	Outputs map[wire.OutPoint]wire.TxOut // those that are known
	noValue map[wire.OutPoint]bool       // of which only the script is known
	Known   descriptor.Known             // what their scripts stand for
}

// NewSignable looks up what a transaction spends, and adds what the caller knows.
// With keys set, scripts behind hashes must be given where they are needed.
func NewSignable(f *txfind.Finder, tx *wire.Tx, prevs []PrevTx, keys bool) (*Signable, error) {
	s := &Signable{Outputs: make(map[wire.OutPoint]wire.TxOut), noValue: make(map[wire.OutPoint]bool)}
	for i := range tx.In {
		op := tx.In[i].PrevOut
		out, ok, err := f.Output(op)
		if err != nil {
			return nil, err
		}
		if ok {
			s.Outputs[op] = out
		}
	}
	for i := range prevs {
		if err := s.add(&prevs[i], keys); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add adds what a caller knows of an output.
func (s *Signable) add(p *PrevTx, keys bool) error {
	if p.Vout < 0 {
		return jsonrpc.Errorf(jsonrpc.CodeDeserialization, "vout cannot be negative")
	}
	if p.Vout > math.MaxUint32 {
		return jsonrpc.Errorf(jsonrpc.CodeDeserialization, "vout is out of range: no transaction has so many outputs")
	}
	op := wire.OutPoint{Hash: p.TxID, Index: uint32(p.Vout)}
	if have, ok := s.Outputs[op]; ok && !bytes.Equal(have.Script, p.Script) {
		return jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Previous output scriptPubKey mismatch:\n%s\nvs:\n%s", script.Asm(have.Script), script.Asm(p.Script))
	}
	out := wire.TxOut{Script: append([]byte{}, p.Script...)}
	s.noValue[op] = p.Amount == nil
	if p.Amount != nil {
		out.Value = int64(*p.Amount)
	}
	s.Outputs[op] = out
	if keys {
		return s.addScripts(p)
	}
	return nil
}

// addScripts adds what the hashes in an output's script stand for.
func (s *Signable) addScripts(p *PrevTx) error {
	class, parts := script.Classify(p.Script)
	hashed := class == script.ScriptHash
	if !hashed && class != script.WitnessV0ScriptHash {
		return nil
	}
	if p.Redeem == nil && p.Witness == nil {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Missing redeemScript/witnessScript")
	}
	inner := p.Witness
	if inner == nil {
		inner = p.Redeem
	}
	s.Known.AddScript(*inner)
	program := script.PayToWitness(0, sha(*inner))
	s.Known.AddScript(program)
	if p.Redeem != nil && p.Witness != nil {
		// Given both, one must be the other's witness program, or the same.
		if !bytes.Equal(*p.Redeem, *p.Witness) && !bytes.Equal(*p.Redeem, program) {
			return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "redeemScript does not correspond to witnessScript")
		}
	}
	var matches bool
	if hashed {
		direct, nested := address.Hash160(*inner), address.Hash160(program)
		matches = bytes.Equal(direct[:], parts[0]) || bytes.Equal(nested[:], parts[0])
	} else {
		matches = bytes.Equal(sha(*inner), parts[0])
	}
	if !matches {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "redeemScript/witnessScript does not match scriptPubKey")
	}
	return nil
}

// Job prepares the signing of a transaction; solve says what is known of an
// output by its script.
func (s *Signable) Job(tx *wire.Tx, keys sign.Keys, hashType *uint32, solve func([]byte) descriptor.Output) *sign.Job {
	j := &sign.Job{Tx: tx, Keys: keys, HashType: hashType,
		Outputs: make([]descriptor.Output, len(tx.In)), Values: make([]int64, len(tx.In))}
	for i := range tx.In {
		if out, ok := s.Outputs[tx.In[i].PrevOut]; ok {
			j.Outputs[i], j.Values[i] = solve(out.Script), out.Value
		}
	}
	return j
}

// Run signs and describes the result.
func (s *Signable) Run(j *sign.Job) rpctypes.SignedTx {
	tx, errs := j.Run()
	r := rpctypes.SignedTx{Hex: tx.Bytes(), Complete: len(errs) == 0}
	missing := make(map[int]bool) // inputs whose witness covers an amount that nobody told
	for i := range tx.In {
		if s.noValue[tx.In[i].PrevOut] && tx.In[i].Witness.Len() > 0 {
			missing[i] = true
			//lint:ignore ST1005 the words are Core's
			errs = append(errs, &sign.InputError{Input: i, Err: errors.New("Missing amount")})
			r.Complete = false
		}
	}
	for _, e := range errs {
		if missing[e.Input] && e.Err.Error() != "Missing amount" {
			continue
		}
		in := &tx.In[e.Input]
		d := rpctypes.SignError{TxID: in.PrevOut.Hash, Vout: in.PrevOut.Index, Witness: []jsonrpc.Hex{}, ScriptSig: append(jsonrpc.Hex{}, in.Script...),
			Sequence: in.Sequence, Error: signReason(e)}
		for it := range in.Witness.Items() {
			d.Witness = append(d.Witness, it)
		}
		r.Errors = append(r.Errors, d)
	}
	return r
}

// signReason puts the reason why an input is not complete into Core's words.
func signReason(e *sign.InputError) string {
	var s *script.Error
	if errors.As(e.Err, &s) {
		switch s.Code {
		case script.ErrInvalidStackOperation:
			return "Unable to sign input, invalid stack size (possibly missing key)"
		case script.ErrNullFail:
			return "CHECK(MULTI)SIG failing with non-zero signature (possibly need more signatures)"
		}
		return s.Reason()
	}
	if e.Err == nil {
		return "Unable to sign input"
	}
	return e.Err.Error()
}
