package seeder

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"starling/wire"
)

const (
	// maxAnswers is how many nodes one answer tells of; with these it stays below
	// the 512 bytes that every resolver takes, even with IPv6 addresses.
	maxAnswers   = 25
	maxAnswersV6 = 14
	// nodeTTL is how long resolvers may keep an answer, in seconds, and zoneTTL
	// the same for who serves the name.
	nodeTTL = 60
	zoneTTL = 3600
)

// zone is the name that is served.
type zone struct {
	name string // in small letters, with the dot at the end
	ns   string // the name of the server
	mbox string // who is responsible
}

// newZone returns the zone of a name.
func newZone(name string) zone {
	n := dns.CanonicalName(name)
	return zone{name: n, ns: n, mbox: "hostmaster." + n}
}

// find returns the nodes of a network that have services.
type find func(want wire.ServiceFlag, network wire.NetworkID, limit int) []netip.Addr

// answer answers a question. It is a function of its arguments but for find.
func (z zone) answer(q *dns.Msg, nodes find) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.Compress = true
	if q.Opcode != dns.OpcodeQuery || len(q.Question) != 1 {
		m.Rcode = dns.RcodeNotImplemented
		m.Question = m.Question[:min(len(m.Question), 1)]
		return m
	}
	m.Authoritative = true
	question := q.Question[0]
	want, ok := z.services(question.Name)
	switch {
	case !dns.IsSubDomain(z.name, dns.CanonicalName(question.Name)), question.Qclass != dns.ClassINET:
		m.Authoritative, m.Rcode = false, dns.RcodeRefused
		return m
	case !ok:
		m.Rcode = dns.RcodeNameError
		m.Ns = []dns.RR{z.soa()}
		return m
	}
	hdr := func(typ uint16, ttl uint32) dns.RR_Header {
		return dns.RR_Header{Name: question.Name, Rrtype: typ, Class: dns.ClassINET, Ttl: ttl}
	}
	switch question.Qtype {
	case dns.TypeA:
		for _, ip := range nodes(want, wire.NetIPv4, maxAnswers) {
			m.Answer = append(m.Answer, &dns.A{Hdr: hdr(dns.TypeA, nodeTTL), A: ip.AsSlice()})
		}
	case dns.TypeAAAA:
		for _, ip := range nodes(want, wire.NetIPv6, maxAnswersV6) {
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: hdr(dns.TypeAAAA, nodeTTL), AAAA: ip.AsSlice()})
		}
	case dns.TypeNS:
		m.Answer = append(m.Answer, &dns.NS{Hdr: hdr(dns.TypeNS, zoneTTL), Ns: z.ns})
	case dns.TypeSOA:
		m.Answer = append(m.Answer, z.soa())
	}
	if len(m.Answer) == 0 {
		m.Ns = []dns.RR{z.soa()}
	}
	return m
}

// services returns which services a name asks for: those of its first label, as
// in x9.seed.example, or any full node's. Below the zone there are no other names.
func (z zone) services(name string) (wire.ServiceFlag, bool) {
	name = dns.CanonicalName(name)
	if name == z.name {
		return wire.NodeNetwork, true
	}
	label, ok := strings.CutSuffix(name, "."+z.name)
	if !ok || !strings.HasPrefix(label, "x") {
		return 0, false
	}
	n, err := strconv.ParseUint(label[1:], 16, 64)
	return wire.ServiceFlag(n), err == nil
}

func (z zone) soa() dns.RR {
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: z.name, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: zoneTTL},
		Ns:  z.ns, Mbox: z.mbox, Serial: 1, Refresh: 604800, Retry: 86400, Expire: 2592000, Minttl: nodeTTL,
	}
}
