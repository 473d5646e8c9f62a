package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	btcaddrmgr "github.com/btcsuite/btcd/addrmgr"
	btcwire "github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/wire"
)

const (
	// bookAddrs addresses are told, bookMessage at a time, each message by
	// another teller. The tables have 65,536 places for them.
	bookAddrs   = 60_000
	bookMessage = 1000
	// bookGood of them are reached, and bookPicks times one is picked and dialled.
	bookGood  = 4000
	bookPicks = 20_000
	// bookRuns is how often all is done; the best of each step counts, for what
	// else runs can only add to it.
	bookRuns = 3
)

// bookStep is what one step took, and for what.
type bookStep struct {
	took  time.Duration
	count int
}

// bookRun is one book from the first address to the load of its file.
type bookRun struct {
	add, good, pick, save, load bookStep
	held, size                  int
}

// better keeps the shorter time of each step.
func (r *bookRun) better(o bookRun) {
	for _, s := range []struct{ a, b *bookStep }{{&r.add, &o.add}, {&r.good, &o.good}, {&r.pick, &o.pick}, {&r.save, &o.save}, {&r.load, &o.load}} {
		if s.a.count == 0 || s.b.took < s.a.took {
			*s.a = *s.b
		}
	}
	r.held, r.size = o.held, o.size
}

// timed measures one step.
func timed(count int, step func() error) (bookStep, error) {
	began := time.Now()
	err := step()
	return bookStep{time.Since(began), count}, err
}

// steps does what both books are asked to do, in order.
func (r *bookRun) steps(add, good, pick, save, load func() error) error {
	for _, s := range []struct {
		into  *bookStep
		count int
		do    func() error
	}{{&r.add, bookAddrs, add}, {&r.good, bookGood, good}, {&r.pick, bookPicks, pick}, {&r.save, 1, save}, {&r.load, 1, load}} {
		var err error
		if *s.into, err = timed(s.count, s.do); err != nil {
			return err
		}
	}
	return nil
}

// randomHosts are IPv4 addresses that anybody could reach.
func randomHosts(n int) []netip.AddrPort {
	rng := rand.New(rand.NewPCG(1, 2))
	list := make([]netip.AddrPort, n)
	for i := range list {
		ip := [4]byte{byte(20 + rng.IntN(70)), byte(rng.IntN(256)), byte(rng.IntN(256)), byte(1 + rng.IntN(254))}
		list[i] = netip.AddrPortFrom(netip.AddrFrom4(ip), 8333)
	}
	return list
}

// measureBook compares the address books: what it costs to be told of an
// address, to note that one was reached, to pick one and note the dial, and to save
// and load all.
func measureBook() ([]row, error) {
	hosts := randomHosts(bookAddrs)
	tellers := randomHosts(bookAddrs + bookAddrs/bookMessage)[bookAddrs:]
	dir, err := os.MkdirTemp("", "starling-book-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var ours, theirs bookRun
	for i := range bookRuns {
		a, err := ourBook(filepath.Join(dir, fmt.Sprint("ours", i)), hosts, tellers)
		if err != nil {
			return nil, err
		}
		b, err := theirBook(filepath.Join(dir, fmt.Sprint("theirs", i)), hosts, tellers)
		if err != nil {
			return nil, err
		}
		ours.better(a)
		theirs.better(b)
	}
	var rows []row
	add := func(what string, a, b bookStep, note string) {
		each := func(s bookStep) string {
			if s.count == 1 {
				return fmt.Sprintf("%.0f ms", float64(s.took)/1e6)
			}
			return fmt.Sprintf("%.2f µs", float64(s.took)/float64(s.count)/1e3)
		}
		rows = append(rows, row{what, each(a), fmt.Sprintf("%.3f", float64(a.took)/float64(b.took)), "", "btcd " + each(b) + note})
	}
	add("address book: told of an address", ours.add, theirs.add, fmt.Sprintf("; of %d told %d are kept, btcd %d", bookAddrs, ours.held, theirs.held))
	add("  an address was reached", ours.good, theirs.good, "")
	add("  pick one, and note the dial", ours.pick, theirs.pick, "")
	add("  save all", ours.save, theirs.save, fmt.Sprintf("; %d bytes for each, checksummed and synced, btcd %d", ours.size/ours.held, theirs.size/theirs.held))
	add("  load all", ours.load, theirs.load, "")
	return rows, nil
}

func ourBook(dir string, hosts, tellers []netip.AddrPort) (r bookRun, err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return r, err
	}
	cfg := addrmgr.Config{FS: vfs.Default, File: filepath.Join(dir, "peers.dat"), Seed: [32]byte{1}}
	m, err := addrmgr.Open(cfg)
	if err != nil {
		return r, err
	}
	now := time.Now()
	var all []addrmgr.Address
	for _, h := range hosts {
		all = append(all, addrmgr.Address{Addr: netaddr.FromAddrPort(h), Services: wire.NodeNetwork | wire.NodeWitness, Seen: now.Add(-time.Hour)})
	}
	err = r.steps(func() error {
		for i, t := range tellers {
			m.Add(now, netaddr.FromAddrPort(t), 0, all[i*bookMessage:(i+1)*bookMessage]...)
		}
		r.held = m.Len()
		return nil
	}, func() error {
		for _, a := range all[:bookGood] {
			m.Good(now, a.Addr)
		}
		return nil
	}, func() error {
		for range bookPicks {
			e, ok := m.Select(now, false, 0)
			if !ok {
				return fmt.Errorf("the book has nothing to dial")
			}
			m.Attempt(now, e.Addr, true)
		}
		return nil
	}, m.Save, func() error {
		back, err := addrmgr.Open(cfg)
		if err == nil && back.Len() != m.Len() {
			err = fmt.Errorf("%d addresses were saved, %d loaded", m.Len(), back.Len())
		}
		return err
	})
	if err != nil {
		return r, err
	}
	info, err := os.Stat(cfg.File)
	r.size = int(info.Size())
	return r, err
}

func theirBook(dir string, hosts, tellers []netip.AddrPort) (r bookRun, err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return r, err
	}
	m := btcaddrmgr.New(dir, nil)
	m.Start()
	now := time.Now()
	theirs := func(h netip.AddrPort) *btcwire.NetAddressV2 {
		return btcwire.NetAddressV2FromBytes(now.Add(-time.Hour), btcwire.SFNodeNetwork|btcwire.SFNodeWitness, h.Addr().AsSlice(), h.Port())
	}
	var all, from []*btcwire.NetAddressV2
	for _, h := range hosts {
		all = append(all, theirs(h))
	}
	for _, t := range tellers {
		from = append(from, theirs(t))
	}
	err = r.steps(func() error {
		for i, t := range from {
			m.AddAddresses(all[i*bookMessage:(i+1)*bookMessage], t)
		}
		r.held = m.NumAddresses()
		return nil
	}, func() error {
		for _, a := range all[:bookGood] {
			m.Good(a)
		}
		return nil
	}, func() error {
		for range bookPicks {
			a := m.GetAddress()
			if a == nil {
				return fmt.Errorf("btcd's book has nothing to dial")
			}
			m.Attempt(a.NetAddress())
		}
		return nil
	}, m.Stop, func() error {
		back := btcaddrmgr.New(dir, nil)
		back.Start()
		if back.NumAddresses() != m.NumAddresses() {
			return fmt.Errorf("btcd saved %d addresses and loaded %d", m.NumAddresses(), back.NumAddresses())
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	info, err := os.Stat(filepath.Join(dir, "peers.json"))
	r.size = int(info.Size())
	return r, err
}
