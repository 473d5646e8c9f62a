package txdownload

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"starling/wire"
)

// table is a game played at random, and what must be true of it.
type table struct {
	*game
	rt *rapid.T

	peers map[PeerID]PeerInfo
	next  PeerID
	txs   []*wire.Tx
	// asked holds who is being asked for what, by hash, and until when.
	asked map[wire.Hash]struct {
		peer  PeerID
		until time.Time
	}
	// told holds who has announced what and was not tried since.
	told map[wire.Hash]map[PeerID]bool
	// judged are copies whose outcome is still to come.
	judged map[*wire.Tx]PeerID
}

// check is told of all requests.
func (p *table) check(rs []Request) {
	for _, r := range rs {
		if _, ok := p.peers[r.Peer]; !ok {
			p.rt.Fatalf("peer %d is asked, which is gone", r.Peer)
		}
		for _, v := range r.Inv {
			if a, ok := p.asked[v.Hash]; ok && a.until.After(p.now) {
				p.rt.Fatalf("peer %d is asked for %v while peer %d is", r.Peer, v.Hash, a.peer)
			}
			for tx := range p.judged {
				if tx.TxID() == v.Hash || tx.WTxID() == v.Hash {
					p.rt.Fatalf("%v is asked for while it is judged", v.Hash)
				}
			}
			if p.pool.txs[v.Hash] {
				p.rt.Fatalf("%v is asked for, which the pool has", v.Hash)
			}
			if !p.told[v.Hash][r.Peer] {
				p.rt.Fatalf("peer %d is asked for %v, which it has not announced, or failed to give", r.Peer, v.Hash)
			}
			delete(p.told[v.Hash], r.Peer)
			p.asked[v.Hash] = struct {
				peer  PeerID
				until time.Time
			}{r.Peer, p.now.Add(RequestTimeout)}
		}
	}
	p.m.orphans.check(p.rt)
}

func (p *table) tell(peer PeerID, hash wire.Hash) {
	if p.told[hash] == nil {
		p.told[hash] = map[PeerID]bool{}
	}
	p.told[hash][peer] = true
}

// answered notes that a peer will not be asked for something any more.
func (p *table) answered(peer PeerID, hash wire.Hash) {
	if p.asked[hash].peer == peer {
		delete(p.asked, hash)
	}
}

func (p *table) peer() PeerID {
	if len(p.peers) == 0 {
		p.rt.Skip("no peers")
	}
	var ids []PeerID
	for id := PeerID(1); id <= p.next; id++ {
		if _, ok := p.peers[id]; ok {
			ids = append(ids, id)
		}
	}
	return rapid.SampledFrom(ids).Draw(p.rt, "peer")
}

func (p *table) tx() *wire.Tx { return rapid.SampledFrom(p.txs).Draw(p.rt, "tx") }

// universe is transactions of all kinds: with and without witness, malleated
// ones, and chains of parents and children.
func universe() []*wire.Tx {
	var all []*wire.Tx
	for i := range byte(6) {
		wit := ""
		if i%2 == 0 {
			wit = "w"
		}
		p := spend(wit, coin(i))
		c := spend(wit, out(p, 0), coin(100+i))
		all = append(all, p, c, spend("", out(c, 0)), spend("m", out(p, 0), coin(100+i)))
	}
	all = append(all, spend("", out(all[0], 1), out(all[4], 1)))
	return all
}

// TestPlay lets peers announce, give, withhold and leave at random.
func TestPlay(t *testing.T) {
	txs := universe()
	rapid.Check(t, func(rt *rapid.T) {
		g := newGame(t)
		p := &table{game: g, rt: rt, peers: map[PeerID]PeerInfo{}, txs: txs,
			told: map[wire.Hash]map[PeerID]bool{}, judged: map[*wire.Tx]PeerID{}}
		p.asked = map[wire.Hash]struct {
			peer  PeerID
			until time.Time
		}{}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				s := g.m.Stats()
				for id := range p.peers {
					if n, _ := g.m.Announced(id); n > MaxAnnounced {
						t.Fatalf("%d tracked of one peer", n)
					}
				}
				if len(p.peers) == 0 && (s.Tracked > len(p.judged)*2 || s.InFlight > 0 || s.Orphans > 0) {
					t.Fatalf("kept without a peer: %+v", s)
				}
				// A deadline in the past would keep a core busy.
				if d := g.m.NextDeadline(); !d.IsZero() && !d.After(p.now) {
					t.Fatalf("deadline %v ago", p.now.Sub(d))
				}
			},
			"connect": func(t *rapid.T) {
				p.rt = t
				if len(p.peers) >= 6 {
					t.Skip("enough")
				}
				p.next++
				info := rapid.SampledFrom([]PeerInfo{chosen, inbound, byTxID, trusted, {Witness: true}}).Draw(t, "kind")
				p.peers[p.next] = info
				g.up(p.next, info)
			},
			"leave": func(t *rapid.T) {
				p.rt = t
				id := p.peer()
				delete(p.peers, id)
				for h, a := range p.asked {
					if a.peer == id {
						delete(p.asked, h)
					}
				}
				for _, who := range p.told {
					delete(who, id)
				}
				p.check(g.m.PeerDown(p.now, id))
			},
			"announce": func(t *rapid.T) {
				p.rt = t
				id, tx := p.peer(), p.tx()
				v := wire.InvVect{Type: wire.InvTx, Hash: tx.TxID()}
				if p.peers[id].WTxIDRelay {
					v = wire.InvVect{Type: wire.InvWTx, Hash: tx.WTxID()}
				}
				p.tell(id, v.Hash)
				for _, in := range tx.In { // if it is an orphan
					p.tell(id, in.PrevOut.Hash)
				}
				p.check(g.m.Inv(p.now, id, []wire.InvVect{v}))
			},
			"time": func(t *rapid.T) {
				p.rt = t
				p.now = p.now.Add(time.Duration(rapid.IntRange(0, 90_000).Draw(t, "ms")) * time.Millisecond)
				p.check(g.m.Tick(p.now))
			},
			"not found": func(t *rapid.T) {
				p.rt = t
				id, tx := p.peer(), p.tx()
				p.answered(id, tx.TxID())
				p.answered(id, tx.WTxID())
				p.check(g.m.NotFound(p.now, id, []wire.InvVect{{Type: wire.InvTx, Hash: tx.TxID()}, {Type: wire.InvWTx, Hash: tx.WTxID()}}))
			},
			"give": func(t *rapid.T) {
				p.rt = t
				id, tx := p.peer(), p.tx()
				p.answered(id, tx.TxID())
				p.answered(id, tx.WTxID())
				v := g.m.Received(p.now, id, tx)
				if v.Judge {
					if _, twice := p.judged[tx]; twice {
						t.Fatal("judged twice at once")
					}
					p.judged[tx] = id
				}
				p.check(v.Requests)
				if v.Package != nil {
					p.outcome(t, v.Package.Parent, id, false)
					p.outcome(t, v.Package.Child, id, false)
				}
			},
			"outcome": func(t *rapid.T) {
				p.rt = t
				for _, tx := range p.txs {
					if id, ok := p.judged[tx]; ok {
						delete(p.judged, tx)
						p.outcome(t, tx, id, true)
						return
					}
				}
				t.Skip("nothing is judged")
			},
			"orphan": func(t *rapid.T) {
				p.rt = t
				id, tx, ok := g.m.Next()
				if !ok {
					t.Skip("no work")
				}
				if _, there := p.peers[id]; !there {
					t.Fatalf("tried on account of peer %d, which is gone", id)
				}
				p.outcome(t, tx, id, false)
			},
			"block": func(t *rapid.T) {
				p.rt = t
				tx := p.tx()
				if _, judged := p.judged[tx]; judged {
					t.Skip("is judged")
				}
				g.m.Moved([][]wire.Tx{{*tx}}, rapid.Bool().Draw(t, "back"))
				delete(p.pool.txs, tx.TxID())
				delete(p.pool.txs, tx.WTxID())
				delete(p.asked, tx.TxID())
				delete(p.asked, tx.WTxID())
				p.check(g.m.Tick(p.now))
			},
		})
	})
}

// outcome tells some outcome of a transaction.
func (p *table) outcome(t *rapid.T, tx *wire.Tx, id PeerID, judged bool) {
	c := rapid.SampledFrom([]Cause{Refused, RefusedInputs, InputsMissing, InputsMissing, Premature, WitnessStripped, Reconsiderable, Known, 99, 99}).Draw(t, "outcome")
	holders := []PeerID{id}
	for peer := range p.peers {
		if p.told[tx.TxID()][peer] || p.told[tx.WTxID()][peer] {
			holders = append(holders, peer)
		}
	}
	for _, h := range []wire.Hash{tx.TxID(), tx.WTxID()} {
		if a, ok := p.asked[h]; ok {
			holders = append(holders, a.peer)
		}
		if c != WitnessStripped { // nothing is asked any more
			delete(p.asked, h)
		}
	}
	if c == 99 {
		p.pool.put(tx)
		p.m.Accepted(tx, judged)
		p.check(p.m.Tick(p.now))
		return
	}
	for _, in := range tx.In {
		for _, h := range holders {
			p.tell(h, in.PrevOut.Hash)
		}
	}
	f := p.m.Rejected(p.now, id, Rejection{Tx: tx, Cause: c, Judged: judged})
	p.check(f.Requests)
}

// TestHonestDelivers has any number of peers announce a transaction that they
// never give, and one that does. It must be asked within a minute for each of
// the others, whatever their order.
func TestHonestDelivers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := newGame(t)
		a := spend("w", coin(1))
		n := rapid.IntRange(0, 20).Draw(rt, "others")
		at := rapid.IntRange(0, n).Draw(rt, "place")
		kinds := []PeerInfo{chosen, inbound, trusted}
		honest := PeerID(at + 1)
		for i := range n + 1 {
			id := PeerID(i + 1)
			g.up(id, rapid.SampledFrom(kinds).Draw(rt, "kind"))
		}
		got := false
		take := func(rs []Request) {
			for _, r := range rs {
				got = got || r.Peer == honest
			}
		}
		for i := range n + 1 {
			g.now = g.now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(rt, "ms")) * time.Millisecond)
			take(g.m.Inv(g.now, PeerID(i+1), []wire.InvVect{{Type: wire.InvWTx, Hash: a.WTxID()}}))
		}
		end := g.now.Add(time.Duration(n)*RequestTimeout + DefaultWait)
		for !got {
			d := g.m.NextDeadline()
			if d.IsZero() || d.After(end) {
				rt.Fatal("the honest peer is not asked")
			}
			g.now = d
			take(g.m.Tick(d))
		}
	})
}
