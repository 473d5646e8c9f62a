package seeder

import (
	"encoding/binary"
	"errors"
	"time"

	"starling/addrmgr/netaddr"
	"starling/wire"
)

// fileVersion is the version of the file's content.
const fileVersion = 1

var errFile = errors.New("not a seeder's list of nodes")

// nodeTail is what follows an address in the file: services, two times and the
// failures.
const nodeTail = 8 + 8 + 8 + 1

// Encode writes the pool: for each node its address, services, when it was last
// reached, when it is to be visited, and how often that has failed.
func (p *Pool) Encode() []byte {
	var b []byte
	for _, n := range p.sorted() {
		b = n.addr.AppendKey(b)
		b = binary.BigEndian.AppendUint64(b, uint64(n.services))
		b = binary.BigEndian.AppendUint64(b, uint64(n.good))
		b = binary.BigEndian.AppendUint64(b, uint64(n.next))
		b = append(b, byte(min(n.failures, maxFailures)))
	}
	return b
}

// Decode adds what [Pool.Encode] has written, as much as there is room for. What
// was due long ago is due now.
func (p *Pool) Decode(now time.Time, b []byte) error {
	for len(b) > 0 {
		a, rest, ok := netaddr.DecodeKey(b)
		if !ok || len(rest) < nodeTail {
			return errFile
		}
		b = rest[nodeTail:]
		if !p.Add(now, a) {
			continue
		}
		n := p.byAddr[a]
		n.services = wire.ServiceFlag(binary.BigEndian.Uint64(rest))
		n.good = int64(min(binary.BigEndian.Uint64(rest[8:]), uint64(now.Unix())))
		n.next = int64(min(binary.BigEndian.Uint64(rest[16:]), uint64(now.Add(p.opts.Revisit).Unix())))
		n.failures = int(rest[24])
	}
	return nil
}
