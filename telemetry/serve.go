package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
)

const (
	// maxCollections is how many clients may collect at the same time; the
	// rest are told to come back. One Prometheus needs one.
	maxCollections = 4
	// httpTimeout bounds how long a client may take to ask, and to read the
	// answer of some 100 KB.
	httpTimeout = 15 * time.Second
	// idleTimeout is longer than the minute that many collect at, so that they
	// keep their connection.
	idleTimeout = 2 * time.Minute
	// maxRequestHeader bounds the memory of a request; collectors send a few
	// hundred bytes.
	maxRequestHeader = 16 << 10
	// stopTimeout is how long answers in progress have when the node stops.
	stopTimeout = time.Second
)

// Handler serves the metrics in the formats that Prometheus reads.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxCollections,
		EnableOpenMetrics:   true,
	})
}

// Listen opens addr, a host:port. The error says in one line what was in the
// way.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("metrics: cannot listen on %s: %w", addr, err)
	}
	return l, nil
}

// Serve listens on addr and serves /metrics until ctx is done. It returns when
// the server is gone; the error is nil if ctx ended it.
func (m *Metrics) Serve(ctx context.Context, addr string, log *slog.Logger) error {
	l, err := Listen(ctx, addr)
	if err != nil {
		return err
	}
	return m.ServeListener(ctx, l, log)
}

// ServeListener is [Metrics.Serve] on a listener, which it closes. A nil log
// discards.
func (m *Metrics) ServeListener(ctx context.Context, l net.Listener, log *slog.Logger) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	srv := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: httpTimeout,
		ReadTimeout:       httpTimeout,
		WriteTimeout:      httpTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxRequestHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	log.Info("metrics are served", "address", "http://"+l.Addr().String()+"/metrics")

	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("metrics: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-gctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if srv.Shutdown(stop) != nil {
			_ = srv.Close() // whoever is still reading is cut off
		}
		return nil
	})
	return g.Wait()
}
