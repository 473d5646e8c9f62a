package layered

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"starling/internal/nearest"
)

// Schema says which settings a program has, and where they are looked for.
type Schema struct {
	// Options are all settings, in the order in which they are shown and in
	// which faults are told of.
	Options []Option

	// EnvPrefix starts the names of the environment variables. What follows it
	// and is no setting is an error, unless EnvIgnore, if not nil, says of the
	// rest of the name that it is none of the program's.
	EnvPrefix string
	EnvIgnore func(rest string) bool
	// EnvAliases are further variables that settings have, by their names. They
	// count as those of the settings do, which are stronger. An empty one says
	// nothing.
	EnvAliases map[string]string

	// FileOption is the setting that says where the file is, of which nothing
	// stands in the file itself. Without it the file is called FileName, and is
	// looked for in the directory that is the setting DirOption.
	FileOption, DirOption, FileName string

	// TableOption is the setting that decides which table of the file counts.
	// What stands in that table is stronger than what stands outside.
	TableOption string
}

// source is one of the layers. The later ones are stronger.
type source int

const (
	fromDefault source = iota
	fromFile
	fromEnviron
	fromFlag
	fromCommand
)

const delimiter = "."

// Sources are all that was said about settings, not yet laid over each other.
type Sources struct {
	schema *Schema
	layers [fromCommand + 1]*koanf.Koanf
	vars   *environment
	path   string // of the file, whether or not it is there
}

// Read gathers what is said about the settings: in flags, which may be nil, in
// environment variables in the form name=value, in the file. What a command
// decides itself, by name, is stronger than all of these. The error is an
// [*Error] if a setting is wrong.
func (s *Schema) Read(flags *pflag.FlagSet, environ []string, decided map[string]string) (*Sources, error) {
	vars, err := s.readEnviron(environ)
	if err != nil {
		return nil, err
	}
	said := [fromCommand + 1]map[string]any{fromDefault: {}, fromEnviron: vars.values, fromFlag: {}, fromCommand: {}}
	for _, o := range s.Options {
		said[fromDefault][o.Name] = o.fallback()
	}
	if flags != nil {
		flags.Visit(func(f *pflag.Flag) {
			if v, ok := f.Value.(*flagValue); ok {
				said[fromFlag][f.Name] = v.value()
			}
		})
	}
	for name, v := range decided {
		said[fromCommand][name] = v
	}
	all := &Sources{schema: s, vars: vars}
	for i, m := range said {
		all.layers[i] = koanf.New(delimiter)
		if err := all.layers[i].Load(confmap.Provider(m, delimiter), nil); err != nil {
			return nil, err
		}
	}
	if err := all.readFile(); err != nil {
		return nil, err
	}
	return all, nil
}

// maxFile is the largest configuration file that is read, in bytes.
const maxFile = 1 << 20

// readFile reads the file, which is where the other sources say, and then must
// be there, or in the directory that they name.
func (s *Sources) readFile() error {
	path, named := s.peek(s.schema.FileOption, fromEnviron)
	if named == fromDefault {
		dir, _ := s.peek(s.schema.DirOption, fromEnviron)
		path = filepath.Join(dir, s.schema.FileName)
	}
	s.path = path
	if info, err := os.Stat(path); err == nil && (!info.Mode().IsRegular() || info.Size() > maxFile) {
		// A pipe or a device may never end.
		return &Error{Origin: "file " + path, Reason: "it is no regular file, or larger than any configuration"}
	}
	err := s.layers[fromFile].Load(file.Provider(path), toml.Parser())
	switch {
	case errors.Is(err, fs.ErrNotExist) && named == fromDefault:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Origin: "file " + path, Reason: "there is no such configuration file"}
	case err != nil:
		return badFile(path, err)
	}
	return nil
}

// peek returns what the strongest source says about a setting, and which that
// is. Sources other than the default that are weaker than least are left out.
func (s *Sources) peek(name string, least source) (string, source) {
	for from := fromCommand; from >= least; from-- {
		if s.layers[from].Exists(name) {
			return s.layers[from].String(name), from
		}
	}
	return s.layers[fromDefault].String(name), fromDefault
}

// Peek returns what a setting will be as far as is known before the table of
// the file is chosen. It is not checked.
func (s *Sources) Peek(name string) (text, origin string, isDefault bool) {
	text, from := s.peek(name, fromFile)
	return text, s.origin(from, name), from == fromDefault
}

// origin says where a source has a setting from.
func (s *Sources) origin(from source, name string) string {
	switch from {
	case fromFile:
		return "file " + s.path
	case fromEnviron:
		return "environment " + s.vars.names[name]
	case fromFlag:
		return "flag --" + name
	case fromCommand:
		return "this command"
	default:
		return "default"
	}
}

// Choose returns values that hold one setting alone: the one that decides which
// table of the file counts.
func (s *Sources) Choose() (*Values, error) {
	v := &Values{options: s.schema.Options, all: make(map[string]value)}
	i := slices.IndexFunc(v.options, func(o Option) bool { return o.Name == s.schema.TableOption })
	return v, s.lay(v, &v.options[i], "")
}

// CheckFile refuses settings in the file that are not known, outside the given
// tables and in them.
func (s *Sources) CheckFile(tables []string) error {
	var known []string
	for _, o := range s.schema.Options {
		if o.Name != s.schema.FileOption {
			known = append(known, o.Name)
		}
	}
	for _, key := range s.layers[fromFile].Keys() {
		name := key
		if table, rest, ok := strings.Cut(key, delimiter); ok && slices.Contains(tables, table) {
			name = rest
		}
		if slices.Contains(known, name) {
			continue
		}
		reason := "unknown setting"
		if n := nearest.Word(name, known); n != "" {
			reason += "; did you mean " + n + "?"
		}
		return &Error{Name: key, Origin: "file " + s.path, Reason: reason}
	}
	return nil
}

// Merge lays the sources over each other, with a table of the file, and adds
// the settings to v, which comes from [Sources.Choose].
func (s *Sources) Merge(v *Values, table string) error {
	for i := range v.options {
		o := &v.options[i]
		if o.Name == s.schema.TableOption {
			continue
		}
		if err := s.lay(v, o, table); err != nil {
			return err
		}
	}
	v.SetDefault(s.schema.FileOption, s.path)
	return nil
}

// lay gives a setting its value.
func (s *Sources) lay(v *Values, o *Option, table string) error {
	for from, l := range s.layers {
		keys := []string{o.Name}
		if source(from) == fromFile && table != "" {
			keys = append(keys, table+delimiter+o.Name)
		}
		for _, key := range keys {
			if !l.Exists(key) {
				continue
			}
			origin := s.origin(source(from), o.Name)
			x, err := o.read(l.Get(key))
			if err != nil {
				return &Error{Name: o.Name, Origin: origin, Reason: err.Error()}
			}
			v.all[o.Name] = value{x, source(from), origin}
		}
	}
	return nil
}
