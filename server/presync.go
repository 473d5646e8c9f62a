package server

import (
	"fmt"

	"starling/netsync"
)

// tellPresync says how far the headers have come that are looked at before any
// of them is kept.
func (n *Server) tellPresync(a netsync.Presyncing) {
	what := "pre-synchronising block headers: their work is looked at before they are kept"
	if a.Second {
		what = "synchronising block headers: their chain has the work, and they come again to be kept"
	}
	n.log.Info(what, "height", a.Height, "progress", fmt.Sprintf("%.2f%%", 100*a.Share), "peer", a.Peer)
}
