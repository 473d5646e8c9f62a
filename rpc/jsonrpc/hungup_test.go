package jsonrpc

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// TestHungUp: a call ends when its connection does.
func TestHungUp(t *testing.T) {
	s := startServer(t, Options{Table: testTable(make(chan struct{}))})
	s.Ready(s.opts.Table)
	ctx, hangUp := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+"/", strings.NewReader(`{"method":"wait"}`))
		req.SetBasicAuth("user", "pass")
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	for len(s.waiters) == 0 {
		runtime.Gosched()
	}
	hangUp()
	if err := <-done; err == nil {
		t.Error("a call that was hung up was answered")
	}
	for len(s.waiters) != 0 { // or the test never ends
		runtime.Gosched()
	}
}
