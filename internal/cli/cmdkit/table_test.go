package cmdkit

import (
	"bytes"
	"testing"
)

// TestTable lays rows out. One that is shorter, or has empty cells, breaks no
// column and ends in no blanks.
func TestTable(t *testing.T) {
	for _, tc := range []struct {
		about   string
		columns []string
		rows    [][]any
		want    string
	}{
		{"whole", []string{"A", "B"}, [][]any{{"long", 1}, {"x", 22}}, "A     B\nlong  1\nx     22\n"},
		{"short row", []string{"A", "B", "C"}, [][]any{{"x", "stopped"}, {"y", 7, "z"}}, "A  B        C\nx  stopped\ny  7        z\n"},
		{"empty cell", []string{"A", "B", "C"}, [][]any{{"x", 1, ""}}, "A  B  C\nx  1\n"},
		{"no names", nil, [][]any{{"x", 1}, {"yy", 2}}, "x   1\nyy  2\n"},
		{"no rows", []string{"A", "B"}, nil, "A  B\n"},
	} {
		t.Run(tc.about, func(t *testing.T) {
			var out bytes.Buffer
			tab := NewTable(&out, tc.columns...)
			for _, row := range tc.rows {
				tab.Row(row...)
			}
			if err := tab.End(); err != nil || out.String() != tc.want {
				t.Errorf("%q, %v, want %q", out.String(), err, tc.want)
			}
		})
	}
}
