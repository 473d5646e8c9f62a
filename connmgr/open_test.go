package connmgr

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	ma "github.com/multiformats/go-multiaddr"

	"starling/peer"
)

// kindDialer holds each link until it is called off, and tells of it.
type kindDialer chan peer.Kind

func (d kindDialer) Connect(ctx context.Context, _ ma.Multiaddr, kind peer.Kind, up func()) error {
	up()
	d <- kind
	<-ctx.Done()
	return ctx.Err()
}

// Links that are asked for are made once, of the kind that is asked for; they end
// when networking is switched off, and none is made then.
func TestOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := make(kindDialer, maxOpens)
		m, err := New(Config{Dialer: d})
		if err != nil {
			t.Fatal(err)
		}
		addr := ma.StringCast("/ip4/1.2.3.4/tcp/8333")
		for range maxOpens {
			if err := m.Open(addr, peer.Feeler); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Open(addr, peer.Feeler); !errors.Is(err, ErrTooMany) {
			t.Errorf("one too many: %v", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		synctest.Wait()
		if len(d) != maxOpens || <-d != peer.Feeler {
			t.Errorf("%d links were made", len(d))
		}
		m.SetActive(false)
		synctest.Wait()
		m.mu.Lock()
		if len(m.openCancel) != 0 {
			t.Errorf("%d links are left when networking is off", len(m.openCancel))
		}
		m.mu.Unlock()
		if err := m.Open(addr, peer.Feeler); !errors.Is(err, ErrInactive) {
			t.Errorf("while it is off: %v", err)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
