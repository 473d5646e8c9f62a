package devnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"starling/clock"
)

// Client asks a running network to do something.
type Client struct {
	contact contact
	path    string
}

// NotRunningError says that no network runs.
type NotRunningError struct{ Dir string }

// Error implements the error interface.
func (e *NotRunningError) Error() string {
	return fmt.Sprintf("no devnet runs in %s: start one with \"starling devnet\", or say with --state where it is", e.Dir)
}

// Dial finds the network whose control file is in a directory. The error is a
// [*NotRunningError] if there is none.
func Dial(dir string) (*Client, error) {
	path := filepath.Join(dir, controlFile)
	c, err := readContact(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotRunningError{Dir: dir}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Client{contact: c, path: path}, nil
}

// Do asks for an action: status, info, partition, heal, path, mine, reorg, pay,
// stop-node, start-node or stop.
func (c *Client) Do(ctx context.Context, action string, q Request) (Reply, error) {
	var r Reply
	b, err := json.Marshal(q)
	if err != nil {
		return r, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.contact.Address+"/"+action, bytes.NewReader(b))
	if err != nil {
		return r, err
	}
	req.Header.Set("Authorization", "Bearer "+c.contact.Token)
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		// It was killed, and has left its file.
		return r, &NotRunningError{Dir: filepath.Dir(c.path)}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		return r, fmt.Errorf("the devnet answered %s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		return r, err
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}

// goneEvery is how often [Client.Stop] looks whether the network is gone.
const goneEvery = 50 * time.Millisecond

// Stop stops the network and returns when it is gone.
func (c *Client) Stop(ctx context.Context) error {
	if _, err := c.Do(ctx, "stop", Request{}); err != nil {
		return err
	}
	for {
		now, err := readContact(c.path)
		if err != nil || now.Token != c.contact.Token {
			return nil
		}
		if err := clock.Sleep(ctx, clock.System(), goneEvery); err != nil {
			return err
		}
	}
}
