package jsonrpc

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type echoParams struct {
	Word   string    `rpc:"word" help:"A word"`
	Times  int32     `rpc:"times|count" default:"1" help:"How often"`
	Loud   *bool     `rpc:"loud" help:"Whether to shout"`
	Detail Verbosity `rpc:"detail|verbose" default:"0" help:"How much"`
}

type echoResult struct {
	Word   string `json:"word" help:"what was said"`
	Value  Float  `json:"value"`
	Detail int    `json:"detail,omitempty"`
}

type hashParams struct {
	Hash wire.Hash    `rpc:"blockhash" help:"A hash"`
	IDs  []wire.Hash  `rpc:"txids,optional" item:"txid" help:"More hashes"`
	Opts *hashOptions `rpc:"options" help:"Options"`
}

type hashOptions struct {
	Depth int `rpc:"depth" default:"6" help:"How deep"`
}

// testTable has one method for each thing to be shown.
func testTable(block <-chan struct{}) *Table {
	return NewTable(nil, []*Method{
		Define(Method{Name: "echo", Category: "Test", Summary: "Says it again.", Examples: [][]any{{"hi", 2}}},
			func(_ context.Context, p echoParams) (echoResult, error) {
				if p.Times < 0 || p.Times > 1000 {
					return echoResult{}, Errorf(CodeInvalidParam, "too often")
				}
				word := strings.Repeat(p.Word, int(p.Times))
				if p.Loud != nil && *p.Loud {
					word = strings.ToUpper(word)
				}
				return echoResult{Word: word, Value: 0.00012345, Detail: int(p.Detail)}, nil
			}),
		Define(Method{Name: "hash", Category: "Test", Summary: "Takes hashes."},
			func(_ context.Context, p hashParams) (int, error) {
				if p.Opts != nil {
					return p.Opts.Depth, nil
				}
				return len(p.IDs), nil
			}),
		Define(Method{Name: "fail", Category: "Test", Summary: "Fails.", Early: true},
			func(context.Context, None) (Null, error) { return nil, Errorf(CodeInvalidParam, "no <good>") }),
		Define(Method{Name: "panic", Category: "Other", Summary: "Has a bug."},
			func(context.Context, None) (Null, error) { panic("bug") }),
		Define(Method{Name: "wait", Category: "Other", Summary: "Waits.", Waits: true},
			func(ctx context.Context, _ None) (bool, error) {
				select {
				case <-block:
					return true, nil
				case <-ctx.Done():
					return false, nil
				}
			}),
	})
}

type testServer struct {
	*Server
	addr   string
	cookie string
	stop   func() error
}

func startServer(t *testing.T, opts Options) *testServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts.CookiePath = filepath.Join(t.TempDir(), CookieFile)
	if opts.Table == nil {
		opts.Table = testTable(nil)
	}
	opts.User, opts.Password = "user", "pass"
	s := NewServer(opts)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ln) }()
	ts := &testServer{Server: s, addr: ln.Addr().String(), cookie: opts.CookiePath}
	stopped := false
	ts.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := ts.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return ts
}

// post sends a body and returns the HTTP status and the answer.
func (s *testServer) post(t *testing.T, body string) (int, string) {
	t.Helper()
	return s.postWith(t, http.DefaultClient, body)
}

// postWith does so with a client of one's own.
func (s *testServer) postWith(t *testing.T, c *http.Client, body string) (int, string) {
	t.Helper()
	status, answer, err := s.tryPost(c, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

// tryPost does so where the connection may be cut.
func (s *testServer) tryPost(c *http.Client, body string) (int, string, error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.SetBasicAuth("user", "pass")
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestDialects(t *testing.T) {
	s := startServer(t, Options{})
	s.Ready(s.opts.Table)
	const ok = `{"word":"hi","value":0.00012345}`
	for _, tc := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"1.0", `{"method":"echo","params":["hi"],"id":1}`, 200, `{"result":` + ok + `,"error":null,"id":1}`},
		{"1.0 by name", `{"jsonrpc":"1.0","method":"echo","params":["hi"],"id":"a"}`, 200, `{"result":` + ok + `,"error":null,"id":"a"}`},
		{"1.0 without id", `{"method":"echo","params":["hi"]}`, 200, `{"result":` + ok + `,"error":null}`},
		{"2.0", `{"jsonrpc":"2.0","method":"echo","params":["hi"],"id":1}`, 200, `{"jsonrpc":"2.0","result":` + ok + `,"id":1}`},
		{"2.0 null id", `{"jsonrpc":"2.0","method":"echo","params":["hi"],"id":null}`, 200, `{"jsonrpc":"2.0","result":` + ok + `,"id":null}`},
		{"2.0 notification", `{"jsonrpc":"2.0","method":"echo","params":["hi"]}`, 204, ""},
		{"2.0 failing notification", `{"jsonrpc":"2.0","method":"fail"}`, 204, ""},
		{"1.0 failure", `{"method":"fail","id":1}`, 500, `{"result":null,"error":{"code":-8,"message":"no <good>"},"id":1}`},
		{"2.0 failure", `{"jsonrpc":"2.0","method":"fail","id":1}`, 200, `{"jsonrpc":"2.0","error":{"code":-8,"message":"no <good>"},"id":1}`},
		{"1.0 unknown", `{"method":"nope","id":1}`, 404, `{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":1}`},
		{"2.0 unknown", `{"jsonrpc":"2.0","method":"nope","id":1}`, 200, `{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}`},
		{"no method", `{"id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"Missing method"},"id":1}`},
		{"method is a number", `{"id":1,"method":5}`, 400, `{"result":null,"error":{"code":-32600,"message":"Method must be a string"},"id":1}`},
		{"params is a string", `{"id":1,"method":"echo","params":"hi"}`, 400, `{"result":null,"error":{"code":-32600,"message":"Params must be an array or object"},"id":1}`},
		{"version is a number", `{"jsonrpc":2,"method":"echo"}`, 400, `{"result":null,"error":{"code":-32600,"message":"jsonrpc field must be a string"}}`},
		{"version 3", `{"jsonrpc":"3.0","method":"echo","id":4}`, 400, `{"result":null,"error":{"code":-32600,"message":"JSON-RPC version not supported"},"id":4}`},
		{"not JSON", `{"method`, 500, `{"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}`},
		{"not a request", `7`, 500, `{"result":null,"error":{"code":-32700,"message":"Top-level object parse error"},"id":null}`},
		{"bug", `{"method":"panic","id":1}`, 500, `{"result":null,"error":{"code":-32603,"message":"internal error in panic"},"id":1}`},
		{"empty batch", `[]`, 200, `[]`},
		{"batch", `[{"method":"echo","params":["hi"],"id":1},5,{"jsonrpc":"2.0","method":"fail","id":2},{"jsonrpc":"2.0","method":"fail"}]`, 200,
			`[{"result":` + ok + `,"error":null,"id":1},{"result":null,"error":{"code":-32600,"message":"Invalid Request object"},"id":null},{"jsonrpc":"2.0","error":{"code":-8,"message":"no <good>"},"id":2}]`},
		{"batch of notifications", `[{"jsonrpc":"2.0","method":"echo","params":["hi"]}]`, 204, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, got := s.post(t, tc.body)
			if status != tc.status {
				t.Errorf("status %d, want %d", status, tc.status)
			}
			want := tc.want
			if want != "" {
				want += "\n"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	table := testTable(nil)
	zero := strings.Repeat("00", 32)
	for _, tc := range []struct {
		name, method, params string
		want                 string // the result
		code                 Code
		message              string
	}{
		{name: "default", method: "echo", params: `["a"]`, want: `{"word":"a","value":0.00012345}`},
		{name: "null is the default", method: "echo", params: `["a",null,true]`, want: `{"word":"A","value":0.00012345}`},
		{name: "boolean verbosity", method: "echo", params: `["a",1,null,true]`, want: `{"word":"a","value":0.00012345,"detail":1}`},
		{name: "named", method: "echo", params: `{"times":2,"word":"ab"}`, want: `{"word":"abab","value":0.00012345}`},
		{name: "older name", method: "echo", params: `{"count":2,"word":"ab"}`, want: `{"word":"abab","value":0.00012345}`},
		{name: "named with a gap", method: "echo", params: `{"word":"a","verbose":2}`, want: `{"word":"a","value":0.00012345,"detail":2}`},
		{name: "args and named", method: "echo", params: `{"args":["a"],"times":3}`, want: `{"word":"aaa","value":0.00012345}`},
		{name: "twice", method: "echo", params: `{"args":["a"],"word":"b"}`, code: CodeInvalidParam, message: "Parameter word specified twice both as positional and named argument"},
		{name: "repeated name", method: "echo", params: `{"word":"a","word":"b"}`, code: CodeInvalidParam, message: "Parameter word specified multiple times"},
		{name: "unknown name", method: "echo", params: `{"word":"a","wurd":"b"}`, code: CodeInvalidParam, message: "Unknown named parameter wurd"},
		{name: "wrong type", method: "echo", params: `[5,"x"]`, code: CodeType, message: "Wrong type passed:\n{\n    \"Position 1 (word)\": \"JSON value of type number is not of expected type string\",\n    \"Position 2 (times|count)\": \"JSON value of type string is not of expected type number\"\n}"},
		{name: "required is null", method: "echo", params: `[null]`, code: CodeType, message: "Wrong type passed:\n{\n    \"Position 1 (word)\": \"JSON value of type null is not of expected type string\"\n}"},
		{name: "fraction", method: "echo", params: `["a",1.5]`, code: CodeMisc, message: "JSON integer out of range"},
		{name: "too big", method: "echo", params: `["a",2147483648]`, code: CodeMisc, message: "JSON integer out of range"},
		{name: "too few", method: "echo", params: `[]`, code: CodeMisc, message: table.Lookup("echo").Help()},
		{name: "too many", method: "fail", params: `[1]`, code: CodeMisc, message: table.Lookup("fail").Help()},
		{name: "hash", method: "hash", params: `["` + zero + `",["` + zero + `"]]`, want: "1"},
		{name: "short hash", method: "hash", params: `["00"]`, code: CodeInvalidParam, message: "blockhash must be of length 64 (not 2, for '00')"},
		{name: "not a hash", method: "hash", params: `["` + strings.Repeat("zz", 32) + `"]`, code: CodeInvalidParam, message: "blockhash must be hexadecimal string (not '" + strings.Repeat("zz", 32) + "')"},
		{name: "item type", method: "hash", params: `["` + zero + `",[1]]`, code: CodeType, message: "JSON value of type number is not of expected type string"},
		{name: "object default", method: "hash", params: `["` + zero + `",null,{}]`, want: "6"},
		{name: "object member", method: "hash", params: `["` + zero + `",null,{"depth":3}]`, want: "3"},
		{name: "object type", method: "hash", params: `["` + zero + `",null,{"depth":"3"}]`, code: CodeType, message: "JSON value of type string for field depth is not of expected type number"},
		{name: "object surprise", method: "hash", params: `["` + zero + `",null,{"deep":3}]`, code: CodeType, message: "Unexpected key deep"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := table.Lookup(tc.method).Call(t.Context(), json.RawMessage(tc.params))
			if err != nil {
				e := ToError(err, nil)
				if e.Code != tc.code {
					t.Errorf("code %d, want %d", e.Code, tc.code)
				}
				if diff := cmp.Diff(tc.message, e.Message); diff != "" {
					t.Error(diff)
				}
				return
			}
			if s := compact(got); s != tc.want {
				t.Errorf("got %s, want %s", s, tc.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	want := `echo "word" ( times loud detail )

Says it again.

Arguments:
1. word      (string, required) A word
2. times     (numeric, optional, default=1) How often
3. loud      (boolean, optional) Whether to shout
4. detail    (numeric, optional, default=0) How much

Result:
{                    (json object)
  "word" : "str",    (string) what was said
  "value" : n,       (numeric)
  "detail" : n       (numeric, optional)
}

Examples:
> starling rpc echo "hi" 2
> curl --user myusername --data-binary '{"jsonrpc": "2.0", "id": "curltest", "method": "echo", "params": ["hi", 2]}' -H 'content-type: application/json' http://127.0.0.1:8332/
`
	table := testTable(nil)
	if diff := cmp.Diff(want, table.Lookup("echo").Help()); diff != "" {
		t.Error(diff)
	}
	want = `== Other ==
panic
wait

== Test ==
echo "word" ( times loud detail )
fail
hash "blockhash" ( ["txid",...] {"depth":depth,...} )`
	if diff := cmp.Diff(want, table.Index()); diff != "" {
		t.Error(diff)
	}
}

func TestAuthentication(t *testing.T) {
	s := startServer(t, Options{})
	s.Ready(s.opts.Table)
	user, password, err := ReadCookie(s.cookie)
	for err != nil {
		// Serve writes the file before it accepts; ask once to be sure.
		s.post(t, `{"method":"echo","params":["hi"]}`)
		user, password, err = ReadCookie(s.cookie)
	}
	if info, err := os.Stat(s.cookie); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("cookie file: mode %v, %v", info.Mode(), err)
	}
	for _, tc := range []struct {
		name, user, password string
		want                 int
	}{
		{"cookie", user, password, 200},
		{"user", "user", "pass", 200},
		{"wrong password", "user", "pas", 401},
		{"mixed", "user", password, 401},
		{"nobody", "", "", 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req, _ := http.NewRequest(http.MethodPost, "http://"+s.addr, strings.NewReader(`{"method":"echo","params":["hi"]}`))
			if tc.user != "" {
				req.SetBasicAuth(tc.user, tc.password)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tc.want {
				t.Errorf("status %d, want %d", resp.StatusCode, tc.want)
			}
			if tc.want == 401 && resp.Header.Get("WWW-Authenticate") != `Basic realm="jsonrpc"` {
				t.Error("no challenge")
			}
		})
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.cookie); !os.IsNotExist(err) {
		t.Errorf("cookie file after stop: %v", err)
	}
}

func TestWarmup(t *testing.T) {
	s := startServer(t, Options{})
	s.SetWarmup("Loading block index…")
	if status, got := s.post(t, `{"method":"echo","params":["a"],"id":1}`); status != 500 || !strings.Contains(got, `{"code":-28,"message":"Loading block index…"}`) {
		t.Error(status, got)
	}
	if _, got := s.post(t, `{"method":"fail","id":1}`); !strings.Contains(got, `"code":-8`) {
		t.Error("an early method was not answered:", got)
	}
	s.Ready(s.opts.Table)
	if status, _ := s.post(t, `{"method":"echo","params":["a"],"id":1}`); status != 200 {
		t.Error(status)
	}
}

func TestHTTPLimits(t *testing.T) {
	s := startServer(t, Options{})
	s.Ready(s.opts.Table)
	get, err := http.Get("http://" + s.addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	get.Body.Close()
	if get.StatusCode != 405 {
		t.Error("GET:", get.StatusCode)
	}
	if status, _ := s.post(t, strings.Repeat(" ", maxBody+1)); status != 413 {
		t.Error("large body:", status)
	}
	if status, got := s.post(t, `{"method":"echo","params":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+`}`); status != 500 {
		t.Error("deep nesting:", status, got)
	}
}

func TestWaitersDoNotBlockOthers(t *testing.T) {
	open := make(chan struct{})
	s := startServer(t, Options{Table: testTable(open), Workers: 1, Waiters: 2})
	s.Ready(s.opts.Table)
	answers := make(chan string, 2)
	for range 2 {
		go func() {
			_, got := s.post(t, `{"method":"wait","id":1}`)
			answers <- got
		}()
	}
	for len(s.waiters) < 2 {
		// Others are answered while two calls wait.
		if status, _ := s.post(t, `{"method":"echo","params":["a"]}`); status != 200 {
			t.Fatal(status)
		}
	}
	if status, got := s.post(t, `{"method":"wait","id":1}`); status != 503 {
		t.Error("third waiter:", status, got)
	}
	close(open)
	for range 2 {
		if got := <-answers; !strings.Contains(got, `"result":true`) {
			t.Error(got)
		}
	}
}

func TestStopLetsWaitersGo(t *testing.T) {
	s := startServer(t, Options{})
	s.Ready(s.opts.Table)
	answer := make(chan string, 1)
	go func() {
		_, got := s.post(t, `{"method":"wait","id":1}`)
		answer <- got
	}()
	for len(s.waiters) == 0 {
		s.post(t, `{"method":"echo","params":["a"]}`)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if got := <-answer; !strings.Contains(got, `"result":false`) {
		t.Error(got)
	}
}

func TestClient(t *testing.T) {
	s := startServer(t, Options{})
	s.Ready(s.opts.Table)
	c := &Client{Address: s.addr, User: "user", Password: "pass"}
	got, err := c.Call(t.Context(), "echo", []any{"hi"})
	if err != nil || string(got) != `{"word":"hi","value":0.00012345}` {
		t.Errorf("%s, %v", got, err)
	}
	_, err = c.Call(t.Context(), "fail", []any{})
	if want := (&Error{CodeInvalidParam, "no <good>"}); !cmp.Equal(ToError(err, nil), want) {
		t.Error(err)
	}
	c.User, c.CookiePath = "", s.cookie
	if _, err := c.Call(t.Context(), "echo", map[string]any{"word": "x"}); err != nil {
		t.Error("by cookie:", err)
	}
}

func TestParseArgs(t *testing.T) {
	table := testTable(nil)
	for _, tc := range []struct {
		words []string
		named bool
		want  string
	}{
		{[]string{"12", "3", "true"}, false, `["12",3,true]`},
		{[]string{"a", "times=3"}, true, `{"args":["a"],"times":3}`},
		{[]string{"word=7", "verbose=true"}, true, `{"verbose":true,"word":"7"}`},
	} {
		v, err := table.ParseArgs("echo", tc.words, tc.named)
		if err != nil {
			t.Fatal(err)
		}
		if got := compact(v); got != tc.want {
			t.Errorf("%v: got %s, want %s", tc.words, got, tc.want)
		}
	}
	if _, err := table.ParseArgs("echo", []string{"a", "many"}, false); err == nil {
		t.Error("a word was taken for a number")
	}
}

func TestFloat(t *testing.T) {
	for v, want := range map[Float]string{1: "1", 4.656542373906925e-10: "4.656542373906925e-10", 0.25: "0.25", 100000: "100000", 1.2345678901234567e12: "1234567890123.457"} {
		if got := compact(v); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// FuzzRequest sends arbitrary bodies through decoding and a method.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"method":"echo","params":["hi",2,true,1],"id":1}`,
		`{"jsonrpc":"2.0","method":"echo","params":{"word":"x","args":[]},"id":"a"}`,
		`{"method":"hash","params":["00",["11"],{"depth":1}]}`,
		`{"method":"fail","params":null}`, `[]`, `{}`,
	} {
		f.Add([]byte(s))
	}
	s := NewServer(Options{Table: testTable(nil)})
	s.Ready(s.opts.Table)
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) {
			return
		}
		req, err := parseRequest(body)
		if err != nil || req.method == "wait" || req.method == "panic" {
			return
		}
		if _, fail := s.run(t.Context(), &req); fail != nil && fail.Code == CodeInternal {
			t.Fatal(fail)
		}
	})
}

// TestDecodeString reads strings as encoding/json does, whichever way they go.
func TestDecodeString(t *testing.T) {
	for _, raw := range []string{`""`, `"00ff"`, `"a b"`, `"é"`, `"\u00e9\n"`, `"a\"b"`, `"\\"`, "\"\xff\"", `"\ud800"`} {
		var want string
		if err := json.Unmarshal([]byte(raw), &want); err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeString(json.RawMessage(raw)); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{`7`, `null7`, `{}`} {
		if _, err := DecodeString(json.RawMessage(raw)); err == nil {
			t.Errorf("%s: no error", raw)
		}
	}
}
