package chainrpc

import (
	"context"
	"sync"
	"sync/atomic"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/script/descriptor"
)

// scanState is the one scan of its kind that may run.
type scanState struct {
	mu      sync.Mutex
	running bool
	cancel  context.CancelFunc

	progress atomic.Int32 // in percent
	height   atomic.Int32 // of the block that is looked at, where blocks are
}

// begin notes that a scan runs until end is called, under a context that
// [scanState.abort] ends. One that runs already is in the way.
func (s *scanState) begin(ctx context.Context) (scanCtx context.Context, end func(), err error) {
	scanCtx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		cancel()
		return nil, nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Scan already in progress, use action \"abort\" or \"status\"")
	}
	s.running, s.cancel = true, cancel
	s.progress.Store(0)
	return scanCtx, func() {
		cancel()
		s.mu.Lock()
		s.running = false
		s.mu.Unlock()
	}, nil
}

func (s *scanState) isRunning() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// abort ends the scan that runs, and reports whether there is one.
func (s *scanState) abort() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		s.cancel()
	}
	return s.running
}

// scanTargets returns the scripts that a scan is to look for. The action must be
// start.
func (a *api) scanTargets(ctx context.Context, action string, objects []rpcargs.ScanObject) (map[string]scanTarget, error) {
	if action != "start" {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid action '%s'", action)
	}
	if len(objects) == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "scanobjects argument is required for the start action")
	}
	wanted := make(map[string]scanTarget)
	for i := range objects {
		err := objects[i].Each(ctx, a.network(), func(d *descriptor.Descriptor, index uint32, outs []descriptor.Output) {
			for n := range outs {
				wanted[string(outs[n].Script)] = scanTarget{d, index, n}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return wanted, nil
}

// scanTarget says where a script comes from that is looked for.
type scanTarget struct {
	d     *descriptor.Descriptor
	index uint32
	n     int // which of its scripts
}

// describe returns the descriptor of the script alone.
func (t *scanTarget) describe() string {
	outs, err := t.d.Expand(t.index)
	if err != nil {
		return "" // it was expanded before
	}
	return descriptor.Infer(outs[t.n], t.d.Network()).String()
}
