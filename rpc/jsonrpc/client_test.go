package jsonrpc

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestRefusalIsTold calls a node in ways that it refuses before it reads a call. It
// says why, and whoever called gets to know; of what is no plain text nothing is
// shown.
func TestRefusalIsTold(t *testing.T) {
	var kind, body string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(http.StatusForbidden)
		w.Write([]byte(body))
	}))
	defer s.Close()
	c := &Client{Address: strings.TrimPrefix(s.URL, "http://"), User: "u", HTTP: s.Client()}
	for _, tc := range []struct{ kind, body, want string }{
		{"text/plain; charset=utf-8", "Not by this name.\nElse.\n", "answered: Not by this name. (HTTP status 403 Forbidden)"},
		{"text/plain", "\x1b[2J", `answered: \u001b[2J (HTTP`},
		{"text/plain", strings.Repeat("a", 1000), strings.Repeat("a", maxSaid) + " (HTTP"},
		{"text/plain", "", "did not answer like a node: HTTP status 403"},
		{"text/html", "<html>", "did not answer like a node: HTTP status 403"},
	} {
		kind, body = tc.kind, tc.body
		_, call := c.Call(t.Context(), "help", []any{})
		_, batch := c.Batch(t.Context(), []BatchCall{{"help", []any{}}})
		for _, err := range []error{call, batch} {
			var bad *BadAnswerError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%q: %v, want %q", tc.body, err, tc.want)
			}
		}
	}
}

// TestNoProxy calls a node of a name that no resolver takes, with a proxy in the
// environment: the proxy must not be asked, as it would see the password. The
// environment is read once, so a process of its own makes the call.
func TestNoProxy(t *testing.T) {
	if os.Getenv("TEST_NO_PROXY") != "" {
		c := &Client{Address: "a..b:80", User: "u", Password: "p"}
		_, err := c.Call(t.Context(), "help", []any{})
		var gone *UnreachableError
		if !errors.As(err, &gone) {
			t.Errorf("got %v", err)
		}
		return
	}
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header.Get("Authorization") }))
	defer proxy.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoProxy$")
	cmd.Env = append(os.Environ(), "TEST_NO_PROXY=1", "HTTP_PROXY="+proxy.URL, "NO_PROXY=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	select {
	case a := <-asked:
		t.Errorf("the proxy was asked, with %q", a)
	default:
	}
}

// TestNoRedirect has something send a call elsewhere: it is not followed.
func TestNoRedirect(t *testing.T) {
	calls := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
	}))
	defer s.Close()
	c := &Client{Address: strings.TrimPrefix(s.URL, "http://"), User: "u"}
	var bad *BadAnswerError
	if _, err := c.Call(t.Context(), "help", []any{}); !errors.As(err, &bad) || calls != 1 {
		t.Errorf("%d requests: %v", calls, err)
	}
	c.carrier().CloseIdleConnections()
}
