package layered_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"starling/internal/layered"
)

// oven is a schema that has nothing to do with nodes.
func oven(dir string) *layered.Schema {
	return &layered.Schema{
		Options: []layered.Option{
			{Name: "dish", Default: "pie"},
			{Name: "kitchen", Default: dir},
			{Name: "recipe"},
			{Name: "heat", Kind: layered.Number, Default: int64(180), Least: 50, Most: 300},
			{Name: "fan", Kind: layered.Bool},
			{Name: "with", Kind: layered.List},
			{Name: "time", Kind: layered.Duration, Default: "45m", Least: 1, Most: 24 * 60 * 60},
			{Name: "cook", HiddenWith: "lock-code", HiddenReason: "is told by the code"},
			{Name: "lock-code", Secret: true},
		},
		EnvPrefix: "OVEN_", EnvIgnore: func(rest string) bool { return rest == "PORT" },
		EnvAliases: map[string]string{"HEAT": "heat"},
		FileOption: "recipe", DirOption: "kitchen", FileName: "oven.toml", TableOption: "dish",
	}
}

// bake gathers the settings, with tables of the file for two dishes.
func bake(t *testing.T, dir, file string, environ []string, decided map[string]string, flags ...string) (*layered.Values, error) {
	t.Helper()
	s := oven(dir)
	if file != "" {
		if err := os.WriteFile(filepath.Join(dir, s.FileName), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	layered.AddFlags(fs, s.Options)
	if err := fs.Parse(flags); err != nil {
		t.Fatal(err)
	}
	from, err := s.Read(fs, environ, decided)
	if err != nil {
		return nil, err
	}
	v, err := from.Choose()
	if err != nil {
		return nil, err
	}
	if err := from.CheckFile([]string{"pie", "bread"}); err != nil {
		return nil, err
	}
	return v, from.Merge(v, v.Text("dish"))
}

// TestLayers puts a setting into one source after the other.
func TestLayers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "oven.toml")
	var file string
	var environ, flags []string
	decided := map[string]string{}
	for _, step := range []struct {
		add    func()
		heat   int64
		origin string
		given  bool
	}{
		{func() {}, 180, "default", false},
		{func() { file = "heat = 100\n[bread]\nheat = 101\n" }, 100, "file " + path, false},
		{func() { file += "[pie]\nheat = 102\n" }, 102, "file " + path, false},
		{func() { environ = append(environ, "HEAT=103") }, 103, "environment HEAT", true},
		{func() { environ = append(environ, "OVEN_HEAT=104") }, 104, "environment OVEN_HEAT", true},
		{func() { environ = append(environ, "HEAT=105", "OVEN_PORT=1", "OTHER=2") }, 104, "environment OVEN_HEAT", true},
		{func() { flags = []string{"--heat=106"} }, 106, "flag --heat", true},
		{func() { decided["heat"] = "107" }, 107, "this command", true},
	} {
		step.add()
		v, err := bake(t, dir, file, environ, decided, flags...)
		if err != nil {
			t.Fatal(err)
		}
		if v.Number("heat") != step.heat || v.Origin("heat") != step.origin || v.Given("heat") != step.given || v.IsDefault("heat") != (step.origin == "default") {
			t.Errorf("got %d from %s, given %v, want %+v", v.Number("heat"), v.Origin("heat"), v.Given("heat"), step)
		}
		if v.Text("recipe") != path {
			t.Errorf("the file is %s", v.Text("recipe"))
		}
	}
}

// TestKinds reads each kind from each source that writes it differently.
func TestKinds(t *testing.T) {
	for _, from := range []struct {
		file    string
		environ []string
		flags   []string
	}{
		{file: "fan = true\nwith = [\"salt\", \"oil\"]\ntime = \"90s\""},
		{environ: []string{"OVEN_FAN=1", "OVEN_WITH=salt,oil", "OVEN_TIME=90"}},
		{flags: []string{"--fan", "--with=salt", "--with=oil", "--time=1m30s"}},
	} {
		v, err := bake(t, t.TempDir(), from.file, from.environ, nil, from.flags...)
		if err != nil {
			t.Fatal(err)
		}
		if !v.Bool("fan") || !cmp.Equal(v.List("with"), []string{"salt", "oil"}) || v.Duration("time") != 90*time.Second {
			t.Errorf("%+v: %v %v %v", from, v.Bool("fan"), v.List("with"), v.Duration("time"))
		}
	}
}

// An empty entry of a list is none: an empty variable in a unit file is how
// somebody says "nothing here".
func TestEmptyEntries(t *testing.T) {
	for name, from := range map[string]struct {
		file    string
		environ []string
		flags   []string
		want    []string
	}{
		"variable":         {environ: []string{"OVEN_WITH="}},
		"in a variable":    {environ: []string{"OVEN_WITH=,salt,,oil,"}, want: []string{"salt", "oil"}},
		"flag":             {flags: []string{"--with="}},
		"flags":            {flags: []string{"--with=", "--with=oil"}, want: []string{"oil"}},
		"file":             {file: `with = ""`},
		"list in the file": {file: `with = ["", "salt"]`, want: []string{"salt"}},
		"over the file":    {file: `with = ["salt"]`, environ: []string{"OVEN_WITH="}},
	} {
		v, err := bake(t, t.TempDir(), from.file, from.environ, nil, from.flags...)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.List("with"); !slices.Equal(got, from.want) {
			t.Errorf("%s: %q, want %q", name, got, from.want)
		}
	}
}

// TestSetDefault replaces what nobody said, and nothing else.
func TestSetDefault(t *testing.T) {
	v, err := bake(t, t.TempDir(), "heat = 100", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	v.SetDefault("heat", int64(1))
	v.SetDefault("time", time.Hour)
	if v.Number("heat") != 100 || v.Duration("time") != time.Hour || !v.IsDefault("time") {
		t.Errorf("%d %v", v.Number("heat"), v.Duration("time"))
	}
}

// TestSecret shows what is not shown.
func TestSecret(t *testing.T) {
	for _, code := range []string{"", "1234x"} {
		v, err := bake(t, t.TempDir(), "", nil, nil, "--cook=ada", "--lock-code="+code)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][2]string{}
		for _, s := range v.Settings() {
			got[s.Name] = [2]string{s.Value, s.Hidden}
		}
		want := map[string][2]string{"cook": {`"ada"`, ""}, "lock-code": {`""`, ""}}
		if code != "" {
			want = map[string][2]string{"cook": {`"ada"`, "is told by the code"}, "lock-code": {`""`, "is set, and not shown"}}
		}
		for name, w := range want {
			if got[name] != w {
				t.Errorf("%s with code %q: got %q, want %q", name, code, got[name], w)
			}
		}
	}
}

// TestWrong says what is wrong, and where it was made.
func TestWrong(t *testing.T) {
	dir := t.TempDir()
	file := "file " + filepath.Join(dir, "oven.toml")
	for _, tc := range []struct {
		name, file string
		environ    []string
		flags      []string
		want       layered.Error
	}{
		{"unknown key", "haet = 1", nil, nil, layered.Error{Name: "haet", Origin: file, Reason: "unknown setting; did you mean heat?"}},
		{"unknown key of a table", "[bread]\nhaet = 1", nil, nil, layered.Error{Name: "bread.haet", Origin: file, Reason: "unknown setting; did you mean heat?"}},
		{"unknown table", "[soup]\nheat = 100", nil, nil, layered.Error{Name: "soup.heat", Origin: file, Reason: "unknown setting"}},
		{"the file in itself", "recipe = \"x\"", nil, nil, layered.Error{Name: "recipe", Origin: file, Reason: "unknown setting"}},
		{"not TOML", "heat = 100\nfan = [", nil, nil, layered.Error{Origin: file + ", line 2"}},
		{"no file", "", nil, []string{"--recipe=/nowhere.toml"}, layered.Error{Origin: "file /nowhere.toml", Reason: "there is no such configuration file"}},
		{"unknown variable", "", []string{"OVEN_HAET=1"}, nil, layered.Error{Name: "OVEN_HAET", Origin: "environment", Reason: "there is no such setting; did you mean OVEN_HEAT?"}},
		{"out of range", "heat = 301", nil, nil, layered.Error{Name: "heat", Origin: file, Reason: `"301" is not a number from 50 to 300`}},
		{"in a table that counts", "heat = 100\n[pie]\nheat = 49", nil, nil, layered.Error{Name: "heat", Origin: file, Reason: `"49" is not a number from 50 to 300`}},
		{"secret as a number", "lock-code = 12", nil, nil, layered.Error{Name: "lock-code", Origin: file, Reason: "put it in quotes, so that it is taken as it is written"}},
		{"shown secret taken back", "", []string{"OVEN_LOCK_CODE=***"}, nil, layered.Error{Name: "lock-code", Origin: "environment OVEN_LOCK_CODE"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := os.Remove(filepath.Join(dir, "oven.toml")); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			_, err := bake(t, dir, tc.file, tc.environ, nil, tc.flags...)
			var e *layered.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Name != tc.want.Name || e.Origin != tc.want.Origin || !strings.HasPrefix(e.Reason, tc.want.Reason) {
				t.Errorf("got %+v, want %+v", e, tc.want)
			}
		})
	}
	// A table that does not count is not read.
	if _, err := bake(t, t.TempDir(), "[bread]\nheat = 1", nil, nil); err != nil {
		t.Error(err)
	}
}
