package seeder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"starling/addrmgr/netaddr"
	"starling/clock"
	"starling/discover/crawl"
	"starling/store"
	"starling/wire"
)

const (
	// lookEvery is how often the schedule is looked at while nothing happens.
	lookEvery = time.Second
	// saveEvery is how often the pool is written to its file, beside the end, and
	// saveFirst when it is first; then the times double.
	saveEvery = 10 * time.Minute
	saveFirst = 10 * time.Second
	// dnsPatience bounds how long a resolver may take to ask, or to take its
	// answer, over TCP.
	dnsPatience = 5 * time.Second
	// maxTCP is how many connections of resolvers are open at a time, and
	// maxTCPPerHost how many of one host.
	maxTCP        = 100
	maxTCPPerHost = 10
)

// Config says what to seed. Name, Visit and Listen are needed; the zero value of
// the rest works, but for Pool.Port.
type Config struct {
	Name    string // that the seed answers for
	Listen  string // host:port, for UDP and TCP
	Pool    PoolOptions
	Start   []netaddr.Addr // where the crawl begins
	Visit   func(ctx context.Context, a netaddr.Addr) crawl.Node
	Workers int // visits at a time; 0 for [crawl.DefaultWorkers]
	// Rate and Burst bound the datagrams that one source is answered, a second
	// and at once; 0 for [DefaultRate] and [DefaultBurst].
	Rate, Burst float64

	FS    vfs.FS
	File  string // where the pool is kept; in memory only without one
	Clock clock.Clock
	Log   *slog.Logger
	// Ready is told where the seed answers; may be nil.
	Ready func(udp, tcp net.Addr)
}

// ErrNobody is the answer to a seeder that has nobody to begin with.
var ErrNobody = errors.New("no node is known where the crawl could begin")

// Seeder is a DNS seed. See the package comment.
type Seeder struct {
	cfg  Config
	zone zone

	mu      sync.Mutex // guards what follows
	pool    *Pool
	sources sources
}

// New returns a seeder with the nodes of its file.
func New(cfg Config) (*Seeder, error) {
	if cfg.Clock == nil {
		cfg.Clock = clock.System()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if _, ok := dns.IsDomainName(cfg.Name); !ok || cfg.Name == "" || cfg.Name == "." {
		return nil, fmt.Errorf("%q is no name for a seed", cfg.Name)
	}
	now := cfg.Clock.Now()
	s := &Seeder{
		cfg: cfg, zone: newZone(cfg.Name), pool: NewPool(cfg.Pool, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))),
		sources: sources{rate: cmp.Or(cfg.Rate, DefaultRate), burst: cmp.Or(cfg.Burst, DefaultBurst)},
	}
	if cfg.File != "" {
		data, err := store.ReadFileChecked(cfg.FS, cfg.File, fileVersion)
		if err == nil {
			err = s.pool.Decode(now, data)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			if err := s.setAside(err); err != nil {
				return nil, err
			}
		}
	}
	for _, a := range cfg.Start {
		s.pool.Add(now, a)
	}
	if s.pool.Len() == 0 {
		return nil, ErrNobody
	}
	return s, nil
}

// setAside gives a file that is damaged another name: all that it holds is found
// again.
func (s *Seeder) setAside(damage error) error {
	var corrupt *store.CorruptError
	var version *store.VersionError
	if !errors.As(damage, &corrupt) && !errors.As(damage, &version) && !errors.Is(damage, errFile) {
		return damage // the disk's, and not the file's
	}
	aside := s.cfg.File + ".damaged"
	if err := s.cfg.FS.Rename(s.cfg.File, aside); err != nil {
		return errors.Join(damage, err)
	}
	s.cfg.Log.Warn("the list of nodes cannot be read; it was set aside, and the network is crawled anew", "file", aside, "err", damage)
	s.pool = NewPool(s.cfg.Pool, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	return nil
}

// Run crawls and answers until ctx is done.
func (s *Seeder) Run(ctx context.Context) error {
	var lc net.ListenConfig
	udp, err := lc.ListenPacket(ctx, "udp", s.cfg.Listen)
	if err != nil {
		return err
	}
	defer udp.Close()
	at := s.cfg.Listen
	if host, port, err := net.SplitHostPort(at); err == nil && port == "0" {
		_, port, _ = net.SplitHostPort(udp.LocalAddr().String())
		at = net.JoinHostPort(host, port)
	}
	tcp, err := lc.Listen(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer tcp.Close()
	if s.cfg.Ready != nil {
		s.cfg.Ready(udp.LocalAddr(), tcp.Addr())
	}
	g, ctx := errgroup.WithContext(ctx)
	s.serve(ctx, g, &dns.Server{PacketConn: udp, Handler: dns.HandlerFunc(s.overUDP), ReadTimeout: dnsPatience, WriteTimeout: dnsPatience})
	s.serve(ctx, g, &dns.Server{Listener: newListener(tcp, maxTCP, maxTCPPerHost), Handler: dns.HandlerFunc(s.overTCP), ReadTimeout: dnsPatience, WriteTimeout: dnsPatience,
		IdleTimeout: func() time.Duration { return dnsPatience }, MaxTCPQueries: 16})
	g.Go(func() error { return s.crawl(ctx) })
	return g.Wait()
}

// serve runs a DNS server until ctx is done.
func (s *Seeder) serve(ctx context.Context, g *errgroup.Group, srv *dns.Server) {
	up := make(chan struct{})
	srv.NotifyStartedFunc = func() { close(up) }
	ended := make(chan struct{})
	g.Go(func() error {
		defer close(ended)
		return srv.ActivateAndServe()
	})
	g.Go(func() error {
		select {
		case <-ended:
			return nil
		case <-up:
		}
		select {
		case <-ended:
			return nil
		case <-ctx.Done():
		}
		return srv.Shutdown()
	})
}

func (s *Seeder) overUDP(w dns.ResponseWriter, q *dns.Msg) {
	from, err := netip.ParseAddrPort(w.RemoteAddr().String())
	if err != nil || q.Response {
		return
	}
	s.mu.Lock()
	ok := s.sources.allow(s.cfg.Clock.Now(), from.Addr())
	s.mu.Unlock()
	if !ok {
		return // an answer, even one that refuses, is what a flood is made of
	}
	m := s.zone.answer(q, s.good)
	m.Truncate(dns.MinMsgSize)
	s.write(w, m)
}

func (s *Seeder) overTCP(w dns.ResponseWriter, q *dns.Msg) { s.write(w, s.zone.answer(q, s.good)) }

func (s *Seeder) write(w dns.ResponseWriter, m *dns.Msg) {
	if err := w.WriteMsg(m); err != nil {
		s.cfg.Log.Debug("a question could not be answered", "err", err)
	}
}

// good returns the IP addresses of good nodes.
func (s *Seeder) good(want wire.ServiceFlag, network wire.NetworkID, limit int) (ips []netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.pool.Good(s.cfg.Clock.Now(), want, network, limit) {
		if ip, ok := a.IP(); ok {
			ips = append(ips, ip)
		}
	}
	return ips
}

// visit is a node that was visited.
type visit struct {
	addr netaddr.Addr
	node crawl.Node
}

// crawl visits what is due until ctx is done, and saves what is known.
func (s *Seeder) crawl(ctx context.Context) error {
	done := make(chan visit)
	busy, workers := 0, cmp.Or(s.cfg.Workers, crawl.DefaultWorkers)
	timer := s.cfg.Clock.NewTimer(lookEvery)
	defer timer.Stop()
	saved, wait := s.cfg.Clock.Now(), saveFirst
	for ctx.Err() == nil || busy > 0 {
		for busy < workers && ctx.Err() == nil {
			s.mu.Lock()
			a, ok := s.pool.Due(s.cfg.Clock.Now())
			s.mu.Unlock()
			if !ok {
				break
			}
			busy++
			go func() { done <- visit{a, s.cfg.Visit(ctx, a)} }()
		}
		if now := s.cfg.Clock.Now(); now.Sub(saved) >= wait {
			saved, wait = now, min(2*wait, saveEvery)
			s.tell(now)
			if err := s.save(); err != nil {
				s.cfg.Log.Warn("the list of nodes could not be saved", "err", err)
			}
		}
		stopped := ctx.Done()
		if busy > 0 && ctx.Err() != nil {
			stopped = nil
		}
		timer.Reset(lookEvery)
		select {
		case v := <-done:
			busy--
			s.visited(ctx, v)
		case <-timer.C:
		case <-stopped:
		}
	}
	return s.save()
}

// visited takes note of a visit, unless it was cut short.
func (s *Seeder) visited(ctx context.Context, v visit) {
	if ctx.Err() != nil {
		return
	}
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	s.pool.Visited(now, v.addr, &v.node)
	s.mu.Unlock()
	s.cfg.Log.Debug("visited", "addr", v.addr, "reached", v.node.Reached, "reason", v.node.Reason, "agent", v.node.Agent)
}

// tell says how many nodes are known.
func (s *Seeder) tell(now time.Time) {
	s.mu.Lock()
	known, good := s.pool.Len(), s.pool.CountGood(now)
	s.mu.Unlock()
	s.cfg.Log.Info("crawling", "known", known, "good", good)
}

// save writes the pool to its file, if it has one.
func (s *Seeder) save() error {
	if s.cfg.File == "" {
		return nil
	}
	s.mu.Lock()
	data := s.pool.Encode()
	s.mu.Unlock()
	return store.WriteFileAtomic(s.cfg.FS, s.cfg.File, fileVersion, data)
}
