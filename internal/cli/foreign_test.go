package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"starling/internal/cli/cmdkit"
	"starling/internal/loglevel"
	"starling/node"
	"starling/node/settings"
)

// hostile is text that a terminal would obey, or a reader be misled by: it
// clears the screen, rings, forges a line and a cell, and turns text around.
const hostile = "x\x1b]0;owned\a\x1b[2J\r\nforged\tcell\u202edeppilf\u009b31m"

// fakeNode answers calls with what a test gives for each method.
func fakeNode(t *testing.T, answers map[string]any) (flags []string) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		reply := map[string]any{"id": q.ID, "result": nil, "error": nil}
		answer, ok := answers[q.Method]
		switch err, failed := answer.(error); {
		case !ok:
			reply["error"] = map[string]any{"code": -32601, "message": "Method not found"}
		case failed:
			reply["error"] = map[string]any{"code": -1, "message": err.Error()}
		default:
			reply["result"] = answer
		}
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		if err := e.Encode(reply); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	return []string{"--network", "regtest", "--datadir", t.TempDir(), "--rpc-listen", srv.Listener.Addr().String(),
		"--rpc-user", "u", "--rpc-password", "p"}
}

type failure string

func (f failure) Error() string { return string(f) }

// list of one object, as most answers are.
func one(pairs ...any) []any {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return []any{m}
}

// checkShown fails if a terminal would obey anything of what was shown.
func checkShown(t *testing.T, what, shown string) {
	t.Helper()
	for _, r := range shown {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Errorf("%s has %q: %q", what, r, shown)
			return
		}
	}
}

func TestForeignTextIsShownPlainly(t *testing.T) {
	with := func(method string, answer any) map[string]any {
		m := map[string]any{"getblockcount": 1, "listwallets": []string{"main"}, "getaddednodeinfo": []any{}, "listlockunspent": []any{}}
		m[method] = answer
		return m
	}
	for _, c := range []struct {
		name    string
		answers map[string]any
		args    []string
		lines   int // of the output
	}{
		{"peers", with("getpeerinfo", one("id", 1, "subver", hostile, "addr", hostile, "connection_type", hostile)), []string{"peers"}, 2},
		{"peers asked for", map[string]any{"getpeerinfo": []any{}, "getaddednodeinfo": one("addednode", hostile, "reason", hostile)}, []string{"peers"}, 5},
		{"coins", with("listunspent", one("txid", "aa", "label", hostile, "address", hostile, "amount", 1)), []string{"wallet", "coins"}, 2},
		{"history", with("listtransactions", one("txid", "aa", "label", hostile, "category", hostile, "amount", 1)), []string{"wallet", "history"}, 2},
		{"comment", with("listtransactions", one("txid", "aa", "comment", hostile, "amount", 1)), []string{"wallet", "history"}, 2},
		{"addresses", with("listreceivedbyaddress", one("address", "a", "label", hostile, "amount", 1)), []string{"wallet", "addresses"}, 2},
		{"wallets", with("listwalletdir", map[string]any{"wallets": one("name", hostile)}), []string{"wallet", "list"}, 1},
		{"which wallet", with("listwallets", []string{hostile, "b"}), []string{"wallet", "balance"}, 0},
		{"JSON", with("listreceivedbyaddress", one("label", hostile)), []string{"wallet", "addresses", "--json"}, 5},
		{"a text", with("getbestblockhash", "one\x1b[2J\u202eline"), []string{"rpc", "getbestblockhash"}, 1},
		{"an error", with("getblockcount", failure(hostile)), []string{"rpc", "getblockcount"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			flags := fakeNode(t, c.answers)
			words := 1
			if c.args[0] == "wallet" {
				words = 2
			}
			args := append(append(append([]string(nil), c.args[:words]...), flags...), c.args[words:]...)
			var out, errs bytes.Buffer
			code := Run(args, strings.NewReader(""), &out, &errs)
			checkShown(t, "the output", out.String())
			checkShown(t, "the error", errs.String())
			if got := strings.Count(out.String(), "\n"); got != c.lines || (code == 0) != (c.lines > 0) {
				t.Errorf("%d lines and code %d, want %d lines:\n%s%s", got, code, c.lines, &out, &errs)
			}
		})
	}
}

func TestForeignFilesAreShownPlainly(t *testing.T) {
	dir := t.TempDir()
	networks := filepath.Join(dir, "networks")
	if err := os.MkdirAll(networks, 0o755); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(networks, "x\x1b[2J\n\u202ey.toml")
	if err := os.WriteFile(bad, []byte("name = \"\x1b[2J\u202e\"\n"+hostile), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"network", "list", "--datadir", dir}, {"network", "show", bad}} {
		var out, errs bytes.Buffer
		Run(args, strings.NewReader(""), &out, &errs)
		checkShown(t, args[1], out.String())
		checkShown(t, args[1]+", the error", errs.String())
		if out.Len()+errs.Len() == 0 {
			t.Errorf("%s says nothing", args[1])
		}
	}
}

// traced is an error like those of the database, which prints a stack trace to
// who asks for details.
type traced struct{ failure }

func (e traced) Format(s fmt.State, verb rune) {
	fmt.Fprint(s, e.Error())
	if s.Flag('+') {
		fmt.Fprint(s, " at main.go:1")
	}
}

func TestErrorsAreLoggedByTheirText(t *testing.T) {
	levels, err := loglevel.New(node.Parts(), []string{"info"})
	if err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{"text": `err="permission denied"`, "json": `"err":"permission denied"`} {
		var out bytes.Buffer
		cmdkit.NewLogger(&settings.Settings{LogFormat: format}, levels, cmdkit.NewScreen(&out)).Error("no", "err", traced{"permission denied"})
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "main.go") {
			t.Errorf("%s: %s, want %s", format, &out, want)
		}
	}
}

func TestForeignTextIsLoggedPlainly(t *testing.T) {
	levels, err := loglevel.New(node.Parts(), []string{"info"})
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log := cmdkit.NewLogger(&settings.Settings{LogFormat: format}, levels, cmdkit.NewScreen(&out))
		log.Info("peer connected", slog.String("agent", hostile), slog.Any("err", failure(hostile)))
		checkShown(t, format, out.String())
		if strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: want one line: %q", format, &out)
		}
	}
}
