package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"

	"starling/wire"
)

// order is what the process of the peers is to do first.
type order struct {
	To      string
	Magic   [4]byte
	Genesis wire.Hash
	Count   int
	V2      bool
}

// round tells the process of the peers that a block is about to be made.
type round struct{ Fetch bool }

// report is what the process of the peers says.
type report struct {
	Up     int    `json:",omitempty"` // links that are up
	Failed string `json:",omitempty"` // why there is no going on
	// When each of the peers had the block, in nanoseconds since 1970.
	Block wire.Hash
	Times []int64 `json:",omitempty"`
}

// roundPatience is how long all peers may take to have a block.
const roundPatience = 5 * time.Minute

// peers is the process of the peers.
type peers struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *json.Encoder
	reports chan report // closed when the process has ended
}

func startPeers(ctx context.Context, o order) (*peers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &peers{cmd: exec.CommandContext(ctx, self, rolePeers), reports: make(chan report, 16)}
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	from, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.reports)
		dec := json.NewDecoder(from)
		for {
			var r report
			if dec.Decode(&r) != nil {
				return
			}
			p.reports <- r
		}
	}()
	p.out = json.NewEncoder(p.in)
	return p, p.out.Encode(o)
}

// next waits for the next report.
func (p *peers) next(ctx context.Context) (report, error) {
	select {
	case r, ok := <-p.reports:
		switch {
		case !ok:
			return r, errors.New("the process of the peers has ended")
		case r.Failed != "":
			return r, errors.New(r.Failed)
		}
		return r, nil
	case <-ctx.Done():
		return report{}, ctx.Err()
	}
}

// await waits until so many links are up.
func (p *peers) await(ctx context.Context, count int) error {
	for step := max(1, count/10); ; {
		r, err := p.next(ctx)
		if err != nil {
			return err
		}
		if r.Up%step == 0 {
			progress("  %d of %d links are up", r.Up, count)
		}
		if r.Up == count {
			return nil
		}
	}
}

// expect tells the peers of the next block, and whether they are to fetch it.
func (p *peers) expect(ctx context.Context, fetch bool) error {
	if err := p.out.Encode(round{fetch}); err != nil {
		return err
	}
	_, err := p.next(ctx) // they know
	return err
}

// collect waits until all peers have a block, and returns how long that took.
func (p *peers) collect(ctx context.Context, hash wire.Hash, began time.Time) (s spread, err error) {
	ctx, cancel := context.WithTimeout(ctx, roundPatience)
	defer cancel()
	r, err := p.next(ctx)
	if err != nil {
		return s, fmt.Errorf("block %v: %w", hash, err)
	}
	if r.Block != hash {
		return s, fmt.Errorf("the peers speak of block %v, not %v", r.Block, hash)
	}
	slices.Sort(r.Times)
	for i, part := range []int{50, 90, 99, 100} {
		at := max(1, (len(r.Times)*part+99)/100) - 1
		s[i] = time.Unix(0, r.Times[at]).Sub(began)
	}
	return s, nil
}

// stop ends the process.
func (p *peers) stop() {
	p.in.Close()
	for range p.reports {
		// What it still says is of no interest, but it must not wait to say it.
	}
	p.cmd.Wait()
}
