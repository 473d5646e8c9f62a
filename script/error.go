package script

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/txscript/v2"
)

// Code names the rule that a script broke, by the name that Bitcoin Core and
// the reference vectors use for it, without the prefix SCRIPT_ERR_.
type Code string

// The codes. Where Core's interpreter and ours stop at different steps of the
// same failure, ours may carry a neighbouring code; never is one of them a
// success and the other a failure.
const (
	ErrUnknown                  Code = "UNKNOWN_ERROR"
	ErrScriptNum                Code = "SCRIPTNUM"
	ErrEvalFalse                Code = "EVAL_FALSE"
	ErrOpReturn                 Code = "OP_RETURN"
	ErrScriptSize               Code = "SCRIPT_SIZE"
	ErrPushSize                 Code = "PUSH_SIZE"
	ErrOpCount                  Code = "OP_COUNT"
	ErrStackSize                Code = "STACK_SIZE"
	ErrSigCount                 Code = "SIG_COUNT"
	ErrPubKeyCount              Code = "PUBKEY_COUNT"
	ErrVerify                   Code = "VERIFY"
	ErrEqualVerify              Code = "EQUALVERIFY"
	ErrCheckMultiSigVerify      Code = "CHECKMULTISIGVERIFY"
	ErrCheckSigVerify           Code = "CHECKSIGVERIFY"
	ErrNumEqualVerify           Code = "NUMEQUALVERIFY"
	ErrBadOpcode                Code = "BAD_OPCODE"
	ErrDisabledOpcode           Code = "DISABLED_OPCODE"
	ErrInvalidStackOperation    Code = "INVALID_STACK_OPERATION"
	ErrUnbalancedConditional    Code = "UNBALANCED_CONDITIONAL"
	ErrNegativeLockTime         Code = "NEGATIVE_LOCKTIME"
	ErrUnsatisfiedLockTime      Code = "UNSATISFIED_LOCKTIME"
	ErrSigHashType              Code = "SIG_HASHTYPE"
	ErrSigDER                   Code = "SIG_DER"
	ErrMinimalData              Code = "MINIMALDATA"
	ErrSigPushOnly              Code = "SIG_PUSHONLY"
	ErrSigHighS                 Code = "SIG_HIGH_S"
	ErrSigNullDummy             Code = "SIG_NULLDUMMY"
	ErrPubKeyType               Code = "PUBKEYTYPE"
	ErrCleanStack               Code = "CLEANSTACK"
	ErrMinimalIf                Code = "MINIMALIF"
	ErrNullFail                 Code = "NULLFAIL"
	ErrDiscourageNops           Code = "DISCOURAGE_UPGRADABLE_NOPS"
	ErrDiscourageWitnessProgram Code = "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM"
	ErrDiscourageTaproot        Code = "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION"
	ErrDiscourageOpSuccess      Code = "DISCOURAGE_OP_SUCCESS"
	ErrDiscouragePubKeyType     Code = "DISCOURAGE_UPGRADABLE_PUBKEYTYPE"
	ErrWitnessWrongLength       Code = "WITNESS_PROGRAM_WRONG_LENGTH"
	ErrWitnessEmpty             Code = "WITNESS_PROGRAM_WITNESS_EMPTY"
	ErrWitnessMismatch          Code = "WITNESS_PROGRAM_MISMATCH"
	ErrWitnessMalleated         Code = "WITNESS_MALLEATED"
	ErrWitnessMalleatedP2SH     Code = "WITNESS_MALLEATED_P2SH"
	ErrWitnessUnexpected        Code = "WITNESS_UNEXPECTED"
	ErrWitnessPubKeyType        Code = "WITNESS_PUBKEYTYPE"
	ErrSchnorrSigSize           Code = "SCHNORR_SIG_SIZE"
	ErrSchnorrSigHashType       Code = "SCHNORR_SIG_HASHTYPE"
	ErrSchnorrSig               Code = "SCHNORR_SIG"
	ErrTaprootControlSize       Code = "TAPROOT_WRONG_CONTROL_SIZE"
	ErrTapscriptWeight          Code = "TAPSCRIPT_VALIDATION_WEIGHT"
	ErrTapscriptMultiSig        Code = "TAPSCRIPT_CHECKMULTISIG"
	ErrTapscriptEmptyPubKey     Code = "TAPSCRIPT_EMPTY_PUBKEY"
	ErrOpCodeSeparator          Code = "OP_CODESEPARATOR"
	ErrSigFindAndDelete         Code = "SIG_FINDANDDELETE"
)

// reasons holds what Core tells people about each code.
var reasons = map[Code]string{
	ErrScriptNum:                "Script number overflowed or is non-minimally encoded",
	ErrEvalFalse:                "Script evaluated without error but finished with a false/empty top stack element",
	ErrOpReturn:                 "OP_RETURN was encountered",
	ErrScriptSize:               "Script is too big",
	ErrPushSize:                 "Push value size limit exceeded",
	ErrOpCount:                  "Operation limit exceeded",
	ErrStackSize:                "Stack size limit exceeded",
	ErrSigCount:                 "Signature count negative or greater than pubkey count",
	ErrPubKeyCount:              "Pubkey count negative or limit exceeded",
	ErrVerify:                   "Script failed an OP_VERIFY operation",
	ErrEqualVerify:              "Script failed an OP_EQUALVERIFY operation",
	ErrCheckMultiSigVerify:      "Script failed an OP_CHECKMULTISIGVERIFY operation",
	ErrCheckSigVerify:           "Script failed an OP_CHECKSIGVERIFY operation",
	ErrNumEqualVerify:           "Script failed an OP_NUMEQUALVERIFY operation",
	ErrBadOpcode:                "Opcode missing or not understood",
	ErrDisabledOpcode:           "Attempted to use a disabled opcode",
	ErrInvalidStackOperation:    "Operation not valid with the current stack size",
	ErrUnbalancedConditional:    "Invalid OP_IF construction",
	ErrNegativeLockTime:         "Negative locktime",
	ErrUnsatisfiedLockTime:      "Locktime requirement not satisfied",
	ErrSigHashType:              "Signature hash type missing or not understood",
	ErrSigDER:                   "Non-canonical DER signature",
	ErrMinimalData:              "Data push larger than necessary",
	ErrSigPushOnly:              "Only push operators allowed in signatures",
	ErrSigHighS:                 "Non-canonical signature: S value is unnecessarily high",
	ErrSigNullDummy:             "Dummy CHECKMULTISIG argument must be zero",
	ErrPubKeyType:               "Public key is neither compressed or uncompressed",
	ErrCleanStack:               "Stack size must be exactly one after execution",
	ErrMinimalIf:                "OP_IF/NOTIF argument must be minimal",
	ErrNullFail:                 "Signature must be zero for failed CHECK(MULTI)SIG operation",
	ErrDiscourageNops:           "NOPx reserved for soft-fork upgrades",
	ErrDiscourageWitnessProgram: "Witness version reserved for soft-fork upgrades",
	ErrDiscourageTaproot:        "Taproot version reserved for soft-fork upgrades",
	ErrDiscourageOpSuccess:      "OP_SUCCESSx reserved for soft-fork upgrades",
	ErrDiscouragePubKeyType:     "Public key version reserved for soft-fork upgrades",
	ErrWitnessWrongLength:       "Witness program has incorrect length",
	ErrWitnessEmpty:             "Witness program was passed an empty witness",
	ErrWitnessMismatch:          "Witness program hash mismatch",
	ErrWitnessMalleated:         "Witness requires empty scriptSig",
	ErrWitnessMalleatedP2SH:     "Witness requires only-redeemscript scriptSig",
	ErrWitnessUnexpected:        "Witness provided for non-witness script",
	ErrWitnessPubKeyType:        "Using non-compressed keys in segwit",
	ErrSchnorrSigSize:           "Invalid Schnorr signature size",
	ErrSchnorrSigHashType:       "Invalid Schnorr signature hash type",
	ErrSchnorrSig:               "Invalid Schnorr signature",
	ErrTaprootControlSize:       "Invalid Taproot control block size",
	ErrTapscriptWeight:          "Too much signature validation relative to witness weight",
	ErrTapscriptMultiSig:        "OP_CHECKMULTISIG(VERIFY) is not available in tapscript",
	ErrTapscriptEmptyPubKey:     "Empty public key in tapscript",
	ErrOpCodeSeparator:          "Using OP_CODESEPARATOR in non-witness script",
	ErrSigFindAndDelete:         "Signature is found in scriptCode",
}

// Error says why an input may not spend the output it names. Every error of
// [TxCheck.Input] is one; errors.Is matches another *Error with the same Code.
type Error struct {
	Code   Code
	Input  int    // which input of the transaction
	Detail string // what the interpreter saw, if it said more than the code
}

// Reason returns Core's sentence for the code.
func (e *Error) Reason() string {
	if r, ok := reasons[e.Code]; ok {
		return r
	}
	return "unknown error"
}

// Error implements the error interface.
func (e *Error) Error() string {
	s := fmt.Sprintf("input %d: %s", e.Input, e.Reason())
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Is reports whether target is an *Error with the same Code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// codes translates what the interpreter reports.
var codes = map[txscript.ErrorCode]Code{
	txscript.ErrEarlyReturn:                         ErrOpReturn,
	txscript.ErrEmptyStack:                          ErrEvalFalse,
	txscript.ErrEvalFalse:                           ErrEvalFalse,
	txscript.ErrScriptTooBig:                        ErrScriptSize,
	txscript.ErrElementTooBig:                       ErrPushSize,
	txscript.ErrTooManyOperations:                   ErrOpCount,
	txscript.ErrStackOverflow:                       ErrStackSize,
	txscript.ErrInvalidPubKeyCount:                  ErrPubKeyCount,
	txscript.ErrInvalidSignatureCount:               ErrSigCount,
	txscript.ErrNumberTooBig:                        ErrScriptNum,
	txscript.ErrVerify:                              ErrVerify,
	txscript.ErrEqualVerify:                         ErrEqualVerify,
	txscript.ErrNumEqualVerify:                      ErrNumEqualVerify,
	txscript.ErrCheckSigVerify:                      ErrCheckSigVerify,
	txscript.ErrCheckMultiSigVerify:                 ErrCheckMultiSigVerify,
	txscript.ErrDisabledOpcode:                      ErrDisabledOpcode,
	txscript.ErrReservedOpcode:                      ErrBadOpcode,
	txscript.ErrMalformedPush:                       ErrBadOpcode,
	txscript.ErrInvalidStackOperation:               ErrInvalidStackOperation,
	txscript.ErrUnbalancedConditional:               ErrUnbalancedConditional,
	txscript.ErrMinimalData:                         ErrMinimalData,
	txscript.ErrInvalidSigHashType:                  ErrSigHashType,
	txscript.ErrSigTooShort:                         ErrSigDER,
	txscript.ErrSigTooLong:                          ErrSigDER,
	txscript.ErrSigInvalidSeqID:                     ErrSigDER,
	txscript.ErrSigInvalidDataLen:                   ErrSigDER,
	txscript.ErrSigMissingSTypeID:                   ErrSigDER,
	txscript.ErrSigMissingSLen:                      ErrSigDER,
	txscript.ErrSigInvalidSLen:                      ErrSigDER,
	txscript.ErrSigInvalidRIntID:                    ErrSigDER,
	txscript.ErrSigZeroRLen:                         ErrSigDER,
	txscript.ErrSigNegativeR:                        ErrSigDER,
	txscript.ErrSigTooMuchRPadding:                  ErrSigDER,
	txscript.ErrSigInvalidSIntID:                    ErrSigDER,
	txscript.ErrSigZeroSLen:                         ErrSigDER,
	txscript.ErrSigNegativeS:                        ErrSigDER,
	txscript.ErrSigTooMuchSPadding:                  ErrSigDER,
	txscript.ErrSigHighS:                            ErrSigHighS,
	txscript.ErrNotPushOnly:                         ErrSigPushOnly,
	txscript.ErrSigNullDummy:                        ErrSigNullDummy,
	txscript.ErrPubKeyType:                          ErrPubKeyType,
	txscript.ErrCleanStack:                          ErrCleanStack,
	txscript.ErrNullFail:                            ErrNullFail,
	txscript.ErrWitnessMalleated:                    ErrWitnessMalleated,
	txscript.ErrWitnessMalleatedP2SH:                ErrWitnessMalleatedP2SH,
	txscript.ErrDiscourageUpgradableNOPs:            ErrDiscourageNops,
	txscript.ErrNegativeLockTime:                    ErrNegativeLockTime,
	txscript.ErrUnsatisfiedLockTime:                 ErrUnsatisfiedLockTime,
	txscript.ErrMinimalIf:                           ErrMinimalIf,
	txscript.ErrDiscourageUpgradableWitnessProgram:  ErrDiscourageWitnessProgram,
	txscript.ErrWitnessProgramEmpty:                 ErrWitnessEmpty,
	txscript.ErrWitnessProgramMismatch:              ErrWitnessMismatch,
	txscript.ErrWitnessProgramWrongLength:           ErrWitnessWrongLength,
	txscript.ErrWitnessUnexpected:                   ErrWitnessUnexpected,
	txscript.ErrWitnessPubKeyType:                   ErrWitnessPubKeyType,
	txscript.ErrDiscourageOpSuccess:                 ErrDiscourageOpSuccess,
	txscript.ErrDiscourageUpgradeableTaprootVersion: ErrDiscourageTaproot,
	txscript.ErrTapscriptCheckMultisig:              ErrTapscriptMultiSig,
	txscript.ErrDiscourageUpgradeablePubKeyType:     ErrDiscouragePubKeyType,
	txscript.ErrTaprootSigInvalid:                   ErrSchnorrSig,
	txscript.ErrTaprootMerkleProofInvalid:           ErrWitnessMismatch,
	txscript.ErrTaprootOutputKeyParityMismatch:      ErrWitnessMismatch,
	txscript.ErrControlBlockTooSmall:                ErrTaprootControlSize,
	txscript.ErrControlBlockTooLarge:                ErrTaprootControlSize,
	txscript.ErrControlBlockInvalidLength:           ErrTaprootControlSize,
	txscript.ErrInvalidTaprootSigLen:                ErrSchnorrSigSize,
	txscript.ErrTaprootPubkeyIsEmpty:                ErrTapscriptEmptyPubKey,
	txscript.ErrTaprootMaxSigOps:                    ErrTapscriptWeight,
	txscript.ErrNonConstScriptCode:                  ErrSigFindAndDelete,
	txscript.ErrCodeSeparator:                       ErrOpCodeSeparator,
}

// fromEngine turns an error of the interpreter into ours.
func fromEngine(input int, err error) *Error {
	var e txscript.Error
	if errors.As(err, &e) {
		if code, ok := codes[e.ErrorCode]; ok {
			return &Error{Code: code, Input: input, Detail: e.Description}
		}
	}
	return &Error{Code: ErrUnknown, Input: input, Detail: err.Error()}
}
