package params

import (
	_ "embed" // the lists are files, which package params/seedgen makes
	"net"
	"strconv"
	"strings"
)

// The fixed seeds are nodes that were long reachable when the lists were made
// (2025 and 2026, by Bitcoin Core's crawlers). They serve when no DNS seed
// answers and nothing else is known. Each is in a network of its own, so that
// no single operator gives a new node its first picture of the world. All
// listen on their network's default port.
var (
	//go:embed seeds/main.txt
	mainSeeds string
	//go:embed seeds/testnet4.txt
	testnet4Seeds string
	//go:embed seeds/signet.txt
	signetSeeds string
)

// seeds gives each address of a list the port. Lines that begin with # are
// comments.
func seeds(list string, port uint16) (out []string) {
	for line := range strings.Lines(list) {
		if host := strings.TrimSpace(line); host != "" && host[0] != '#' {
			out = append(out, net.JoinHostPort(host, strconv.Itoa(int(port))))
		}
	}
	return out
}
