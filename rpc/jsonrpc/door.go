package jsonrpc

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
)

// maxStrangers is how many connections may be open that have shown no password
// yet. One more takes the place of one of them, so that they keep nobody out.
// Each costs a goroutine and some 16 KB for the headers of its request.
const maxStrangers = 32

// A visitor is a connection.
type visitor struct {
	source  netip.Prefix // who shares its places, see [sourceOf]
	conn    net.Conn
	end     context.CancelFunc // of the context of its requests
	serving context.Context    // ends when the server stops, but not with the connection
	state   visitorState
	shown   digest // the user and password that it has shown, if it is known
}

// close has the connection end, whatever it is doing.
func (v *visitor) close() {
	v.end()
	v.conn.Close()
}

type visitorState int

const (
	silent  visitorState = iota // has sent no whole request yet
	asking                      // has, and it is not known yet what its password is worth
	calling                     // has shown a password, and has a request in progress
	resting                     // has shown a password, and may send the next request
)

// door decides which connections may stay. It closes none itself: its methods
// return the one that has to leave. It is safe for concurrent use.
type door struct {
	maxKnown int

	mu   sync.Mutex
	here []*visitor // in the order in which they came
}

// enter lets a connection in. If there are too many strangers now, another has
// to leave: of those who share the source of the most, one that is silent
// before one that asks, and who came first before the others.
func (d *door) enter(v *visitor) (leaves *visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	crowd := make(map[netip.Prefix]int)
	strangers := 1
	crowd[v.source]++
	for _, o := range d.here {
		if o.state < calling {
			strangers++
			crowd[o.source]++
		}
	}
	if strangers > maxStrangers {
		for _, o := range d.here {
			if o.state < calling && (leaves == nil || crowd[o.source] > crowd[leaves.source] ||
				crowd[o.source] == crowd[leaves.source] && o.state < leaves.state) {
				leaves = o
			}
		}
		d.remove(leaves)
	}
	d.here = append(d.here, v)
	return leaves
}

// ask says that a connection has sent the headers of a request.
func (d *door) ask(v *visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.state == silent {
		v.state = asking
	}
}

// know says that a connection has shown a password with its present request.
// If there are too many of those now, one that is resting has to leave. If
// there is none the connection itself must leave, and ok is false.
func (d *door) know(v *visitor, shown digest) (leaves *visitor, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.state < calling {
		known := 0
		for _, o := range d.here {
			if o.state >= calling {
				known++
			}
			if o.state == resting && leaves == nil {
				leaves = o
			}
		}
		switch {
		case known < d.maxKnown:
			leaves = nil
		case leaves == nil:
			return nil, false
		default:
			d.remove(leaves)
		}
	}
	v.state, v.shown = calling, shown
	return leaves, true
}

// knows reports whether a connection has shown this user and password before.
func (d *door) knows(v *visitor, shown digest) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return v.state >= calling && v.shown == shown
}

// rest says that a connection waits for its next request.
func (d *door) rest(v *visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.state == calling {
		v.state = resting
	}
}

// strangers returns the connections that have shown no password.
func (d *door) strangers() []*visitor {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.here), func(v *visitor) bool { return v.state >= calling })
}

// leave says that a connection is gone.
func (d *door) leave(v *visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(v)
}

func (d *door) remove(v *visitor) {
	if i := slices.Index(d.here, v); i >= 0 {
		d.here = slices.Delete(d.here, i, i+1)
	}
}

// sourceOf returns who a connection comes from: an IPv4 address, or the network
// of an IPv6 address, of which one user has as many as there are.
func sourceOf(c net.Conn) netip.Prefix {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	a := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address at all
	}
	return p
}

// connections are those of an HTTP server, by what it calls them.
type connections struct {
	mu  sync.Mutex
	all map[net.Conn]*visitor
	wg  sync.WaitGroup // the goroutines that serve them
}

// visitorKey is what a visitor is found by in the context of its requests.
type visitorKey struct{}

// visitorOf returns whose request a context belongs to.
func visitorOf(ctx context.Context) *visitor {
	v, _ := ctx.Value(visitorKey{}).(*visitor)
	return v
}

// open lets a new connection in, and returns the context of its requests.
func (cs *connections) open(serving context.Context, c net.Conn, d *door) context.Context {
	ctx, end := context.WithCancel(serving)
	v := &visitor{source: sourceOf(c), conn: c, end: end, serving: serving}
	cs.mu.Lock()
	if cs.all == nil {
		cs.all = make(map[net.Conn]*visitor)
	}
	cs.all[c] = v
	cs.mu.Unlock()
	cs.wg.Add(1)
	if leaves := d.enter(v); leaves != nil {
		leaves.close()
	}
	return context.WithValue(ctx, visitorKey{}, v)
}

// change follows what the server does with a connection.
func (cs *connections) change(c net.Conn, state http.ConnState, d *door) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	v := cs.all[c]
	switch state {
	case http.StateIdle:
		d.rest(v)
	case http.StateClosed:
		delete(cs.all, c)
		d.leave(v)
		v.end()
		cs.wg.Done()
	}
}

// wait waits until all connections are gone, and the goroutines that served
// them. None may be opened any more.
func (cs *connections) wait() { cs.wg.Wait() }
