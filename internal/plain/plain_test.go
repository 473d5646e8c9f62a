package plain

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// hostile is one of each kind of thing that a terminal obeys.
const hostile = "a\x1b[2Jb\ac\nd\re\tf\u202eg\u2066h\x7fi\u009bj\u2028k\U000e0041l\xffm\u200bn"

func TestName(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"/Satoshi:27.0.0(a; b)/", "/Satoshi:27.0.0(a; b)/"},
		{hostile, "a2Jbcdefghijklmn"},
		{"caf\u00e9 <b>&\"'`$%", "caf b"},
		{"", ""},
	} {
		if got := Name(c.in); got != c.want {
			t.Errorf("Name(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestLineAndText(t *testing.T) {
	escaped := `a\u001b[2Jb\u0007c` + "\n" + `d\re` + "\t" + `f\u202eg\u2066h\u007fi\u009bj\u2028k\udb40\udc41l` + "\ufffd" + `m\u200bn`
	for _, c := range []struct{ in, line, text string }{
		{"plain", "plain", "plain"},
		{"zwölf 十二 ☃ a\u3000b", "zwölf 十二 ☃ a\u3000b", "zwölf 十二 ☃ a\u3000b"},
		{"two\nlines\n", `two\nlines\n`, "two\nlines\n"},
		{hostile, strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(escaped), escaped},
	} {
		if got := Line(c.in); got != c.line {
			t.Errorf("Line(%q) = %q, want %q", c.in, got, c.line)
		}
		if got := Text(c.in); got != c.text {
			t.Errorf("Text(%q) = %q, want %q", c.in, got, c.text)
		}
	}
}

// What is written in whatever pieces comes out as if it had come in one.
func TestWriterPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune(hostile)))).Draw(t, "text")
		var whole, bytewise bytes.Buffer
		if _, err := io.WriteString(NewWriter(&whole), s); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(NewWriter(&bytewise), iotest.OneByteReader(strings.NewReader(s))); err != nil {
			t.Fatal(err)
		}
		if whole.String() != Text(s) || bytewise.String() != Text(s) {
			t.Fatalf("whole %q, in bytes %q, want %q", &whole, &bytewise, Text(s))
		}
	})
}

// A JSON document means the same after it was made fit to be shown.
func TestWriterKeepsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "value")
		var b bytes.Buffer
		e := json.NewEncoder(NewWriter(&b))
		e.SetEscapeHTML(false)
		if err := e.Encode(want); err != nil {
			t.Fatal(err)
		}
		var got, same map[string]string
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%v in %q", err, &b)
		}
		raw, err := json.Marshal(want) // what is no text is replaced by it
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &same); err != nil {
			t.Fatal(err)
		}
		for k, v := range same {
			if got[k] != v {
				t.Fatalf("%q is %q after, %q before", k, got[k], v)
			}
		}
	})
}

// Whoever writes while another does: a command's output and what tells of its
// progress go through one Writer.
func TestWriterShared(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				io.WriteString(w, "grün\n")
			}
		})
	}
	wg.Wait()
	if b.String() != strings.Repeat("grün\n", 400) {
		t.Errorf("%q", &b)
	}
}
