package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/clock"
	"starling/params"
	"starling/peer/await"
	"starling/transport"
	"starling/wire"
)

const (
	// maxFromSeed is how many addresses are taken of one DNS seed by default.
	maxFromSeed = 32
	// lookupPatience is how long a DNS seed may take to answer.
	lookupPatience = 30 * time.Second
	// fetchPatience is how long a node may take to tell what it knows.
	fetchPatience = await.SeedAddresses
	// seedAge is how old what a seed tells counts as, with as much again left
	// to chance: it knows less of the moment than a peer does.
	seedAgeMin    = 3 * 24 * time.Hour
	seedAgeSpread = 4 * 24 * time.Hour
	// fixedAge is how old the fixed seeds count as.
	fixedAge = 7 * 24 * time.Hour
)

// fixedSeeds is the name of those as a source.
const fixedSeeds = "fixed seeds"

// Services are what is looked for in a node.
const Services = wire.NodeNetwork | wire.NodeWitness

// Book is where addresses are put.
type Book interface {
	Add(now time.Time, source netaddr.Addr, penalty time.Duration, addrs ...addrmgr.Address) int
	Counts() map[wire.NetworkID]addrmgr.Counts
	Grouper() netaddr.Grouper
}

// Resolver looks names up. [net.Resolver] is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config says what a [Finder] works with. Network, Book, Links,
// Fetch and Found are needed; the zero value of everything else works.
type Config struct {
	Network *params.Network
	Book    Book
	// Resolver asks the DNS seeds. Nil means that names are not to be looked up
	// here: the seeds are connected to, through a proxy, and asked for addresses.
	Resolver Resolver
	// Nodes are host:port or multiaddresses of nodes to ask.
	Nodes []string
	// Networks are those that are dialled: nothing else is put in the book.
	Networks addrmgr.Networks
	// DNS, ForceDNS and Fixed switch the sources.
	DNS, ForceDNS, Fixed bool
	Enough, Slots        int // see [Sources]
	// PerSeed is how many addresses are taken of one DNS seed; 32 if zero, all if
	// below zero.
	PerSeed int
	// Links returns how many full links the node has opened by itself that are
	// up, and how many with those for blocks alone.
	Links func() (full, all int)
	// Peers returns the addresses of the peers that may be asked, in an order that
	// does not matter. Nil if none is to be asked.
	Peers func() []ma.Multiaddr
	// Active reports whether networking is switched on; nil for always.
	Active func() bool
	// Fetch asks a node for addresses, by a link that ends with the answer.
	Fetch func(ctx context.Context, addr ma.Multiaddr) error
	// Found is told that the book has grown.
	Found func()

	Seed  [32]byte
	Clock clock.Clock
	Log   *slog.Logger
}

// Finder finds addresses. See the package comment.
type Finder struct {
	cfg  Config
	plan *Plan

	mu     sync.Mutex
	rng    *rand.Rand
	log    []string        // what was asked last, and what came of it
	asking map[string]bool // what is being asked
}

// New returns a finder.
func New(cfg Config) *Finder {
	if cfg.Clock == nil {
		cfg.Clock = clock.System()
	}
	cfg.PerSeed = cmp.Or(cfg.PerSeed, maxFromSeed)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	src := Sources{Nodes: cfg.Nodes, Peers: cfg.Peers != nil, Enough: cfg.Enough, Slots: cfg.Slots, ForceDNS: cfg.ForceDNS && cfg.DNS, Fixed: cfg.Fixed && len(cfg.Network.FixedSeeds) > 0}
	if cfg.DNS {
		src.DNS = cfg.Network.DNSSeeds
	}
	rng := rand.New(rand.NewChaCha8(cfg.Seed))
	return &Finder{cfg: cfg, rng: rng, asking: make(map[string]bool), plan: NewPlan(cfg.Clock.Now(), src, rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())))}
}

// Run asks for addresses whenever the node is short of peers, until ctx is done.
func (f *Finder) Run(ctx context.Context) error {
	var asked sync.WaitGroup
	defer asked.Wait()
	if n := f.cfg.Networks; !n.Has(wire.NetIPv4) && !n.Has(wire.NetIPv6) && len(f.cfg.Nodes) == 0 && f.known() == 0 {
		f.cfg.Log.Warn("no seed knows peers on the networks that this node is on; name one with addnode or seednode")
	}
	for {
		now := f.cfg.Clock.Now()
		full, all := f.cfg.Links()
		s := f.plan.Next(now, Situation{
			Known: f.known(), Full: full, Links: all, Off: f.cfg.Active != nil && !f.cfg.Active(),
		})
		for _, node := range s.Nodes {
			asked.Go(func() { f.once(node, func() { f.node(ctx, node) }) })
		}
		for _, seed := range s.DNS {
			asked.Go(func() { f.once(seed, func() { f.seed(ctx, seed) }) })
		}
		if s.Peer {
			if node := f.anyPeer(); node != "" {
				asked.Go(func() { f.once(node, func() { f.node(ctx, node) }) })
			}
		}
		if s.Fixed {
			f.fixed()
		}
		if clock.Sleep(ctx, f.cfg.Clock, f.plan.NextAt(now).Sub(now)) != nil {
			return nil
		}
	}
}

// known returns how many addresses are in the book that may be dialled.
func (f *Finder) known() (count int) {
	for n, c := range f.cfg.Book.Counts() {
		if f.cfg.Networks.Has(n) {
			count += c.New + c.Tried
		}
	}
	return count
}

// put puts addresses in the book that a source has told, if they are of networks
// that are dialled, and returns how many of them are new.
func (f *Finder) put(now time.Time, source string, list []addrmgr.Address) int {
	list = slices.DeleteFunc(list, func(a addrmgr.Address) bool { return !f.cfg.Networks.Has(a.Addr.Network()) })
	n := f.cfg.Book.Add(now, netaddr.FromName(source), 0, list...)
	if n > 0 {
		f.cfg.Found()
	}
	return n
}

// anyPeer names one of the peers, by chance; nobody without any.
func (f *Finder) anyPeer() string {
	peers := f.cfg.Peers()
	if len(peers) == 0 {
		return ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return transport.FormatAddr(peers[f.rng.IntN(len(peers))])
}

// once calls ask unless the source is being asked already: one that hangs is
// not asked by more and more at a time.
func (f *Finder) once(source string, ask func()) {
	f.mu.Lock()
	busy := f.asking[source]
	f.asking[source] = true
	f.mu.Unlock()
	if busy {
		return
	}
	ask()
	f.mu.Lock()
	delete(f.asking, source)
	f.mu.Unlock()
}

// Asked says which sources were asked lately, and what came of it.
func (f *Finder) Asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.log...)
}

// maxLog bounds what is remembered of the sources that were asked.
const maxLog = 10

func (f *Finder) note(source string, found int, err error) {
	text := fmt.Sprintf("%s: %d addresses", source, found)
	if err != nil {
		text = fmt.Sprintf("%s: %v", source, err)
	}
	f.mu.Lock()
	f.log = append(f.log, text)
	f.log = f.log[max(0, len(f.log)-maxLog):]
	f.mu.Unlock()
	if err != nil {
		f.cfg.Log.Info("asked for addresses in vain", "source", source, "err", err)
		return
	}
	level := slog.LevelInfo
	if found == 0 && source == fixedSeeds {
		// Those of a network of one's own are dialled as they are, and are in no book.
		level = slog.LevelDebug
	}
	f.cfg.Log.Log(context.Background(), level, "asked for addresses", "source", source, "found", found)
}

// node asks a node for addresses.
func (f *Finder) node(ctx context.Context, name string) {
	addr, err := transport.ParseAddrDefault(name, f.cfg.Network.DefaultPort)
	before := f.known()
	if err == nil {
		err = f.fetch(ctx, addr)
	}
	if ctx.Err() == nil {
		f.note(name, max(0, f.known()-before), err)
	}
}

func (f *Finder) fetch(ctx context.Context, addr ma.Multiaddr) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	late := f.cfg.Clock.NewTimer(fetchPatience)
	defer late.Stop()
	done := make(chan error, 1)
	go func() { done <- f.cfg.Fetch(ctx, addr) }()
	select {
	case err := <-done:
		return err
	case <-late.C:
		cancel()
		<-done
		return fmt.Errorf("it did not tell any within %v", fetchPatience)
	}
}

// seed asks a DNS seed.
func (f *Finder) seed(ctx context.Context, name string) {
	if f.cfg.Resolver == nil || transport.Overlay(name) != "" {
		// Through a proxy if there is one to it; without, it cannot be dialled.
		f.node(ctx, name)
		return
	}
	ips, err := lookup(ctx, f.cfg.Resolver, name, f.cfg.PerSeed)
	if ctx.Err() != nil {
		return
	}
	found := 0
	if err == nil {
		found = f.add(name, ips)
		f.tellLocal(name, ips)
	}
	f.note(name, found, err)
}

// tellLocal says so if a seed has told of nodes that this one passes over, as they are
// on this machine or in a private network.
func (f *Finder) tellLocal(seed string, ips []netip.Addr) {
	local := 0
	for _, ip := range ips {
		if a := netaddr.FromAddrPort(netip.AddrPortFrom(ip, f.cfg.Network.DefaultPort)); !f.cfg.Book.Grouper().IsUsable(a) {
			local++
		}
	}
	if local > 0 {
		f.cfg.Log.Info("local and private addresses are passed over; with exempt-local off they are used", "source", seed, "count", local)
	}
}

// ErrOverlay is the answer to looking up a name that no DNS server knows.
var ErrOverlay = errors.New("names of Tor and I2P are in no DNS; a proxy dials them")

// Lookup asks a DNS seed for nodes with the [Services] that are looked for, and
// returns at most as many addresses as are taken of one seed. Names of Tor and I2P
// are [ErrOverlay]: no resolver is to learn who is sought there.
func Lookup(ctx context.Context, r Resolver, seed string) ([]netip.Addr, error) {
	return lookup(ctx, r, seed, maxFromSeed)
}

// lookup is Lookup of so many addresses, or of all if most is below zero.
func lookup(ctx context.Context, r Resolver, seed string, most int) ([]netip.Addr, error) {
	if transport.Overlay(seed) != "" {
		return nil, ErrOverlay
	}
	ctx, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	// The dot at the end keeps the system from looking in its own domains for a
	// name that is not found.
	ips, err := r.LookupNetIP(ctx, "ip", askName(seed)+".")
	if err != nil {
		return nil, explain(err)
	}
	if most < 0 {
		return ips, nil
	}
	return ips[:min(len(ips), most)], nil
}

// askName returns the name by which a seed is asked: its first label tells the
// services that are wanted. A name that begins with such a label is asked as it is.
func askName(seed string) string {
	seed = strings.TrimSuffix(seed, ".")
	if label, _, ok := strings.Cut(seed, "."); ok && len(label) > 1 && (label[0] == 'x' || label[0] == 'X') {
		if _, err := strconv.ParseUint(label[1:], 16, 64); err == nil {
			return seed
		}
	}
	return fmt.Sprintf("x%x.%s", uint64(Services), seed)
}

// add puts addresses that a seed has told in the book.
func (f *Finder) add(seed string, ips []netip.Addr) int {
	now := f.cfg.Clock.Now()
	var list []addrmgr.Address
	f.mu.Lock()
	for _, ip := range ips {
		a := netaddr.FromAddrPort(netip.AddrPortFrom(ip, f.cfg.Network.DefaultPort))
		age := seedAgeMin + time.Duration(f.rng.Int64N(int64(seedAgeSpread)))
		list = append(list, addrmgr.Address{Addr: a, Services: Services, Seen: now.Add(-age)})
	}
	f.mu.Unlock()
	return f.put(now, seed, list)
}

// fixed puts the fixed seeds of the network in the book.
func (f *Finder) fixed() {
	now := f.cfg.Clock.Now()
	var list []addrmgr.Address
	for _, s := range f.cfg.Network.FixedSeeds {
		if a, err := netaddr.Parse(s); err == nil {
			list = append(list, addrmgr.Address{Addr: a, Services: Services, Seen: now.Add(-fixedAge)})
		}
	}
	f.note(fixedSeeds, f.put(now, fixedSeeds, list), nil)
}
