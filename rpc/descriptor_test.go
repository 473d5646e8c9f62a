package rpc

import (
	"strings"
	"testing"

	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/script/descriptor"
)

// The vectors of these tests are those of Core's functional tests.

func TestGetDescriptorInfo(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	const key, wif = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "cVpF924EspNh8KjYsfhgY96mmxvT6DgdWiTYMtMjuM74hJaU5psW"
	const tprv = "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"
	const tpub = "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B"
	for _, tc := range []struct{ desc, want string }{
		{"pk(" + key + ")", `{"descriptor":"pk(` + key + `)#gn28ywm7","checksum":"gn28ywm7","isrange":false,"issolvable":true,"hasprivatekeys":false}`},
		{"pkh([d34db33f/44'/0'/0']" + tpub + "/1/*)", `{"descriptor":"pkh([d34db33f/44'/0'/0']` + tpub + `/1/*)#h3wrjs9v","checksum":"h3wrjs9v","isrange":true,"issolvable":true,"hasprivatekeys":false}`},
		{"wpkh(" + tprv + "/1h/*)", `{"descriptor":"wpkh(` + tpub + `/1h/*)#xe2c24rl","checksum":"3qllfq52","isrange":true,"issolvable":true,"hasprivatekeys":true}`},
		{"raw(6a)", `{"descriptor":"raw(6a)#x6kp4vs0","checksum":"x6kp4vs0","isrange":false,"issolvable":false,"hasprivatekeys":false}`},
		{"pk(" + tpub + "/<0;1>)", `{"descriptor":"pk(` + tpub + `/0)#q9k79asm","multipath_expansion":["pk(` + tpub + `/0)#q9k79asm","pk(` + tpub + `/1)#lssw59wc"],"checksum":"kyuwwrrd","isrange":false,"issolvable":true,"hasprivatekeys":false}`},
	} {
		got, err := n.call("getdescriptorinfo", tc.desc)
		if err != nil {
			t.Errorf("%s: %v", tc.desc, err)
			continue
		}
		// Checksums have tests of their own, with vectors.
		if strip(got) != strip(tc.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", tc.desc, got, tc.want)
		}
		info := get[struct{ Descriptor, Checksum string }](n, "getdescriptorinfo", tc.desc)
		if again := get[struct{ Descriptor, Checksum string }](n, "getdescriptorinfo", info.Descriptor); again.Descriptor != info.Descriptor || !strings.HasSuffix(info.Descriptor, "#"+again.Checksum) {
			t.Errorf("%s is read as %s", info.Descriptor, again.Descriptor)
		}
	}
	n.want(`{"descriptor":"pk(`+key+`)#gn28ywm7","checksum":"gn28ywm7","isrange":false,"issolvable":true,"hasprivatekeys":false}`, "getdescriptorinfo", "pk("+key+")#gn28ywm7")
	n.fails(jsonrpc.CodeInvalidAddress, "pk(): key '"+wif[:51]+"' is not valid", "getdescriptorinfo", "pk("+wif[:51]+")")
	n.fails(jsonrpc.CodeInvalidAddress, "'' is not a valid descriptor function", "getdescriptorinfo", "")
	n.fails(jsonrpc.CodeInvalidAddress, "Invalid characters in payload", "getdescriptorinfo", "pkh(é)")
	n.fails(jsonrpc.CodeInvalidAddress, "Expected 8 character checksum, not 4 characters", "getdescriptorinfo", "raw(6a)#1234")
}

// strip takes the checksums off a text.
func strip(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "#")
		b.WriteString(before)
		if !found {
			break
		}
		s = after[8:]
	}
	out, _, _ := strings.Cut(b.String(), `"checksum"`)
	_, rest, _ := strings.Cut(b.String(), `"isrange"`)
	return out + rest
}

func TestDeriveAddresses(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	const tprv = "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"
	const ranged = "wpkh(" + tprv + "/1/1/*)"
	const a0, a1, a2 = "bcrt1qjqmxmkpmxt80xz4y3746zgt0q3u3ferr34acd5", "bcrt1qhku5rq7jz8ulufe2y6fkcpnlvpsta7rq4442dy", "bcrt1qpgptk2gvshyl0s9lqshsmx932l9ccsv265tvaq"
	n.want(`["`+a0+`"]`, "deriveaddresses", "wpkh("+tprv+"/1/1/0)#t6wfjs64")
	n.want(`["`+a0+`","`+a1+`","`+a2+`"]`, "deriveaddresses", ranged+"#kft60nuy", 2)
	n.want(`["`+a1+`","`+a2+`"]`, "deriveaddresses", ranged+"#kft60nuy", []int{1, 2})
	n.want(`["`+a2+`"]`, "deriveaddresses", ranged+"#kft60nuy", []int{2, 2})
	// combo() has no address for the bare key, and one for each of the others.
	combo := get[[]string](n, "deriveaddresses", checksummed("combo("+tprv+"/1/1/0)"))
	if len(combo) != 3 || combo[1] != a0 {
		t.Errorf("combo: %s", combo)
	}
	two := get[[][]string](n, "deriveaddresses", checksummed("wpkh("+tprv+"/1/<1;2>/*)"), []int{1, 2})
	if len(two) != 2 || two[0][0] != a1 || two[0][1] != a2 || len(two[1]) != 2 {
		t.Errorf("alternatives: %s", two)
	}
	n.fails(jsonrpc.CodeInvalidAddress, "Missing checksum", "deriveaddresses", "wpkh("+tprv+"/1/1/0)")
	n.fails(jsonrpc.CodeInvalidParam, "Range should not be specified for an un-ranged descriptor", "deriveaddresses", "wpkh("+tprv+"/1/1/0)#t6wfjs64", []int{0, 2})
	n.fails(jsonrpc.CodeInvalidParam, "Range must be specified for a ranged descriptor", "deriveaddresses", ranged+"#kft60nuy")
	n.fails(jsonrpc.CodeInvalidParam, "End of range is too high", "deriveaddresses", ranged+"#kft60nuy", 10000000000)
	n.fails(jsonrpc.CodeInvalidParam, "Range is too large", "deriveaddresses", ranged+"#kft60nuy", []int{1000000000, 2000000000})
	n.fails(jsonrpc.CodeInvalidParam, "Range specified as [begin,end] must not have begin after end", "deriveaddresses", ranged+"#kft60nuy", []int{2, 0})
	n.fails(jsonrpc.CodeInvalidParam, "Range should be greater or equal than 0", "deriveaddresses", ranged+"#kft60nuy", []int{-1, 0})
	n.fails(jsonrpc.CodeInvalidAddress, "Descriptor does not have a corresponding address", "deriveaddresses", checksummed("raw(51)"))
	n.fails(jsonrpc.CodeInvalidAddress, "Cannot derive script without private keys", "deriveaddresses", checksummed("wpkh(tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B/1h/*)"), 1)
}

func TestCreateMultisig(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	const k1 = "03789ed0bb717d88f7d321a368d905e7430207ebbd82bd342cf11ae157a7ace5fd"
	const k2 = "03dbc6764b8884a92e871274b87583e6d5c2a58819473e17e107ef3f6aa5a61626"
	const script = "52" + "21" + k1 + "21" + k2 + "52ae"
	keys := []string{k1, k2}
	for typ, start := range map[string]string{"legacy": "2", "p2sh-segwit": "2", "bech32": "bcrt1q"} {
		r := get[multisigText](n, "createmultisig", 2, keys, typ)
		if r.Redeem != script || !strings.HasPrefix(r.Address, start) || len(r.Warnings) > 0 {
			t.Errorf("%s: %+v", typ, r)
		}
		if got := get[[]string](n, "deriveaddresses", r.Descriptor); got[0] != r.Address {
			t.Errorf("%s: the descriptor %s is of %s", typ, r.Descriptor, got)
		}
	}
	const uncompressed = "0450863AD64A87AE8A2FE83C1AF1A8403CB53F53E486D8511DAD8A04887E5B23522CD470243453A299FA9E77237716103ABC11A1DF38855ED6F2EE187E9C582BA6"
	r := get[multisigText](n, "createmultisig", 1, []string{uncompressed}, "bech32")
	if len(r.Warnings) != 1 || !strings.HasPrefix(r.Descriptor, "sh(multi(") {
		t.Errorf("uncompressed: %+v", r)
	}
	n.fails(jsonrpc.CodeInvalidParam, "a multisignature address must require at least one key to redeem", "createmultisig", 0, keys)
	n.fails(jsonrpc.CodeInvalidParam, "not enough keys supplied (got 2 keys, but need at least 3 to redeem)", "createmultisig", 3, keys)
	n.fails(jsonrpc.CodeInvalidAddress, `Pubkey "zz" must be a hex string`, "createmultisig", 1, []string{"zz"})
	n.fails(jsonrpc.CodeInvalidAddress, `Pubkey "00" must have a length of either 33 or 65 bytes`, "createmultisig", 1, []string{"00"})
	bad := "05" + k1[2:]
	n.fails(jsonrpc.CodeInvalidAddress, `Pubkey "`+bad+`" must be cryptographically valid.`, "createmultisig", 1, []string{bad})
	n.fails(jsonrpc.CodeInvalidAddress, "createmultisig cannot create bech32m multisig addresses", "createmultisig", 2, keys, "bech32m")
	n.fails(jsonrpc.CodeInvalidAddress, "Unknown address type 'x'", "createmultisig", 2, keys, "x")
	many := make([]string, 21)
	for i := range many {
		many[i] = k1
	}
	n.fails(jsonrpc.CodeInvalidParam, "Number of keys involved in the multisignature address creation > 20\nReduce the number", "createmultisig", 1, many)
	n.fails(jsonrpc.CodeInvalidParam, "redeemScript exceeds size limit: 547 > 520", "createmultisig", 1, many[:16])
	if r := get[multisigText](n, "createmultisig", 17, many[:20], "bech32"); r.Address == "" {
		t.Error("17 of 20 in a witness")
	}
}

type multisigText struct {
	Address    string
	Redeem     string `json:"redeemScript"`
	Descriptor string
	Warnings   []string
}

// TestMessage has the vectors of Core's tests, legacy and BIP322.
func TestMessage(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	const text, key = "This is just a test message", "cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N"
	const addr, sig = "mpLQjfK79b7CCV4VMJWEWAj5Mpx8Up5zxB", "INbVnW4e6PeRmsv2Qgu8NuopvrVjkcxob+sX8OcZG0SALhWybUjzMLPdAsXI46YZGb0KQTRii+wWIQzRpG/U+S0="
	n.want(`"`+sig+`"`, "signmessagewithprivkey", key, text)
	n.want("true", "verifymessage", addr, sig, text)
	n.want("false", "verifymessage", addr, sig, text+"!")
	n.want("false", "verifymessage", "mkHV1C6JLheLoUSSZYk7x3FH5tnx9bu7yc", sig, text)
	n.fails(jsonrpc.CodeInvalidAddress, "Invalid private key", "signmessagewithprivkey", "invalid_key", text)
	n.fails(jsonrpc.CodeInvalidAddress, "Invalid address", "verifymessage", "invalid_addr", sig, text)
	n.fails(jsonrpc.CodeType, "Malformed base64 encoding", "verifymessage", addr, "invalid_sig", text)
	n.fails(jsonrpc.CodeType, "Address does not refer to key", "verifymessage", scriptAddress(t, n), sig, text)
}

// scriptAddress returns an address of a script hash.
func scriptAddress(t *testing.T, n *testNode) string {
	t.Helper()
	return get[[]string](n, "deriveaddresses", checksummed("sh(pk(0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798))"))[0]
}

// checksummed adds its checksum to a descriptor.
func checksummed(body string) string { return body + "#" + descriptor.Checksum(body) }
