package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"starling/internal/plain"
)

// table writes rows whose cells stand below each other. Cells may hold what
// others wrote: each stays one cell of one line.
type table struct{ w *tabwriter.Writer }

// newTable begins a table with the names of its columns; without any there is
// no such row.
func newTable(w io.Writer, columns ...string) *table {
	t := &table{tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)}
	if len(columns) > 0 {
		fmt.Fprintln(t.w, strings.Join(columns, "\t"))
	}
	return t
}

// row adds a row.
func (t *table) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = plain.Line(fmt.Sprint(c))
	}
	fmt.Fprintln(t.w, strings.Join(texts, "\t"))
}

// end writes the table.
func (t *table) end() error { return t.w.Flush() }
