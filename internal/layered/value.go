package layered

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// flagValue is a setting on the command line. It keeps the words as they were
// given; they are read together with the other sources.
type flagValue struct {
	option Option
	shown  string
	words  []string
}

// String returns the value as the help shows it.
func (v *flagValue) String() string {
	if len(v.words) > 0 {
		return strings.Join(v.words, ",")
	}
	return v.shown
}

// Set takes a word from the command line.
func (v *flagValue) Set(w string) error {
	if v.option.Kind != List {
		v.words = v.words[:0]
	}
	v.words = append(v.words, w)
	_, err := v.option.read(v.value())
	return err
}

// Type returns what the help calls the value.
func (v *flagValue) Type() string {
	if v.option.Kind == Bool {
		return "bool"
	}
	return v.option.Value
}

func (v *flagValue) value() any {
	if v.option.Kind == List {
		return v.words
	}
	return v.words[0]
}

// read turns a value from any source into the type that the setting has:
// string, int64, bool, []string or time.Duration.
func (o *Option) read(raw any) (any, error) {
	switch o.Kind {
	case List:
		return readList(raw)
	case Bool:
		if b, ok := raw.(bool); ok {
			return b, nil
		}
		b, err := strconv.ParseBool(fmt.Sprint(raw))
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", fmt.Sprint(raw))
		}
		return b, nil
	case Number:
		n, err := strconv.ParseInt(fmt.Sprint(raw), 10, 64)
		if err != nil || n < o.Least || n > o.Most {
			return nil, fmt.Errorf("%q is not a number from %d to %d", fmt.Sprint(raw), o.Least, o.Most)
		}
		return n, nil
	case Duration:
		return o.readDuration(fmt.Sprint(raw))
	default:
		return o.readText(raw)
	}
}

// readText reads a text, or a number where that can not change how it is
// written.
func (o *Option) readText(raw any) (string, error) {
	var s string
	switch raw := raw.(type) {
	case string:
		s = raw
	case int64:
		if o.Secret {
			return "", errors.New("put it in quotes, so that it is taken as it is written")
		}
		s = strconv.FormatInt(raw, 10)
	default:
		return "", fmt.Errorf("%v is not a text; put it in quotes", raw)
	}
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("%q is not a text in UTF-8", s)
	}
	if o.Secret && s != "" && strings.Trim(s, "*") == "" {
		return "", errors.New("a password of asterisks only stands for one that is not shown; give the password itself")
	}
	return s, nil
}

// readDuration reads a time such as 90s or 2m; a plain number is seconds.
func (o *Option) readDuration(s string) (time.Duration, error) {
	least, most := time.Duration(o.Least)*time.Second, time.Duration(o.Most)*time.Second
	d, err := ParseDuration(s)
	if err != nil || d < least || d > most {
		return 0, fmt.Errorf("%q is not a time such as 90s, 2m, 24h or 2d, from %s to %s", s, shortDuration(least), shortDuration(most))
	}
	return d, nil
}

// readList reads a list. Empty entries are left out: nothing that is listed has
// no name, and an empty variable or flag is how somebody says that there is
// nothing.
func readList(raw any) ([]string, error) {
	switch raw := raw.(type) {
	case []string:
		var list []string
		for _, s := range raw {
			if !utf8.ValidString(s) {
				return nil, fmt.Errorf("%q is not a text in UTF-8", s)
			}
			if s != "" {
				list = append(list, s)
			}
		}
		return list, nil
	case string:
		return readList([]string{raw})
	case []any:
		list := make([]string, 0, len(raw))
		for _, it := range raw {
			s, ok := it.(string)
			if !ok {
				return nil, fmt.Errorf("%v is not a text", it)
			}
			list = append(list, s)
		}
		return readList(list)
	case nil:
		return nil, nil
	}
	return nil, fmt.Errorf("%v is not a text or a list of texts", raw)
}

// quote writes a text as a basic string of TOML.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// formatValue writes a value the way the configuration file has it.
func formatValue(v any) string {
	switch v := v.(type) {
	case string:
		return quote(v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case time.Duration:
		return quote(shortDuration(v))
	default:
		return fmt.Sprint(v)
	}
}

// shortDuration writes 2m0s as 2m and 24h0m0s as 24h.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
