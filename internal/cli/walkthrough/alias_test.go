package walkthrough

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitList(t *testing.T) {
	for _, tc := range []struct {
		words []string
		want  string
	}{
		{[]string{"A"}, "A"},
		{[]string{"A,B", "C"}, "A|B|C"},
		{[]string{`["A", "B"]`}, "A|B"},
		{[]string{"[A B]"}, "A|B"},
		{[]string{"'A' 'B'"}, "A|B"},
		{[]string{" [ 1 , 2.5 ] "}, "1|2.5"},
		{[]string{"[]", ""}, ""},
		{nil, ""},
	} {
		if got := splitList(tc.words); !slices.Equal(got, strings.FieldsFunc(tc.want, func(r rune) bool { return r == '|' })) {
			t.Errorf("%q: got %q", tc.words, got)
		}
	}
}
