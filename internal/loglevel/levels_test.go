package loglevel

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestLevels(t *testing.T) {
	l, err := New([]string{"chain", "net"}, []string{"warn,net=debug"})
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	log := slog.New(l.Handler(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug})))
	net, chain := log.With(PartKey, "net"), log.With(PartKey, "chain")
	log.Info("one")
	net.With("peer", 1).Debug("two")
	chain.Info("three")
	if err := l.Set("chain", slog.LevelInfo); err != nil {
		t.Fatal(err)
	}
	chain.Info("four")
	got := buf.String()
	for word, want := range map[string]bool{"one": false, "two": true, "three": false, "four": true} {
		if strings.Contains(got, "msg="+word) != want {
			t.Errorf("message %s: shown is not %v", word, want)
		}
	}
}
