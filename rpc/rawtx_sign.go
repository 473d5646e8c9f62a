package rpc

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"starling/address"
	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/sign"
	"starling/wire"
)

func (a *txAPI) signMethods() []*Method {
	const category = "Rawtransactions"
	return []*Method{
		define(Method{Name: "signrawtransactionwithkey", Category: category,
			Summary: "Signs the inputs of a transaction with private keys. What the inputs spend is looked up, and may be\n" +
				"given where the node does not know it, with scripts that hashes stand for.",
			Examples: [][]any{{"0200000001…", []string{"private key"}}}}, a.signRawTransactionWithKey),
		define(Method{Name: "combinerawtransaction", Category: category,
			Summary:  "Puts the signatures together that several copies of one transaction have.",
			Returns:  "The transaction in hexadecimal digits",
			Examples: [][]any{{[]string{"0200000001…", "0200000001…"}}}}, a.combineRawTransaction),
	}
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

// parseHashType reads the name of a hash type; nil if there is none.
func parseHashType(name *string) (*uint32, error) {
	if name == nil {
		return nil, nil
	}
	t, ok := hashTypeNames[*name]
	if !ok {
		return nil, Errorf(CodeInvalidParam, "'%s' is not a valid sighash parameter.", *name)
	}
	return &t, nil
}

// hashTypeName returns the name of a hash type, or "".
func hashTypeName(t uint32) string {
	for name, v := range hashTypeNames {
		if v == t {
			return name
		}
	}
	return ""
}

// prevTx is an output that the caller knows, with scripts behind its hashes.
type prevTx struct {
	TxID    wire.Hash `rpc:"txid" help:"The transaction that made it"`
	Vout    int64     `rpc:"vout" help:"Its place there"`
	Script  HexArg    `rpc:"scriptPubKey" help:"Its script"`
	Redeem  *HexArg   `rpc:"redeemScript" help:"What its script hash stands for"`
	Witness *HexArg   `rpc:"witnessScript" help:"What its witness script hash stands for"`
	Amount  *money    `rpc:"amount" help:"Its amount, which signatures in witnesses cover"`
}

// open lets entries of listunspent be given as they are.
func (*prevTx) open() {}

// signable is what is known of the outputs that a transaction spends.
type signable struct {
	outputs map[wire.OutPoint]wire.TxOut
	noValue map[wire.OutPoint]bool // of which only the script is known
	known   descriptor.Known
}

// newSignable looks up what a transaction spends, and adds what the caller knows.
// With keys set, scripts behind hashes must be given where they are needed.
func newSignable(f *Finder, tx *wire.Tx, prevs []prevTx, keys bool) (*signable, error) {
	s := &signable{outputs: make(map[wire.OutPoint]wire.TxOut), noValue: make(map[wire.OutPoint]bool)}
	for i := range tx.In {
		op := tx.In[i].PrevOut
		out, ok, err := f.Output(op)
		if err != nil {
			return nil, err
		}
		if ok {
			s.outputs[op] = out
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
func (s *signable) add(p *prevTx, keys bool) error {
	if p.Vout < 0 {
		return Errorf(CodeDeserialization, "vout cannot be negative")
	}
	op := wire.OutPoint{Hash: p.TxID, Index: uint32(p.Vout)}
	if have, ok := s.outputs[op]; ok && !bytes.Equal(have.Script, p.Script) {
		return Errorf(CodeDeserialization, "Previous output scriptPubKey mismatch:\n%s\nvs:\n%s", script.Asm(have.Script), script.Asm(p.Script))
	}
	out := wire.TxOut{Script: append([]byte{}, p.Script...)}
	s.noValue[op] = p.Amount == nil
	if p.Amount != nil {
		out.Value = int64(*p.Amount)
	}
	s.outputs[op] = out
	if keys {
		return s.addScripts(p)
	}
	return nil
}

// addScripts adds what the hashes in an output's script stand for.
func (s *signable) addScripts(p *prevTx) error {
	class, parts := script.Classify(p.Script)
	hashed := class == script.ScriptHash
	if !hashed && class != script.WitnessV0ScriptHash {
		return nil
	}
	if p.Redeem == nil && p.Witness == nil {
		return Errorf(CodeInvalidParam, "Missing redeemScript/witnessScript")
	}
	inner := p.Witness
	if inner == nil {
		inner = p.Redeem
	}
	s.known.AddScript(*inner)
	program := script.PayToWitness(0, sha(*inner))
	s.known.AddScript(program)
	if p.Redeem != nil && p.Witness != nil {
		// Given both, one must be the other's witness program, or the same.
		if !bytes.Equal(*p.Redeem, *p.Witness) && !bytes.Equal(*p.Redeem, program) {
			return Errorf(CodeInvalidParam, "redeemScript does not correspond to witnessScript")
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
		return Errorf(CodeInvalidParam, "redeemScript/witnessScript does not match scriptPubKey")
	}
	return nil
}

// job prepares the signing of a transaction; solve says what is known of an
// output by its script.
func (s *signable) job(tx *wire.Tx, keys sign.Keys, hashType *uint32, solve func([]byte) descriptor.Output) *sign.Job {
	j := &sign.Job{Tx: tx, Keys: keys, HashType: hashType,
		Outputs: make([]descriptor.Output, len(tx.In)), Values: make([]int64, len(tx.In))}
	for i := range tx.In {
		if out, ok := s.outputs[tx.In[i].PrevOut]; ok {
			j.Outputs[i], j.Values[i] = solve(out.Script), out.Value
		}
	}
	return j
}

type signError struct {
	TxID      wire.Hash `json:"txid" help:"the transaction whose output the input spends"`
	Vout      uint32    `json:"vout" help:"the place of that output"`
	Witness   []Hex     `json:"witness"`
	ScriptSig Hex       `json:"scriptSig"`
	Sequence  uint32    `json:"sequence"`
	Error     string    `json:"error" help:"why the input is not complete"`
}

// signedTx is a transaction after signing.
type signedTx struct {
	Hex      Hex         `json:"hex" help:"the transaction"`
	Complete bool        `json:"complete" help:"whether all inputs are signed"`
	Errors   []signError `json:"errors,omitempty" help:"the inputs that are not"`
}

// run signs and describes the result.
func (s *signable) run(j *sign.Job) signedTx {
	tx, errs := j.Run()
	r := signedTx{Hex: tx.Bytes(), Complete: len(errs) == 0}
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
		d := signError{TxID: in.PrevOut.Hash, Vout: in.PrevOut.Index, Witness: []Hex{}, ScriptSig: append(Hex{}, in.Script...),
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

type signKeyParams struct {
	Hex      string   `rpc:"hexstring" help:"The transaction in hexadecimal digits"`
	Keys     []string `rpc:"privkeys" item:"privatekey" help:"Private keys in wallet import format"`
	PrevTxs  []prevTx `rpc:"prevtxs,optional" item:"output" help:"Outputs that the inputs spend"`
	HashType *string  `rpc:"sighashtype" help:"What signatures cover: DEFAULT, ALL, NONE or SINGLE, perhaps with |ANYONECANPAY; DEFAULT for taproot and ALL otherwise if left out"`
}

func (a *txAPI) signRawTransactionWithKey(_ context.Context, p signKeyParams) (r signedTx, err error) {
	tx, ok := decodeTx(p.Hex)
	if !ok {
		return r, Errorf(CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.")
	}
	ring, known := new(sign.Ring), descriptor.Known{}
	for _, text := range p.Keys {
		key, _, err := a.parsePrivateKey(text)
		if err != nil {
			return r, err
		}
		ring.Add(key)
		known.AddPrivate(key)
		// A witness program behind a script hash follows from the key.
		pub := address.Hash160(key.PubKey().SerializeCompressed())
		known.AddScript(script.PayToWitness(0, pub[:]))
	}
	s, err := newSignable(a.Txs, tx, p.PrevTxs, true)
	if err != nil {
		return r, err
	}
	hashType, err := parseHashType(p.HashType)
	if err != nil {
		return r, err
	}
	known.Add(&s.known)
	return s.run(s.job(tx, ring, hashType, known.Solve)), nil
}

type combineTxParams struct {
	Txs []string `rpc:"txs" item:"hexstring" help:"Copies of one transaction in hexadecimal digits"`
}

func (a *txAPI) combineRawTransaction(_ context.Context, p combineTxParams) (Hex, error) {
	if len(p.Txs) == 0 {
		return nil, Errorf(CodeInvalidParam, "Missing transactions")
	}
	txs := make([]*wire.Tx, len(p.Txs))
	for i, text := range p.Txs {
		tx, ok := decodeTx(text)
		if !ok {
			return nil, Errorf(CodeDeserialization, "TX decode failed for tx %d. Make sure the tx has at least one input.", i)
		}
		txs[i] = tx
	}
	first := txs[0]
	spent := make([]wire.TxOut, len(first.In))
	for i := range first.In {
		out, ok, err := a.Txs.Output(first.In[i].PrevOut)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, Errorf(CodeVerify, "Input not found or already spent")
		}
		spent[i] = out
	}
	ins := append([]wire.TxIn(nil), first.In...)
	outputs, have := make([]descriptor.Output, len(ins)), make([]sign.Signatures, len(ins))
	for i := range outputs {
		outputs[i].Script = spent[i].Script
	}
	for _, tx := range txs {
		if len(tx.In) != len(ins) {
			continue
		}
		signer := sign.New(tx, spent, sign.Options{})
		for i := range ins {
			if tx.In[i].PrevOut == ins[i].PrevOut {
				found := signer.Recover(i, &outputs[i])
				have[i].Merge(&found)
			}
		}
	}
	signer := sign.New(first, spent, sign.Options{})
	for i := range ins {
		if sigScript, witness, _ := signer.Finish(&outputs[i], &have[i]); sigScript != nil || witness != nil {
			ins[i].Script, ins[i].Witness = sigScript, wire.NewWitness(witness...)
		}
	}
	return wire.NewTx(first.Version, ins, first.Out, first.LockTime).Bytes(), nil
}

// multisigParams are those of createmultisig.
type multisigParams struct {
	Need int64    `rpc:"nrequired" help:"How many signatures are needed"`
	Keys []string `rpc:"keys" item:"key" help:"Public keys in hexadecimal digits"`
	Type string   `rpc:"address_type" default:"\"legacy\"" help:"legacy, p2sh-segwit or bech32"`
}

type multisig struct {
	Address    string   `json:"address"`
	Redeem     Hex      `json:"redeemScript" help:"the script that must be known to spend from it"`
	Descriptor string   `json:"descriptor"`
	Warnings   []string `json:"warnings,omitempty"`
}

func (a *txAPI) multisigMethods() []*Method {
	return []*Method{
		define(Method{Name: "createmultisig", Category: "Util",
			Summary:  "Makes an address that asks for several signatures, and the script behind it.",
			Examples: [][]any{{2, []string{"03789ed0bb717d88f7d321a368d905e7430207ebbd82bd342cf11ae157a7ace5fd", "03dbc6764b8884a92e871274b87583e6d5c2a58819473e17e107ef3f6aa5a61626"}}}}, a.createMultisig),
	}
}

func (a *txAPI) createMultisig(_ context.Context, p multisigParams) (r multisig, err error) {
	compressed := true
	for _, k := range p.Keys {
		b, err := hex.DecodeString(k)
		switch {
		case err != nil:
			return r, Errorf(CodeInvalidAddress, "Pubkey \"%s\" must be a hex string", k)
		case len(b) != 33 && len(b) != 65:
			return r, Errorf(CodeInvalidAddress, "Pubkey \"%s\" must have a length of either 33 or 65 bytes", k)
		}
		if _, err := descriptor.Parse("pk("+k+")", a.network()); err != nil {
			return r, Errorf(CodeInvalidAddress, "Pubkey \"%s\" must be cryptographically valid.", k)
		}
		compressed = compressed && len(b) == 33
	}
	const most = 20
	n := int64(len(p.Keys))
	switch {
	case p.Need < 1:
		return r, Errorf(CodeInvalidParam, "a multisignature address must require at least one key to redeem")
	case n < p.Need:
		return r, Errorf(CodeInvalidParam, "not enough keys supplied (got %d keys, but need at least %d to redeem)", n, p.Need)
	case n > most:
		return r, Errorf(CodeInvalidParam, "Number of keys involved in the multisignature address creation > %d\nReduce the number", most)
	}
	number, err := json.Marshal(p.Need)
	if err != nil {
		return r, err
	}
	body := "multi(" + string(number) + "," + strings.Join(p.Keys, ",") + ")"
	form := "sh(" + body + ")"
	switch p.Type {
	case descriptor.TypeLegacy:
	case descriptor.TypeP2SHSegwit:
		form = "sh(wsh(" + body + "))"
	case descriptor.TypeBech32:
		form = "wsh(" + body + ")"
	case descriptor.TypeBech32m:
		return r, Errorf(CodeInvalidAddress, "createmultisig cannot create bech32m multisig addresses")
	default:
		return r, Errorf(CodeInvalidAddress, "Unknown address type '%s'", p.Type)
	}
	if !compressed && p.Type != descriptor.TypeLegacy {
		form = "sh(" + body + ")"
		r.Warnings = []string{"Unable to make chosen address type, please ensure no uncompressed public keys are present."}
	}
	d, err := descriptor.ParseOne(form, a.network())
	if err != nil {
		return r, Errorf(CodeInvalidParam, "%v", multisigError(err))
	}
	outs, err := d.Expand(0)
	if err != nil {
		return r, err
	}
	o := &outs[0]
	addr, _ := address.FromScript(o.Script, a.network())
	r.Address, r.Descriptor, r.Redeem = addr.String(), d.String(), o.Leaf()
	return r, nil
}

// multisigError puts the one thing that can still be wrong into Core's words
// for it.
func multisigError(err error) string {
	s := err.Error()
	if size, ok := strings.CutPrefix(s, "P2SH script is too large, "); ok {
		if n, _, ok := strings.Cut(size, " "); ok {
			return "redeemScript exceeds size limit: " + n + " > 520"
		}
	}
	return s
}
