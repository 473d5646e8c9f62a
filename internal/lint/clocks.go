package lint

import (
	"go/ast"
	"slices"
	"strings"
)

// asking are the functions of package time that ask for the hour or wait.
var asking = []string{
	"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "AfterFunc", "Tick",
}

// mayAsk lists the directories, with what is below them, that may use some of
// those functions, and why.
var mayAsk = []struct {
	dir    string
	names  []string
	reason string
}{
	{"clock", asking, "it is the clock"},
	{"internal/cputime", []string{"Now", "Since"}, "it measures work for statistics"},
	{"transport", []string{"Now", "Until"}, "the kernel compares socket deadlines with real time"},
	{"rpc/jsonrpc", []string{"Now"}, "HTTP has socket deadlines, and shows how long calls have been running"},
}

// checkTime finds questions about the time that bypass the clock.
func (m *module) checkTime(p *pkg, f *file) []Finding {
	var found []Finding
	uses(f, "time", func(n ast.Node, name string) {
		if !slices.Contains(asking, name) {
			return
		}
		for _, a := range mayAsk {
			if (p.dir == a.dir || strings.HasPrefix(p.dir, a.dir+"/")) && slices.Contains(a.names, name) {
				return
			}
		}
		found = append(found, Finding{File: f.name, Line: m.line(n),
			Message: "time." + name + " bypasses the clock; take a clock.Clock (internal/cputime to measure work)"})
	})
	return found
}

// global are the names that write to a logger nobody passed in.
var global = map[string][]string{
	"log/slog": {"Default", "SetDefault", "Debug", "Info", "Warn", "Error", "Log", "LogAttrs",
		"DebugContext", "InfoContext", "WarnContext", "ErrorContext", "With"},
	"log": {"Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln", "Default"},
}

// checkLogs finds logging through a global.
func (m *module) checkLogs(_ *pkg, f *file) []Finding {
	var found []Finding
	for _, path := range []string{"log", "log/slog"} {
		uses(f, path, func(n ast.Node, name string) {
			if slices.Contains(global[path], name) {
				found = append(found, Finding{File: f.name, Line: m.line(n),
					Message: path + "." + name + " logs through a global; take a *slog.Logger"})
			}
		})
	}
	return found
}
