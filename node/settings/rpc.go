package settings

import (
	"path/filepath"
	"strings"

	"starling/internal/layered"
	"starling/rpc/jsonrpc"
)

// rpcOptions are the other settings about RPC.
func rpcOptions() []layered.Option {
	return []layered.Option{
		{Name: "rpc-allow-host", Value: "NAME", Kind: layered.List, Help: "a name, other than localhost, by which RPC clients may call this node; may be repeated"},
	}
}

// settleRPC fills in who may call the node; where is settled with the other
// addresses.
func (s *Settings) settleRPC() error {
	r := &s.RPC
	r.CookiePath = filepath.Join(s.Server.Dir, jsonrpc.CookieFile)
	r.User, r.Password = s.Text("rpc-user"), s.Text("rpc-password")
	if (r.User == "") != (r.Password == "") {
		return s.Fail("rpc-user", "rpc-user and rpc-password go together")
	}
	r.AllowHosts = s.List("rpc-allow-host")
	for _, h := range r.AllowHosts {
		if h == "" || strings.ContainsAny(h, "/:@*? ") {
			return s.Fail("rpc-allow-host", "%q is not the name of a host", h)
		}
	}
	return nil
}
