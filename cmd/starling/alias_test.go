package main

import (
	"slices"
	"strings"
	"testing"
)

// TestWalkArgs reads command lines as people typed them in the walk-through.
func TestWalkArgs(t *testing.T) {
	names := []string{"send", "startnode", "getbalance"}
	for _, tc := range []struct{ typed, want string }{
		{"startnode", "startnode"},
		{"STARTNODE -Miner AbC", "startnode|--miner|AbC"},
		{"startnode -miner=AbC --Prune 1", "startnode|--miner=AbC|--prune|1"},
		{"startnode -h", "startnode|-h"},
		{"getBalance -ADDRESS xYz", "getbalance|--address|xYz"},
		{"send -from A -to B -amount 1 -mine", "send|--from|A|--to|B|--amount|1|--mine"},
		{"send -from A -to B,C -amount 1,2", "send|--from|A|--to|B,C|--amount|1,2"},
		{`send -from ["A"] -to ["B", "C"] -amount [1, 2] -Mine`, `send|--from|["A"]|--to|["B", "C"]|--amount|[1, 2]|--mine`},
		{"send -to=[B, C] -amount -1", "send|--to|[B, C]|--amount|-1"},
		{"send -to A -to B", "send|--to|A|--to|B"},
		{"send -mine A", "send|--mine|A"},
		{"send -to A -- -x", "send|--to|A|--|-x"},
		{"node -Listen 0", "node|-Listen|0"},
		{"SENDS -X", "SENDS|-X"},
		{"", ""},
	} {
		got := strings.Join(walkArgs(strings.Fields(tc.typed), names), "|")
		if got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.typed, got, tc.want)
		}
	}
}

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

// FuzzWalkArgs makes sure that no word of a command line is lost or split.
func FuzzWalkArgs(f *testing.F) {
	f.Add("send\n-from\nA\n-to\n[B,\nC]\n-amount\n1")
	f.Add("send\n--\n-to\n-")
	f.Add("send\n-A\xd7 \xa7") // no UTF-8, by which \xd7\xa7 is one letter
	f.Add("send\n-to=\n-=\n--=x\n---y")
	f.Fuzz(func(t *testing.T, s string) {
		args := strings.Split(s, "\n")
		out := walkArgs(slices.Clone(args), []string{"send"})
		if strings.ToLower(args[0]) != "send" && !slices.Equal(out, args) {
			t.Fatalf("%q became %q", args, out)
		}
		plain := func(words []string) string {
			return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "=", "").Replace(strings.Join(words, "")))
		}
		if plain(out) != plain(args) {
			t.Fatalf("%q became %q", args, out)
		}
	})
}
