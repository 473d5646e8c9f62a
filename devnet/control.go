package devnet

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
)

const (
	// controlFile tells commands where a running network is.
	controlFile = "control.json"
	// maxRequest bounds what a command sends, in bytes: the names of all nodes
	// fit many times.
	maxRequest = 64 << 10
	// requestPatience is how long a command may take to send its request.
	requestPatience = 10 * time.Second
)

// contact is the content of the control file.
type contact struct {
	PID     int    `json:"pid"`
	Address string `json:"address"`
	Token   string `json:"token"` // shows that a command may read the file
	Dir     string `json:"dir"`   // with the nodes' data
}

// control answers commands.
type control struct {
	net      *Net
	listener net.Listener
	token    string
}

// networkPath returns where the network's file is.
func (d *Net) networkPath() string { return filepath.Join(d.dir, networkFile) }

// RunningError says that a network uses the directory already.
type RunningError struct {
	PID int // 0 if it is not known
	Dir string
}

// Error implements the error interface.
func (e *RunningError) Error() string {
	who := "a devnet"
	if e.PID != 0 {
		who = fmt.Sprintf("a devnet with process number %d", e.PID)
	}
	return fmt.Sprintf("%s runs already and uses %s: stop it with \"starling devnet stop\", or keep this one apart with --state DIR", who, e.Dir)
}

// takeControl takes the control directory for this process, and clears up after
// one that was killed.
func (d *Net) takeControl() error {
	dir := d.cfg.Control
	_, statErr := os.Stat(dir)
	parentErr := error(nil)
	if parent := filepath.Dir(dir); errors.Is(statErr, fs.ErrNotExist) {
		_, parentErr = os.Stat(parent)
	}
	path := filepath.Join(dir, controlFile)
	old, readErr := readContact(path)
	lock, err := store.LockDir(vfs.Default, dir)
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return &RunningError{PID: old.PID, Dir: dir}
	}
	if err != nil {
		return err
	}
	d.release = append(d.release, func() error {
		err := lock.Close()
		if d.cfg.State != "" {
			return err
		}
		// Nothing is left of a network that is not kept, nor of directories
		// that were made for it. Those that hold something else stay.
		err = errors.Join(err, os.Remove(filepath.Join(dir, lockFile)))
		if errors.Is(statErr, fs.ErrNotExist) {
			_ = os.Remove(dir)
		}
		if errors.Is(parentErr, fs.ErrNotExist) {
			_ = os.Remove(filepath.Dir(dir))
		}
		return err
	})
	if readErr == nil {
		if isTemp(old.Dir) {
			if err := os.RemoveAll(old.Dir); err != nil {
				return err
			}
		}
		return os.Remove(path)
	}
	return nil
}

// lockFile is the name of the file that [store.LockDir] leaves.
const lockFile = ".lock"

func readContact(path string) (c contact, err error) {
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	return c, err
}

// openControl listens for commands, on this machine only, and tells where.
func (d *Net) openControl() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.control = &control{net: d, listener: ln, token: rand.Text()}
	d.release = append(d.release, func() error {
		if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	b, err := json.MarshalIndent(contact{PID: os.Getpid(), Address: ln.Addr().String(), Token: d.control.token, Dir: d.dir}, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(d.cfg.Control, controlFile)
	if err := writeFile(path, append(b, '\n'), 0o600); err != nil {
		return err
	}
	d.release = append(d.release, func() error { return os.Remove(path) })
	return nil
}

// serve answers commands until ctx ends.
func (c *control) serve(ctx context.Context) error {
	srv := &http.Server{
		Handler: c.handler(), ReadTimeout: requestPatience,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(c.listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// Requests under way see that ctx has ended, and give their answers.
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestPatience)
	defer cancel()
	err := srv.Shutdown(stopCtx)
	<-failed
	return errors.Join(err, srv.Close())
}

// Request is what a command asks for. Which fields count hangs on the action.
type Request struct {
	Node   string     `json:"node,omitempty"`
	N      int        `json:"n,omitempty"`      // blocks
	To     string     `json:"to,omitempty"`     // node or address
	Amount int64      `json:"amount,omitempty"` // satoshi
	Wait   bool       `json:"wait,omitempty"`
	Groups [][]string `json:"groups,omitempty"`
	Path   PathChange `json:"path,omitzero"`
}

// Reply is what came of it.
type Reply struct {
	Error   string       `json:"error,omitempty"`
	Hashes  []string     `json:"hashes,omitempty"`
	Groups  [][]string   `json:"groups,omitempty"`
	Payment *PaymentInfo `json:"payment,omitempty"`
	Status  *Status      `json:"status,omitempty"`
	Info    *Description `json:"info,omitempty"`
}

// action does what a request asks for.
func (c *control) action(ctx context.Context, name string, q Request) (r Reply, err error) {
	d := c.net
	hashes := func(blocks []string, err error) (Reply, error) { return Reply{Hashes: blocks}, err }
	switch name {
	case "status":
		s := d.Status()
		return Reply{Status: &s}, nil
	case "stop":
		d.Stop()
		return Reply{}, nil
	}
	select {
	case <-d.ready:
	case <-ctx.Done():
		return r, errors.New("the network is stopping")
	}
	switch name {
	case "info":
		r.Info = d.describe(ctx)
	case "stop-node":
		err = d.StopNode(q.Node)
	case "start-node":
		err = d.StartNode(ctx, q.Node)
	case "partition":
		r.Groups, err = d.Partition(q.Groups)
	case "heal":
		err = d.Heal(ctx)
	case "path":
		err = d.ChangePath(q.Path)
	case "mine":
		blocks, err := d.Mine(ctx, q.Node, q.N)
		return hashes(texts(blocks), err)
	case "reorg":
		blocks, err := d.Reorg(ctx, q.Node, q.N)
		return hashes(texts(blocks), err)
	case "pay":
		p, err := d.Pay(ctx, q.Node, q.To, q.Amount, q.Wait)
		return Reply{Payment: &p}, err
	default:
		err = fmt.Errorf("there is no action %q", name)
	}
	return r, err
}

func texts[T fmt.Stringer](list []T) []string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = v.String()
	}
	return all
}

// handler turns requests into actions.
func (c *control) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{action}", func(w http.ResponseWriter, r *http.Request) {
		token := []byte("Bearer " + c.token)
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), token) != 1 {
			http.Error(w, "wrong token", http.StatusUnauthorized)
			return
		}
		var q Request
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply, err := c.action(r.Context(), r.PathValue("action"), q)
		switch {
		case !errors.Is(err, context.Canceled):
		case r.Context().Err() != nil:
			err = errors.New("the network is stopping")
		default:
			err = errors.New("a node that this needs was stopped meanwhile")
		}
		if err != nil {
			reply.Error = err.Error()
		}
		w.Header().Set("Content-Type", "application/json")
		// Who does not take the answer does not want it.
		_ = json.NewEncoder(w).Encode(reply)
	})
	return mux
}
