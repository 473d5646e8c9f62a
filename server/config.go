package server

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/clock"
	"starling/connmgr"
	"starling/discover"
	"starling/mempool"
	"starling/netsync"
	"starling/params"
	"starling/peer"
	"starling/relay/gossip"
	"starling/server/fanout"
	"starling/transport"
)

// DefaultUserAgent is what a node says that it is (BIP14), unless told
// otherwise.
const DefaultUserAgent = "/Starling:0.1.0/"

// feelerSlots is how many of the places for links are kept for feelers.
const feelerSlots = 1

// outboundSlots returns how many of the places for links are kept for those
// that the node opens itself, as Bitcoin Core does: 11, unless set otherwise.
func (c *Config) outboundSlots() int {
	full, blockRelay := connmgr.DefaultFull, connmgr.DefaultBlockRelay
	if c.Slots != nil {
		full = max(cmp.Or(c.Slots.Full, full), 0)
		blockRelay = max(cmp.Or(c.Slots.BlockRelay, blockRelay), 0)
	}
	return full + blockRelay + feelerSlots
}

// Config says what node to run. Network and Dir are needed; the zero value of
// everything else works.
type Config struct {
	Network *params.Network
	FS      vfs.FS // the system's if nil
	Dir     string // the data directory of this network
	Locked  bool   // see [chain.Config]

	// The chain's settings, see [chain.Config].
	DBCache int64
	Prune   int64
	Workers int
	Reindex bool

	// Transports make the links; TCP if empty. The first one that can dial an
	// address does.
	Transports []transport.Transport
	// V2 has links over TCP encrypted where the other side can (BIP324), and
	// tells others that this node can. With Transports that are given it only
	// tells: those must be able to.
	V2 bool
	// Proxies are what is dialled through. Transports that are given must do so
	// themselves.
	Proxies Proxies
	// Listen holds the addresses to listen at; none if empty.
	Listen []ma.Multiaddr
	// Peers are connected to, and again whenever the link ends.
	Peers []ma.Multiaddr
	// External are addresses at which others can reach this node. They are
	// told to who asks.
	External []ma.Multiaddr
	// Slots say which links the node opens by itself, to addresses of its book;
	// nil for none. Grouper is the node's.
	Slots *connmgr.SlotOptions
	// Book and Gossip are the limits of the address book and of what peers may
	// tell. Grouper is the node's.
	Book   addrmgr.Options
	Gossip gossip.Options
	// ASMap, if not nil, tells which addresses are of one operator.
	ASMap *netaddr.ASMap
	// Discover looks for this node's own addresses on the machine, and believes
	// peers that say where they see it.
	Discover bool
	// Find says which sources are asked for addresses when the node is short of
	// peers. Only its switches, Nodes, Resolver and PerSeed are taken; nil for no
	// source. It needs Slots.
	Find *discover.Config
	// MaxPeers is how many links there may be in all; 0 for
	// [connmgr.DefaultMaxPeers]. Of these, 11 are kept for links that the node
	// opens, or more if Slots has more.
	MaxPeers int
	// Permissions returns what peers of an address may do beyond what any may,
	// by the kind of link; nil for nothing.
	Permissions func(netip.Addr, peer.Kind) peer.Permissions
	// WhiteBind are further addresses to listen at, where whoever connects may
	// do more.
	WhiteBind []WhiteBind
	// MaxInbound is how many of the links others may open, beside the bound of
	// MaxPeers; 0 for no other. MaxPerHost, MaxPerGroup, AcceptRate and
	// AcceptBurst are as in [connmgr.Config].
	MaxInbound, MaxPerHost, MaxPerGroup int
	AcceptRate                          float64
	AcceptBurst                         int
	// MaxPending is how many of the inbound links may be in their handshake, as in
	// [connmgr.Config].
	MaxPending int
	// RepeatFlood is how many bytes of what a link was sent before count as a whole
	// flood, for which its host is banned if it goes on; 0 for 200 MB, below 0 for
	// any number.
	RepeatFlood int
	// MaxAnnounced and MaxRejects are how many announced transactions of a peer, and
	// refused ones of all, are remembered, as in [txdownload.Config].
	MaxAnnounced, MaxRejects int
	// MaxUpload is how many bytes may be sent in a day before old blocks are
	// not served any more; 0 for any number.
	MaxUpload uint64

	// Pool holds the settings of the mempool, see [mempool.Config]. Chain,
	// Verifier, Clock, Log and FS are the node's, and so are RequireStandard,
	// File if it is empty, and the default of MinRelayFee, which the network
	// sets.
	Pool mempool.Config
	// AcceptNonStandard takes valid transactions that Bitcoin Core would not
	// relay. It is for networks of one's own.
	AcceptNonStandard bool
	// ForgetPool neither saves the mempool nor reads it at start.
	ForgetPool bool
	// BlocksOnly asks no peer for transactions, other than those with the
	// permission to relay. This node's own are announced all the same.
	BlocksOnly bool
	// BloomFilters lets any peer use bloom filters (BIP37), which cost this node
	// more than they cost the peer. Without it only those with the permission may.
	BloomFilters bool
	// WholeBlocks asks peers for no compact blocks. They are sent all the same
	// to peers that ask.
	WholeBlocks bool
	// RelayDelayInbound and RelayDelayOutbound are the mean times until peers
	// are told of a transaction; 0 for [relay.DefaultInboundDelay] and
	// [relay.DefaultOutboundDelay]. Below these an observer finds out more
	// easily where transactions come from.
	RelayDelayInbound, RelayDelayOutbound time.Duration

	// Ban settings, see [connmgr.Config].
	BanScore   float64
	BanTime    time.Duration
	CountLocal bool

	// Limits of what a session keeps for the other side.
	Limits peer.Limits
	// Timing of sessions, see [peer.Config]. PingInterval and PingTimeout are the
	// network's if zero.
	HandshakeTimeout time.Duration
	PingInterval     time.Duration
	PingTimeout      time.Duration
	SilenceTimeout   time.Duration
	// DialTimeout bounds one attempt to dial; 0 for the transport's own.
	DialTimeout time.Duration

	UserAgent string // DefaultUserAgent if empty

	// Load names files with blocks to be read before the node goes on the
	// network, see [chain.Chain.Import].
	Load []string

	Clock clock.Clock
	Log   *slog.Logger
	// Logs returns the logger of one part of the node: "net", "chain", or
	// "peer", whose debug level shows every message that passes. Log is used
	// for all of them if it is nil.
	Logs func(part string) *slog.Logger

	Metrics       fanout.Subscriber // hears of chain and mempool after all others
	SyncObserver  netsync.Observer
	ConnObserver  connmgr.Observer
	PeerObservers []peer.Observer // each is told all

	// Seed makes decisions that hang on chance repeatable in a simulation.
	// Drawn at random if zero.
	Seed [32]byte
}

// WhiteBind is an address to listen at, and what those may do who connect to
// it.
type WhiteBind struct {
	Addr        ma.Multiaddr
	Permissions peer.Permissions
}

// fill puts the defaults in and checks what can be checked.
func (c *Config) fill() error {
	if c.Network == nil || c.Dir == "" {
		return errors.New("server: a network and a data directory are needed")
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Logs == nil {
		log := c.Log
		c.Logs = func(string) *slog.Logger { return log }
	}
	if c.UserAgent == "" {
		c.UserAgent = DefaultUserAgent
	}
	if len(c.Transports) == 0 {
		c.Transports = []transport.Transport{c.Proxies.TCP(c.Network, c.V2, c.DialTimeout)}
	}
	if c.PingInterval == 0 {
		c.PingInterval = c.Network.PingInterval
	}
	if c.PingTimeout == 0 {
		c.PingTimeout = c.Network.PingTimeout
	}
	if c.RepeatFlood == 0 {
		c.RepeatFlood = repeatFlood
	}
	if c.MaxPeers == 0 {
		c.MaxPeers = connmgr.DefaultMaxPeers
	}
	if c.Permissions == nil {
		c.Permissions = func(netip.Addr, peer.Kind) peer.Permissions { return 0 }
	}
	if c.Seed == ([32]byte{}) {
		rand.Read(c.Seed[:])
	}
	return nil
}

// txWait returns the network's wait for better announcers of a transaction in the
// form that txdownload wants: below zero for none.
func (c *Config) txWait() time.Duration {
	if c.Network.TxWait == 0 {
		return -1
	}
	return c.Network.TxWait
}

// seedFor returns the seed of one part of the node. Each has its own: what peers
// can measure of one, such as waits, tells them nothing of the secrets of others.
func (c *Config) seedFor(part string) [32]byte {
	return sha256.Sum256(append(c.Seed[:], part...))
}

// maxInbound returns how many links others may open, in the form that connmgr
// wants: below zero for none.
func (c *Config) maxInbound() int {
	n := c.MaxPeers - c.outboundSlots()
	if c.MaxInbound > 0 {
		n = min(n, c.MaxInbound)
	}
	if n > 0 && c.MaxInbound >= 0 {
		return n
	}
	return -1
}
