package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// documented matches a command line of this program: in a block of commands, or
// in a text.
var documented = regexp.MustCompile("(?m)^(?:[0-9]+\\. |\\$ |    | {2})?(?:[A-Z_]+=[^ ]+ )*(starling [^\\n`]*)$|`(starling [^`]*)`")

// TestDocumentedLines takes every command line that the README, the documents
// and the help show: its command, its flags and the number of its arguments are
// right.
func TestDocumentedLines(t *testing.T) {
	texts := map[string]string{}
	for _, path := range []string{"README.md", "CONTRIBUTING.md", "docs/operating.md", "docs/architecture.md", "docs/protocol.md"} {
		b, err := os.ReadFile("../../" + path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(b)
	}
	var help func(c *cobra.Command)
	help = func(c *cobra.Command) {
		texts[c.CommandPath()] = c.Long
		for _, sub := range c.Commands() {
			help(sub)
		}
	}
	help(newRoot())
	lines := 0
	for where, text := range texts {
		text = strings.ReplaceAll(text, "\\\n", " ")
		for _, m := range documented.FindAllStringSubmatch(text, -1) {
			line := strings.ReplaceAll(m[1]+m[2], "\n", " ")
			lines++
			if err := understood(shellWords(line)[1:]); err != nil {
				t.Errorf("%s: %q: %v", where, line, err)
			}
		}
	}
	if lines < 100 {
		t.Errorf("only %d lines were found", lines)
	}
}

// shellWords cuts a command line into words as a shell does, as far as the
// documents need it: quotes, redirections, comments, and columns of remarks.
func shellWords(line string) []string {
	line, _, _ = strings.Cut(line, "   ")
	line, _, _ = strings.Cut(line, " > ")
	line, _, _ = strings.Cut(line, " < ")
	line, _, _ = strings.Cut(line, " # ")
	line = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(line), "&"), ";")
	var words []string
	for _, m := range regexp.MustCompile(`'([^']*)'|"([^"]*)"|([^ ]+)`).FindAllStringSubmatch(line, -1) {
		words = append(words, m[1]+m[2]+m[3])
	}
	return words
}

// understood parses a command line without running it.
func understood(args []string) error {
	for i, a := range args {
		// What stands for something in the documents.
		a = strings.NewReplacer("[", "", "]", "", "…", "").Replace(a)
		if strings.HasPrefix(a, "HOST:PORT") {
			a = "127.0.0.1:1"
		}
		if a == "TXID" {
			a = strings.Repeat("0", 64)
		}
		args[i] = a
	}
	root := newRoot()
	args, err := tidyArgs(root, args)
	if err != nil {
		return err
	}
	c, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	c.InitDefaultHelpFlag()
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	if c.Args == nil || c.Flag("help").Changed || len(c.Flags().Args()) == 0 {
		return nil // a command that is only named
	}
	return c.Args(c, c.Flags().Args())
}
