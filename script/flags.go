package script

import (
	"strings"

	"starling/params"
	"starling/wire"
)

// Flags selects the rules that scripts are checked against. Each flag only
// ever makes the rules stricter: what passes with a set of flags passes with
// every part of that set that keeps [P2SH] with [Witness] and with
// [CleanStack].
type Flags uint32

// The flags, named and placed as in Bitcoin Core. The first group decides
// whether blocks are valid, the second only what a node relays.
const (
	P2SH                Flags = 1 << 0  // pay to script hash (BIP16)
	DERSig              Flags = 1 << 2  // signatures are strict DER (BIP66)
	NullDummy           Flags = 1 << 4  // the spare item of CHECKMULTISIG is empty (BIP147)
	CheckLockTimeVerify Flags = 1 << 9  // BIP65
	CheckSequenceVerify Flags = 1 << 10 // BIP112
	Witness             Flags = 1 << 11 // segregated witness (BIP141, BIP143)
	Taproot             Flags = 1 << 17 // BIP341 and BIP342

	StrictEnc                          Flags = 1 << 1  // keys and hash types are of a known form
	LowS                               Flags = 1 << 3  // S is at most half the group order
	SigPushOnly                        Flags = 1 << 5  // signature scripts only push
	MinimalData                        Flags = 1 << 6  // pushes and numbers are as short as possible
	DiscourageUpgradableNops           Flags = 1 << 7  // NOP1 and NOP4 to NOP10 are refused
	CleanStack                         Flags = 1 << 8  // exactly one item is left
	DiscourageUpgradableWitnessProgram Flags = 1 << 12 // witness versions without rules are refused
	MinimalIf                          Flags = 1 << 13 // IF takes an empty item or 01 in version 0 witness scripts
	NullFail                           Flags = 1 << 14 // a signature that fails is empty
	WitnessPubKeyType                  Flags = 1 << 15 // keys in version 0 witnesses are compressed
	ConstScriptCode                    Flags = 1 << 16 // no CODESEPARATOR and no signature in a legacy script
	DiscourageUpgradableTaprootVersion Flags = 1 << 18 // leaf versions without rules are refused
	DiscourageOpSuccess                Flags = 1 << 19 // OP_SUCCESS is refused
	DiscourageUpgradablePubKeyType     Flags = 1 << 20 // keys of unknown form in tapscript are refused
)

const (
	// MandatoryFlags are the consensus flags of a block today, all of them.
	MandatoryFlags = P2SH | DERSig | NullDummy | CheckLockTimeVerify |
		CheckSequenceVerify | Witness | Taproot

	// StandardFlags are what a transaction must pass to be relayed.
	StandardFlags = MandatoryFlags | StrictEnc | LowS | MinimalData |
		DiscourageUpgradableNops | CleanStack | DiscourageUpgradableWitnessProgram |
		MinimalIf | NullFail | WitnessPubKeyType | ConstScriptCode |
		DiscourageUpgradableTaprootVersion | DiscourageOpSuccess |
		DiscourageUpgradablePubKeyType

	// allFlags is every flag there is.
	allFlags = StandardFlags | SigPushOnly
)

// flagNames holds Core's name of each flag by its bit.
var flagNames = [...]string{
	"P2SH", "STRICTENC", "DERSIG", "LOW_S", "NULLDUMMY", "SIGPUSHONLY",
	"MINIMALDATA", "DISCOURAGE_UPGRADABLE_NOPS", "CLEANSTACK",
	"CHECKLOCKTIMEVERIFY", "CHECKSEQUENCEVERIFY", "WITNESS",
	"DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM", "MINIMALIF", "NULLFAIL",
	"WITNESS_PUBKEYTYPE", "CONST_SCRIPTCODE", "TAPROOT",
	"DISCOURAGE_UPGRADABLE_TAPROOT_VERSION", "DISCOURAGE_OP_SUCCESS",
	"DISCOURAGE_UPGRADABLE_PUBKEYTYPE",
}

// String lists Core's names of the flags that are set, separated by commas;
// no flag at all is "NONE".
func (f Flags) String() string {
	var names []string
	for i, n := range flagNames {
		if f&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	if names == nil {
		return "NONE"
	}
	return strings.Join(names, ",")
}

// ParseFlags reads what [Flags.String] writes. It reports false for a name
// that it does not know.
func ParseFlags(s string) (f Flags, ok bool) {
	for name := range strings.SplitSeq(s, ",") {
		if name == "" || name == "NONE" {
			continue
		}
		known := false
		for i, n := range flagNames {
			if n == name {
				f |= 1 << i
				known = true
			}
		}
		if !known {
			return 0, false
		}
	}
	return f, true
}

// The two blocks of the main network that spend outputs in ways which later
// rules forbid. Both were mined before the rules they break were known to
// all; a block's hash cannot occur on any other network.
var (
	bip16Exception   = wire.MustHash("00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22")
	taprootException = wire.MustHash("0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad")
)

// BlockFlags returns the rules for the scripts of the block with this height
// and hash. Pay to script hash, witness and taproot rules hold from the first
// block on, as nothing before their activation breaks them, except in the two
// blocks of the main network that do.
func BlockFlags(net *params.Network, height int32, hash wire.Hash) Flags {
	f := P2SH | Witness | Taproot
	switch hash {
	case bip16Exception:
		f = 0
	case taprootException:
		f = P2SH | Witness
	}
	if height >= net.BIP66Height {
		f |= DERSig
	}
	if height >= net.BIP65Height {
		f |= CheckLockTimeVerify
	}
	if height >= net.CSVHeight {
		f |= CheckSequenceVerify
	}
	if height >= net.SegwitHeight {
		f |= NullDummy
	}
	return f
}
