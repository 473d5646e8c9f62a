package lint_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"starling/internal/lint"
	"starling/node/settings"
)

// TestModule holds the whole project to its rules.
func TestModule(t *testing.T) {
	found, err := lint.Check(os.DirFS("../.."), "starling")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// TestOperatingPage makes sure that the page for operators knows every setting.
func TestOperatingPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range settings.Options() {
		if !strings.Contains(string(page), "`"+o.Name+"`") {
			t.Errorf("docs/operating.md does not mention %s", o.Name)
		}
	}
}

// TestTour makes sure that each stop of the tour is still there: the file, and
// the function that it says to look for.
func TestTour(t *testing.T) {
	page, err := os.ReadFile("../../docs/tour.md")
	if err != nil {
		t.Fatal(err)
	}
	stop := regexp.MustCompile("\\]\\(\\.\\./([^)]+)\\)(?:,\\s+`(\\w+)`)?")
	stops := stop.FindAllStringSubmatch(string(page), -1)
	if len(stops) < 24 {
		t.Errorf("%d stops", len(stops))
	}
	for _, s := range stops {
		name, fn := s[1], s[2]
		info, err := os.Stat("../../" + name)
		if err != nil {
			t.Errorf("%s is not there", name)
			continue
		}
		if fn == "" || info.IsDir() {
			continue
		}
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + fn + `[(\[]`).Match(text) {
			t.Errorf("%s has no function %s", name, fn)
		}
	}
}

// TestRules shows each rule a file that breaks it, and one that keeps it.
func TestRules(t *testing.T) {
	const doc = "// Package p is documented.\npackage p\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"keeps all": {
			files: map[string]string{
				"wire/doc.go":          doc,
				"chain/doc.go":         doc,
				"chain/a.go":           `package p; import ("starling/chain/coins"; "starling/wire"); var _ = coins.X + wire.X`,
				"chain/coins/a.go":     doc + `import "starling/wire"; var _ = wire.X`,
				"transport/a.go":       doc + `import "starling/transport/tcp"; var _ = tcp.X`,
				"transport/tcp/a.go":   doc + `import "time"; var _ = time.Now()`,
				"clock/a.go":           doc + `import "time"; var _ = time.NewTimer(time.Second)`,
				"peer/a.go":            doc + `import ("starling/internal/h"; "time"); var _ = h.X; const d = time.Second`,
				"peer/a_test.go":       `package p; import ("starling/server"; "time"); var _, _ = server.X, time.Now()`,
				"internal/h/a.go":      doc + `import "starling/wire"; var _ = wire.X`,
				"internal/i/a.go":      doc + `import ("starling/internal/h"; "starling/params/netfile"); var _ = h.X`,
				"internal/cli/x/a.go":  doc + `import "starling/devnet"; var _ = devnet.X`,
				"internal/cli/a.go":    doc + `import "starling/devnet"; var _ = devnet.X`,
				"internal/tools/a.go":  "//go:build tools\n\npackage p; import _ \"starling/server\"",
				"interop/go.mod":       "module interop",
				"interop/a.go":         `package p; import "time"; var _ = time.Now()`,
				"rpc/testdata/a.go":    `package p; import "time"; var _ = time.Now()`,
				".ci/a.go":             `package p; import "time"; var _ = time.Now()`,
				"rpc/a.go":             doc + `import ("log/slog"; "starling/server"); func f(l *slog.Logger) { l.Info("x") }`,
				"cmd/starling/main.go": doc + `import ("starling/rpc"; "starling/server"); var _, _ = rpc.X, server.X`,
			},
		},
		"a function that is too long": {
			files: map[string]string{
				"wire/a.go": doc + "func f() {\n" + strings.Repeat("\tf()\n", 79) + "}\nfunc g() {\n" + strings.Repeat("\tg()\n", 78) + "}\n",
			},
			want: []string{"wire/a.go:3: f has 81 lines; 80 are allowed, give its parts names"},
		},
		"imports upward": {
			files: map[string]string{"peer/a.go": doc + `import "starling/server"`},
			want:  []string{"peer/a.go:3: peer (floor 2.5) imports server (floor 5); only what is below may be imported"},
		},
		"imports sideways": {
			files: map[string]string{"script/a.go": doc + `import "starling/store"`},
			want:  []string{"script/a.go:3: script (floor 1.1) imports store (floor 1.1); only what is below may be imported"},
		},
		"imports upward inside a tree": {
			files: map[string]string{"chain/consensus/a.go": doc + `import "starling/chain"`},
			want:  []string{"chain/consensus/a.go:3: chain/consensus (floor 2) imports chain (floor 2.5); only what is below may be imported"},
		},
		"helper with opinions": {
			files: map[string]string{
				"wire/a.go":       doc + `import "starling/internal/a"`,
				"internal/a/a.go": doc + `import "starling/internal/b"`,
				"internal/b/a.go": doc + `import "starling/script/curve"`,
			},
			want: []string{"internal/b/a.go:3: internal/b (a helper) imports script/curve (floor 1); helpers import floor 0 and each other"},
		},
		"helper that imports a command": {
			files: map[string]string{"internal/a/a.go": doc + `import "starling/internal/cli"`},
			want:  []string{"internal/a/a.go:3: internal/a (a helper) imports internal/cli (floor 9.3); helpers import floor 0 and each other"},
		},
		"imports more than its users should link": {
			files: map[string]string{"client/a.go": doc + `import ("starling/chain"; "starling/rpc/rpctypes"; "starling/wire")`},
			want:  []string{"client/a.go:3: client imports chain; it is for programs that link no node, and may import only [rpc/jsonrpc rpc/rpctypes wire]"},
		},
		"no floor": {
			files: map[string]string{"attic/a.go": doc},
			want:  []string{"attic: stands on no floor; give it one in internal/lint and docs/architecture.md"},
		},
		"asks the time": {
			files: map[string]string{
				"peer/a.go":      doc + "import t \"time\"\nvar a = t.Now\nvar b = <-t.After(1)",
				"transport/a.go": doc + "import \"time\"\nfunc f() { time.Sleep(1) }",
			},
			want: []string{
				"peer/a.go:4: time.Now bypasses the clock; take a clock.Clock (internal/cputime to measure work)",
				"peer/a.go:5: time.After bypasses the clock; take a clock.Clock (internal/cputime to measure work)",
				"transport/a.go:4: time.Sleep bypasses the clock; take a clock.Clock (internal/cputime to measure work)",
			},
		},
		"logs through a global": {
			files: map[string]string{"peer/a.go": doc + "import (\"log\"; \"log/slog\")\nfunc f() { slog.Info(\"x\"); log.Fatal(\"x\") }"},
			want: []string{
				"peer/a.go:4: log.Fatal logs through a global; take a *slog.Logger",
				"peer/a.go:4: log/slog.Info logs through a global; take a *slog.Logger",
			},
		},
		"no doc": {
			files: map[string]string{"peer/a.go": "package p", "peer/b.go": doc},
			want:  []string{"peer: has no doc.go that says what the package owns, what it never does and which goroutines run"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, src := range tc.files {
				fsys[name] = &fstest.MapFile{Data: []byte(src)}
			}
			found, err := lint.Check(fsys, "starling")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				got = append(got, f.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
