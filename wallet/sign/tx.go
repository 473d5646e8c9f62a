package sign

import (
	"fmt"

	"starling/script"
	"starling/script/descriptor"
	"starling/wire"
)

// InputError says why an input is not complete.
type InputError struct {
	Input int
	Err   error // nil if only signatures are missing
}

// Error implements the error interface.
func (e *InputError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("input %d: signatures are missing", e.Input)
	}
	return fmt.Sprintf("input %d: %v", e.Input, e.Err)
}

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// Job is a transaction to sign.
type Job struct {
	Tx *wire.Tx
	// Outputs says what is known of the output that each input spends; one
	// without Script is not known at all.
	Outputs []descriptor.Output
	Values  []int64 // of these outputs, in satoshi
	Keys    Keys
	// HashType is the hash type of all signatures; nil for that of
	// [DefaultHashType].
	HashType *uint32
	Options  Options
}

// Spent returns the outputs that the inputs spend.
func (j *Job) Spent() []wire.TxOut {
	spent := make([]wire.TxOut, len(j.Outputs))
	for i := range spent {
		spent[i] = wire.TxOut{Value: j.Values[i], Script: j.Outputs[i].Script}
	}
	return spent
}

// Run signs all inputs that it can, keeping the signatures that there are, and
// checks each with the rules of relay. The transaction that it returns is
// complete if there are no errors.
func (j *Job) Run() (*wire.Tx, []*InputError) {
	spent := j.Spent()
	s := New(j.Tx, spent, j.Options)
	ins := make([]wire.TxIn, len(j.Tx.In))
	causes := make([]error, len(ins))
	for i := range ins {
		ins[i] = j.Tx.In[i]
		o := j.Outputs[i]
		if o.Script == nil {
			continue
		}
		have := s.Recover(i, &o)
		hashType := DefaultHashType(o.Script)
		if j.HashType != nil {
			hashType = *j.HashType
			if hashType == script.SigHashDefault && DefaultHashType(o.Script) != script.SigHashDefault {
				hashType = script.SigHashAll
			}
		}
		_, causes[i] = s.Sign(i, &o, j.Keys, hashType, &have)
		sigScript, witness, _ := s.Finish(&o, &have)
		if sigScript != nil || witness != nil {
			ins[i].Script, ins[i].Witness = sigScript, wire.NewWitness(witness...)
		}
	}
	tx := wire.NewTx(j.Tx.Version, ins, j.Tx.Out, j.Tx.LockTime)
	return tx, check(tx, spent, causes)
}

// check runs the scripts of all inputs.
func check(tx *wire.Tx, spent []wire.TxOut, causes []error) []*InputError {
	var errs []*InputError
	all := true
	for i := range spent {
		all = all && spent[i].Script != nil
	}
	c := script.NewVerifier(script.Options{}).Tx(tx, spent, script.StandardFlags)
	for i := range tx.In {
		switch {
		case spent[i].Script == nil:
			errs = append(errs, &InputError{i, ErrSpentUnknown})
		case !all && DefaultHashType(spent[i].Script) == script.SigHashDefault:
			errs = append(errs, &InputError{i, ErrSpentMissing})
		default:
			err := c.Input(i)
			if err == nil {
				continue
			}
			if causes[i] != nil {
				err = causes[i]
			}
			errs = append(errs, &InputError{i, err})
		}
	}
	return errs
}
