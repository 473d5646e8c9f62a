package nearest

import "testing"

func TestWord(t *testing.T) {
	known := []string{"listen", "rpc-listen", "magic"}
	for word, want := range map[string]string{
		"listn": "listen", "rpc_listen": "rpc-listen", "rpclisten": "rpc-listen", "majic": "magic",
		"colour": "", "": "",
	} {
		if got := Word(word, known); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
