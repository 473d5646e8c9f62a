package cmdkit

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"starling/internal/plain"
)

// table writes rows whose cells stand below each other. Cells may hold what
// others wrote: each stays one cell of one line.
type table struct {
	out     io.Writer
	text    bytes.Buffer      // what w has laid out
	w       *tabwriter.Writer // writes to text
	columns int
}

// NewTable begins a table with the names of its columns; without any there is
// no such row.
func NewTable(w io.Writer, columns ...string) *table {
	t := &table{out: w, columns: len(columns)}
	t.w = tabwriter.NewWriter(&t.text, 0, 8, 2, ' ', 0)
	if len(columns) > 0 {
		fmt.Fprintln(t.w, strings.Join(columns, "\t"))
	}
	return t
}

// Row adds a row. One that is shorter than the others leaves the rest of its
// cells empty: where a row has no cell at all, the column would end.
func (t *table) Row(cells ...any) {
	texts := make([]string, max(len(cells), t.columns))
	for i, c := range cells {
		texts[i] = plain.Line(fmt.Sprint(c))
	}
	fmt.Fprintln(t.w, strings.Join(texts, "\t"))
}

// End writes the table, without the room of empty cells at the ends of lines.
func (t *table) End() error {
	if err := t.w.Flush(); err != nil {
		return err
	}
	for line := range bytes.Lines(t.text.Bytes()) {
		if _, err := fmt.Fprintf(t.out, "%s\n", bytes.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}
