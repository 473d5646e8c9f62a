package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"starling/internal/nearest"
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
	if v.option.kind != kindList {
		v.words = v.words[:0]
	}
	v.words = append(v.words, w)
	_, err := v.option.read(v.value())
	return err
}

// Type returns what the help calls the value.
func (v *flagValue) Type() string {
	if v.option.kind == kindBool {
		return "bool"
	}
	return v.option.Value
}

func (v *flagValue) value() any {
	if v.option.kind == kindList {
		return v.words
	}
	return v.words[0]
}

// read turns a value from any source into the type that the setting has:
// string, int64, bool, []string or time.Duration.
func (o *Option) read(raw any) (any, error) {
	switch o.kind {
	case kindList:
		return readList(raw)
	case kindBool:
		if b, ok := raw.(bool); ok {
			return b, nil
		}
		b, err := strconv.ParseBool(fmt.Sprint(raw))
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", fmt.Sprint(raw))
		}
		return b, nil
	case kindInt:
		n, err := strconv.ParseInt(fmt.Sprint(raw), 10, 64)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is not a number from 0 up", fmt.Sprint(raw))
		}
		return n, nil
	case kindDuration:
		return readDuration(fmt.Sprint(raw))
	default:
		switch raw.(type) {
		case string, int64, float64:
			return fmt.Sprint(raw), nil
		}
		return nil, fmt.Errorf("%v is not a text", raw)
	}
}

// readDuration reads a time such as 90s or 2m; a plain number is seconds.
func readDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if n, nerr := strconv.ParseInt(s, 10, 32); nerr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time such as 90s, 2m or 24h", s)
	}
	return d, nil
}

func readList(raw any) ([]string, error) {
	switch raw := raw.(type) {
	case []string:
		return raw, nil
	case string:
		return []string{raw}, nil
	case []any:
		list := make([]string, 0, len(raw))
		for _, it := range raw {
			s, ok := it.(string)
			if !ok {
				return nil, fmt.Errorf("%v is not a text", it)
			}
			list = append(list, s)
		}
		return list, nil
	case nil:
		return nil, nil
	}
	return nil, fmt.Errorf("%v is not a text or a list of texts", raw)
}

// formatValue writes a value the way the configuration file has it.
func formatValue(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case time.Duration:
		return strconv.Quote(shortDuration(v))
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

// Nearest returns the known name that differs least from an unknown one, or
// "" if none is close enough to be meant.
func Nearest(name string, known []string) string { return nearest.Word(name, known) }
