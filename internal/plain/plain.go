package plain

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Name keeps of a name that a peer gives itself what Bitcoin Core keeps: ASCII
// letters, digits, the space and .,;-_/:?@(). All else is left out.
func Name(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune(" .,;-_/:?@()", r):
			return r
		}
		return -1
	}, s)
}

// Line returns a text as one line, for a cell of a table or a part of a
// sentence. What cannot be seen is written as JSON would: \u001b, \n, \u202e.
// Bytes that are no text become U+FFFD.
func Line(s string) string { return clean(s, "") }

// Text is [Line] for texts of several lines: line breaks and tabs stay.
func Text(s string) string { return clean(s, "\n\t") }

// clean writes all that cannot be seen as escapes, but for the characters in
// keep.
func clean(s, keep string) string {
	harmless := func(r rune) bool {
		return unicode.IsGraphic(r) && r != utf8.RuneError || r < utf8.RuneSelf && strings.IndexByte(keep, byte(r)) >= 0
	}
	if strings.IndexFunc(s, func(r rune) bool { return !harmless(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case harmless(r), r == utf8.RuneError:
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// Writer passes on what is written to it as [Text] would have it. Only inside
// its texts does JSON hold what cannot be seen, and the escapes are JSON's own,
// so a JSON document keeps its meaning. Several goroutines may use it; what one
// of them writes at once stays together.
type Writer struct {
	w    io.Writer
	mu   sync.Mutex // held over the write: it keeps the order
	tail []byte     // of a character whose rest has still to come
}

// NewWriter returns a Writer that writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write implements [io.Writer].
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := append(w.tail, p...)
	whole := len(b)
	for i := max(0, len(b)-utf8.UTFMax+1); i < len(b); i++ {
		if utf8.RuneStart(b[i]) && !utf8.FullRune(b[i:]) {
			whole = i
			break
		}
	}
	text := Text(string(b[:whole]))
	w.tail = append([]byte(nil), b[whole:]...)
	if _, err := io.WriteString(w.w, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Unwrap returns what w writes to, for those who steer a terminal themselves.
func (w *Writer) Unwrap() io.Writer { return w.w }
