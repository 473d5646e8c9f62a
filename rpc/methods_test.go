package rpc

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"starling/rpc/jsonrpc"
)

// TestTable reads every entry: tags, defaults, help and usage.
func TestTable(t *testing.T) {
	table := Methods()
	for _, name := range strings.Fields(`getblockchaininfo getblockcount getbestblockhash getblockhash getblockheader getblock
		getchaintips getdifficulty gettxout gettxoutsetinfo scantxoutset getrawtransaction decoderawtransaction decodescript
		validateaddress verifychain gettxoutproof verifytxoutproof submitblock submitheader generatetoaddress generateblock
		invalidateblock reconsiderblock waitfornewblock waitforblock waitforblockheight getpeerinfo getnetworkinfo getnettotals
		getconnectioncount addnode getaddednodeinfo disconnectnode setnetworkactive setban listbanned clearbanned ping
		setmocktime uptime stop help logging getrpcinfo getdeploymentinfo pruneblockchain getindexinfo`) {
		if table.Lookup(name) == nil {
			t.Errorf("no method %s", name)
		}
	}
	for _, m := range table.Methods() {
		h := m.Help()
		if m.Summary == "" || !strings.HasPrefix(h, m.Usage()+"\n\n") || !strings.Contains(h, "\nResult") {
			t.Errorf("help of %s:\n%s", m.Name, h)
		}
		for _, e := range m.Examples {
			if len(e) > len(m.Params) {
				t.Errorf("%s: example with too many arguments", m.Name)
			}
		}
	}
}

// FuzzArguments decodes arbitrary parameters for every method.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{
		`["00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee",true]`, `{"blockhash":"00","verbosity":2}`,
		`["start",["raw(51)",{"desc":"pk(02)","range":[0,1]}]]`, `[["00"],null]`, `[-1,1e400,18446744073709551616]`, `{"args":[1],"args":2}`,
	} {
		f.Add([]byte(s))
	}
	table := Methods()
	f.Fuzz(func(t *testing.T, params []byte) {
		if !json.Valid(params) {
			return
		}
		for _, m := range table.Methods() {
			var e *jsonrpc.Error
			if _, err := m.Decode(params); err != nil && !errors.As(err, &e) {
				t.Errorf("%s %s: %v has no code", m.Name, params, err)
			}
		}
	})
}
