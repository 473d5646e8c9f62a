package wire

import (
	"fmt"
	"math/bits"
	"strings"
)

const (
	// ProtocolVersion is what a node says in its version message: the newest
	// version whose messages this package knows. 70017 brought feature
	// negotiation (BIP434).
	ProtocolVersion = 70017

	// MinPeerVersion is the oldest protocol version worth a connection. Peers
	// below it do not know getheaders.
	MinPeerVersion = 31800

	// PingNonceVersion is the last protocol version whose ping has no nonce
	// and is not answered (BIP31 applies above it).
	PingNonceVersion = 60000

	// SendHeadersVersion is the first version that knows sendheaders (BIP130).
	SendHeadersVersion = 70012

	// FeeFilterVersion is the first version that knows feefilter (BIP133).
	FeeFilterVersion = 70013

	// CompactBlocksVersion is the first version that knows compact blocks
	// (BIP152).
	CompactBlocksVersion = 70014

	// WTxIDRelayVersion is the first version that may be sent wtxidrelay
	// (BIP339) and, by custom, sendaddrv2 (BIP155).
	WTxIDRelayVersion = 70016

	// FeatureVersion is the first version that may be sent feature (BIP434).
	FeatureVersion = 70017
)

// ServiceFlag is a set of services that a node offers, one bit each.
type ServiceFlag uint64

// The services that nodes offer today.
const (
	NodeNetwork        ServiceFlag = 1 << 0  // serves the whole chain
	NodeBloom          ServiceFlag = 1 << 2  // serves bloom-filtered blocks (BIP111)
	NodeWitness        ServiceFlag = 1 << 3  // serves witnesses (BIP144)
	NodeCompactFilters ServiceFlag = 1 << 6  // serves block filters (BIP157)
	NodeNetworkLimited ServiceFlag = 1 << 10 // serves the last 288 blocks (BIP159)
	NodeP2PV2          ServiceFlag = 1 << 11 // takes encrypted connections (BIP324)
)

// Has reports whether s holds every flag of want.
func (s ServiceFlag) Has(want ServiceFlag) bool { return s&want == want }

// Names returns the names of the flags in s, lowest bit first, as RPC shows
// them. A bit without a name is shown as UNKNOWN[2^bit].
func (s ServiceFlag) Names() []string {
	names := make([]string, 0, bits.OnesCount64(uint64(s)))
	for s != 0 {
		bit := s & -s
		s &^= bit
		switch bit {
		case NodeNetwork:
			names = append(names, "NETWORK")
		case NodeBloom:
			names = append(names, "BLOOM")
		case NodeWitness:
			names = append(names, "WITNESS")
		case NodeCompactFilters:
			names = append(names, "COMPACT_FILTERS")
		case NodeNetworkLimited:
			names = append(names, "NETWORK_LIMITED")
		case NodeP2PV2:
			names = append(names, "P2P_V2")
		default:
			names = append(names, fmt.Sprintf("UNKNOWN[2^%d]", bits.TrailingZeros64(uint64(bit))))
		}
	}
	return names
}

// String shows the names of the flags, separated by a bar.
func (s ServiceFlag) String() string {
	if s == 0 {
		return "NONE"
	}
	return strings.Join(s.Names(), "|")
}
