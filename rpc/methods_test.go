package rpc

import (
	"strings"
	"testing"
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
