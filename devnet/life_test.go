package devnet

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// TestLife: a node ends only when nobody works with it any more, has those who
// do stop, and lets nobody begin meanwhile.
func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &member{name: "wallet"}
		refused := func() {
			t.Helper()
			var stopped *StoppedError
			if _, _, err := n.use(t.Context()); !errors.As(err, &stopped) || stopped.Node != "wallet" {
				t.Errorf("using a node that is stopped: %v", err)
			}
		}
		refused()
		for range 2 { // it may be started again
			run, done := n.life.begin(t.Context())
			go func() { <-run.Done(); close(done) }()
			ctx, leave, err := n.use(t.Context())
			if err != nil || n.life.ended() {
				t.Fatal(err)
			}
			ended := make(chan bool, 1)
			go func() { ended <- n.life.end() }()
			<-ctx.Done()
			synctest.Wait()
			if run.Err() != nil || len(ended) > 0 {
				t.Error("the node ends although somebody works with it")
			}
			refused()
			leave()
			if !<-ended || !errors.Is(run.Err(), context.Canceled) {
				t.Error("it has not ended")
			}
			if n.life.end() {
				t.Error("it was ended twice")
			}
		}
	})
}

// TestReachable: no way leads over a node that is stopped, or across a
// partition.
func TestReachable(t *testing.T) {
	d := &Net{faults: NewFaults(nil, 1)}
	for i := range 5 { // 0 - 1 - 2 - 3 and, from 0, 4
		n := &member{index: i}
		switch i {
		case 1, 2, 3:
			n.dials = []int{i - 1}
		case 4:
			n.dials = []int{0}
		}
		n.life.begin(t.Context())
		d.nodes = append(d.nodes, n)
	}
	want := func(from int, places ...int) {
		t.Helper()
		near := d.reachable(d.nodes[from])
		if len(near) != len(places) {
			t.Errorf("from %d: %v, want %v", from, near, places)
		}
		for _, p := range places {
			if !near[p] {
				t.Errorf("from %d: %v, want %v", from, near, places)
			}
		}
	}
	want(0, 0, 1, 2, 3, 4)
	close(d.nodes[2].life.done)
	d.nodes[2].life.end()
	want(0, 0, 1, 4)
	want(3, 3)
	if err := d.faults.Partition([][]int{{0, 2, 3}, {1, 4}}); err != nil {
		t.Fatal(err)
	}
	want(0, 0)
	want(4, 4)
}
