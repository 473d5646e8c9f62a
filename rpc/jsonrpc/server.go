package jsonrpc

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxBody is the largest request that is read. It is Core's figure, and
	// holds a block of the largest size in hexadecimal digits, four times.
	maxBody = 32 << 20
	// maxHeader bounds the HTTP headers of a request.
	maxHeader = 8 << 10
	// headerTimeout is how long a client may take until it has sent the headers
	// of a request, which hold its password.
	headerTimeout = 5 * time.Second
	// ioTimeout is how long a client may take to send its request, to read
	// its answer, and to send the next one.
	ioTimeout = 30 * time.Second
	// authDelay is how long a wrong password costs, so that guessing is slow.
	authDelay = 250 * time.Millisecond
	// stopTimeout is how long calls in progress may take to end on shutdown.
	stopTimeout = 5 * time.Second

	defaultWorkers     = 16
	defaultQueueDepth  = 64
	defaultWaiters     = 64
	defaultConnections = 256
)

// Options say how a [Server] behaves. The zero value works, but for Table,
// and allows nobody in.
type Options struct {
	// Table holds the methods that are answered before [Server.Ready], as far
	// as they are marked early. The others are known by name.
	Table *Table
	// Paths are where calls may go beside "/", each with all that is below it;
	// see [PathOf].
	Paths []string
	// CookiePath is where the cookie file is kept; empty for none.
	CookiePath string
	// User and Password let one more user in, if Password is not empty.
	User, Password string
	// AllowHosts are the names by which clients may call the server, beside
	// localhost and addresses. A page of a browser that is called by another
	// name is not meant to talk to it.
	AllowHosts []string

	Workers        int // calls that run at the same time; 0 means 16
	QueueDepth     int // calls that may wait for a worker; 0 means 64
	Waiters        int // calls that may wait for an event; 0 means 64
	MaxConnections int // open connections that have shown a password; 0 means 256

	Log *slog.Logger // nil discards

	// For tests: 0 means the constants of these names.
	headerTimeout, stopTimeout time.Duration
}

// Server answers JSON-RPC over HTTP. Make one with [NewServer].
type Server struct {
	opts    Options
	table   atomic.Pointer[Table]
	log     *slog.Logger
	auth    credentials
	door    door
	guesses turns
	hosts   map[string]struct{} // Options.AllowHosts, as [hostName] has them
	warmup  atomic.Pointer[string]
	workers chan struct{}
	waiters chan struct{}
	queued  atomic.Int32

	mu     sync.Mutex
	active map[*activeCall]struct{}
}

// activeCall is a call in progress.
type activeCall struct {
	method string
	begun  time.Time
}

// ActiveCall describes a call in progress.
type ActiveCall struct {
	Method string
	For    time.Duration // how long it has been running
}

// NewServer returns a server that answers nothing yet: until
// [Server.Ready] is called, calls fail with [CodeInWarmup].
func NewServer(opts Options) *Server {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&opts.Workers, defaultWorkers)
	def(&opts.QueueDepth, defaultQueueDepth)
	def(&opts.Waiters, defaultWaiters)
	def(&opts.MaxConnections, defaultConnections)
	opts.headerTimeout = cmp.Or(opts.headerTimeout, headerTimeout)
	opts.stopTimeout = cmp.Or(opts.stopTimeout, stopTimeout)
	s := &Server{
		opts:    opts,
		log:     opts.Log,
		workers: make(chan struct{}, opts.Workers),
		waiters: make(chan struct{}, opts.Waiters),
		active:  make(map[*activeCall]struct{}),
		door:    door{maxKnown: opts.MaxConnections},
		hosts:   make(map[string]struct{}),
	}
	for _, h := range opts.AllowHosts {
		s.hosts[hostName(h)] = struct{}{}
	}
	s.table.Store(opts.Table)
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.SetWarmup("RPC server started")
	if opts.Password != "" {
		s.auth.add(opts.User, opts.Password)
	}
	return s
}

// SetWarmup says what the node is busy with while it starts.
func (s *Server) SetWarmup(status string) { s.warmup.Store(&status) }

// Ready ends the warm-up: calls are answered from now on, by the methods of t.
func (s *Server) Ready(t *Table) {
	s.table.Store(t)
	s.warmup.Store(nil)
}

// Serve answers calls that come in through the listeners until ctx ends, and
// closes them. It returns when every connection is gone. It must be called
// once.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	defer func() {
		for _, ln := range listeners {
			ln.Close()
		}
	}()
	if s.opts.CookiePath != "" {
		secret, err := writeCookie(s.opts.CookiePath)
		if err != nil {
			return err
		}
		s.auth.add(cookieUser, secret)
		defer func() {
			if err := removeCookie(s.opts.CookiePath, secret); err != nil {
				s.log.Warn("cookie file not removed", "err", err)
			}
		}()
	}
	// Handlers get a context that ends with ctx, so that waiters let go.
	var conns connections
	srv := &http.Server{
		Handler:           http.HandlerFunc(s.serveHTTP),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return conns.open(ctx, c, &s.door) },
		ConnState:         func(c net.Conn, state http.ConnState) { conns.change(c, state, &s.door) },
		ReadHeaderTimeout: s.opts.headerTimeout,
		ReadTimeout:       ioTimeout,
		IdleTimeout:       ioTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, len(listeners))
	for _, ln := range listeners {
		go func() { failed <- srv.Serve(ln) }()
	}
	var err error
	ended := 0
	select {
	case <-ctx.Done():
	case err = <-failed:
		ended++
	}
	// The server would wait for those who have sent nothing yet.
	for _, v := range s.door.strangers() {
		v.close()
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.stopTimeout)
	defer cancel()
	if srv.Shutdown(stop) != nil {
		srv.Close()
	}
	for ; ended < len(listeners); ended++ {
		if e := <-failed; err == nil && !errors.Is(e, http.ErrServerClosed) {
			err = e
		}
	}
	// What a method uses may be closed now; each ends with its context.
	conns.wait()
	if errors.Is(err, http.ErrServerClosed) || ctx.Err() != nil {
		err = nil
	}
	return err
}

// serveHTTP answers one HTTP request.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	// Whoever is not let in does not keep its place.
	w.Header().Set("Connection", "close")
	if host := hostName(r.Host); !s.isOwnHost(host) {
		s.log.Warn("called by a foreign name", "host", host, "from", r.RemoteAddr)
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "%q is not a name of this node. Call it by an address, or allow the name with --rpc-allow-host.\n", host)
		return
	}
	below := func(prefix string) bool { return strings.HasPrefix(r.URL.Path, prefix) }
	if r.URL.Path != "/" && !slices.ContainsFunc(s.opts.Paths, below) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		io.WriteString(w, "JSONRPC server handles only POST requests")
		return
	}
	if status := s.admit(r); status != http.StatusOK {
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="jsonrpc"`)
		}
		w.WriteHeader(status)
		if status == http.StatusServiceUnavailable {
			io.WriteString(w, "Too many connections with calls in progress\n")
		}
		return
	}
	w.Header().Del("Connection")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		} else {
			w.WriteHeader(http.StatusBadRequest)
		}
		return
	}
	// A long wait must not be cut off by the deadline for the request.
	http.NewResponseController(w).SetReadDeadline(time.Time{})
	out := &answer{w: w}
	ctx := WithPath(r.Context(), r.URL.Path)
	if TypeOf(body) == TypeArray && json.Valid(body) {
		s.batch(ctx, out, body)
	} else {
		s.single(ctx, out, body)
	}
}

// single answers a body that is not a batch.
func (s *Server) single(ctx context.Context, out *answer, body []byte) {
	req := request{id: json.RawMessage("null")}
	var result any
	var fail *Error
	switch {
	case TypeOf(body) != TypeObject && !json.Valid(body):
		fail = Errorf(CodeParse, "Parse error")
	case TypeOf(body) != TypeObject:
		fail = Errorf(CodeParse, "Top-level object parse error")
	default:
		var err error
		if req, err = parseRequest(body); err != nil {
			fail = ToError(err, nil)
			out.write(status(fail, version1), func(buf *bytes.Buffer) { req.reply(buf, nil, fail) })
			out.end()
			return
		}
		result, fail = s.run(ctx, &req)
		if req.isNotification() {
			out.w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	out.write(status(fail, req.version), func(buf *bytes.Buffer) { req.reply(buf, result, fail) })
	out.end()
}

// status returns the HTTP status of an answer. Version 2 has errors in
// successful answers; older clients expect HTTP to fail.
func status(fail *Error, v version) int {
	switch {
	case fail == nil || v == version2:
		return http.StatusOK
	case fail == errBusy:
		return http.StatusServiceUnavailable
	case fail.Code == CodeInvalidRequest:
		return http.StatusBadRequest
	case fail.Code == CodeMethodNotFound:
		return http.StatusNotFound
	default:
		return http.StatusInternalServerError
	}
}

// batch answers an array of requests, one after the other. Each answer is on
// its way before the next request runs, so that a batch needs no more memory
// than its largest answer.
func (s *Server) batch(ctx context.Context, out *answer, body []byte) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.Token() // the bracket; the body is known to be well formed
	count, answered := 0, 0
	for ; dec.More() && ctx.Err() == nil && out.err == nil; count++ {
		var raw json.RawMessage
		if dec.Decode(&raw) != nil {
			return
		}
		req, err := parseRequest(raw)
		var result any
		var fail *Error
		if err != nil {
			fail = ToError(err, nil)
		} else {
			result, fail = s.run(ctx, &req)
		}
		if req.isNotification() && err == nil {
			continue
		}
		separator := byte(',')
		if answered == 0 {
			separator = '['
		}
		answered++
		out.write(http.StatusOK, func(buf *bytes.Buffer) {
			buf.WriteByte(separator)
			req.reply(buf, result, fail)
		})
	}
	switch {
	case answered > 0:
		out.write(http.StatusOK, func(buf *bytes.Buffer) { buf.WriteByte(']') })
		out.end()
	case count == 0:
		// An empty batch names no version; old clients expect an answer.
		out.write(http.StatusOK, func(buf *bytes.Buffer) { buf.WriteString("[]") })
		out.end()
	default:
		out.w.WriteHeader(http.StatusNoContent)
	}
}

// answer writes a response piece by piece.
type answer struct {
	w     http.ResponseWriter
	begun bool
	buf   bytes.Buffer
	err   error
}

// write sends what fill puts into the buffer; status counts the first time.
func (a *answer) write(status int, fill func(*bytes.Buffer)) {
	fill(&a.buf)
	if !a.begun {
		a.begun = true
		a.w.Header().Set("Content-Type", "application/json")
		a.w.WriteHeader(status)
	}
	if a.buf.Len() >= 64<<10 {
		a.flush()
	}
}

func (a *answer) flush() {
	// A deadline on the socket: whoever reads slower than this is cut off.
	http.NewResponseController(a.w).SetWriteDeadline(wallClock().Add(ioTimeout))
	if _, err := a.w.Write(a.buf.Bytes()); err != nil {
		a.err = err
	}
	a.buf.Reset()
}

func (a *answer) end() {
	a.buf.WriteByte('\n')
	a.flush()
}

// track lists a call among the active ones until the returned function runs.
func (s *Server) track(method string) (done func()) {
	c := &activeCall{method: method, begun: wallClock()}
	s.mu.Lock()
	s.active[c] = struct{}{}
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		delete(s.active, c)
		s.mu.Unlock()
	}
}

// Active lists the calls in progress, the longest running first.
func (s *Server) Active() []ActiveCall {
	now := wallClock()
	s.mu.Lock()
	calls := make([]ActiveCall, 0, len(s.active))
	for c := range s.active {
		calls = append(calls, ActiveCall{c.method, now.Sub(c.begun)})
	}
	s.mu.Unlock()
	slices.SortFunc(calls, func(x, y ActiveCall) int { return cmp.Compare(y.For, x.For) })
	return calls
}

// wallClock is the real time, for socket deadlines and for how long calls
// take; a mocked clock must not touch either.
func wallClock() time.Time { return time.Now() }
