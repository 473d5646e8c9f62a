package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"starling/server/fanout"
)

// TestEventOrder: a new block is on its way to peers before others hear of it,
// what takes note for users and statistics comes last, and each place but the
// wallet's is taken.
func TestEventOrder(t *testing.T) {
	want := []string{"compact", "relay", "fees", "download", "wallet", "metrics"}
	if diff := cmp.Diff(want, eventOrder()); diff != "" {
		t.Error(diff)
	}
	n := &Server{}
	n.fanOut()
	n.subscribePool()
	for _, name := range want {
		func() {
			defer func() {
				if taken := recover() != nil; taken != (name != "wallet") {
					t.Errorf("the place of %q is taken: %v", name, taken)
				}
			}()
			n.Subscribe(name, fanout.Subscriber{})
		}()
	}
}
