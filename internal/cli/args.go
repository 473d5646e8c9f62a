package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"starling/internal/cli/cmdkit"
	"starling/internal/cli/walkthrough"
)

// Command lines are read in the way that people of this field type them: long
// flags have one dash or two, flags stand before or after arguments, and what
// begins with a dash and a digit is a number, not a flag.

// tidyArgs rewrites a command line into the form that the flag parser reads:
// the command first, long flags with two dashes, and arguments that begin with
// a dash behind a "--". No word is lost. A command that does not exist is an
// error.
func tidyArgs(root *cobra.Command, args []string) ([]string, error) {
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) {
		// The last word is the one that is being typed.
		last := max(1, len(args)-1)
		l := readArgs(root, args[1:last])
		return slices.Concat(args[:1], l.path, l.words, args[last:]), nil
	}
	l := readArgs(root, args)
	if l.cmd.HasSubCommands() && len(l.operands) > 0 {
		return nil, cmdkit.NoArgs(l.cmd, l.operands)
	}
	if !l.dashed {
		return append(l.path, l.words...), nil
	}
	return slices.Concat(l.path, l.flags, []string{"--"}, l.operands), nil
}

// argLine is a command line, sorted.
type argLine struct {
	cmd  *cobra.Command
	path []string // the words that name the command

	words    []string // the others, in order
	flags    []string // those of them that are flags and their values,
	operands []string // and those that are not
	dashed   bool     // an operand may be taken for a flag
}

// readArgs sorts the words of a command line.
func readArgs(root *cobra.Command, args []string) *argLine {
	l := &argLine{cmd: root}
	list := false // whether what follows belongs to the list of the flag before
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			l.words = append(l.words, args[i:]...)
			l.operands, l.dashed = append(l.operands, args[i+1:]...), true
			break
		}
		if sub := subcommand(l.cmd, a); sub != nil && len(l.operands) == 0 {
			l.cmd, l.path, list = sub, append(l.path, sub.Name()), false
			continue
		}
		walk := l.cmd.GroupID == walkthrough.Group
		name, value, given := longFlag(l.cmd, a)
		switch {
		case name == "" && list && l.extendList(a):
		case name == "" && isShorthand(a):
			l.flag(a)
		case name == "":
			l.operand(a)
		default:
			if walk {
				name = lower(name)
			}
			list = walk && slices.Contains(walkthrough.ListFlags(), name)
			switch {
			case given && list:
				l.flag("--"+name, value)
			case given:
				l.flag("--" + name + "=" + value)
			case list || !takesValue(l.cmd, name) || i+1 == len(args):
				l.flag("--" + name)
			default:
				i++
				l.flag("--"+name, args[i])
			}
		}
	}
	return l
}

func (l *argLine) flag(words ...string) {
	l.words, l.flags = append(l.words, words...), append(l.flags, words...)
}

func (l *argLine) operand(w string) {
	l.words, l.operands = append(l.words, w), append(l.operands, w)
	l.dashed = l.dashed || strings.HasPrefix(w, "-") && w != "-"
}

// extendList adds a word to the value of the flag before, which is a list that
// the shell has cut at its spaces.
func (l *argLine) extendList(w string) bool {
	last := len(l.flags) - 1
	if strings.HasPrefix(l.flags[last], "--") {
		l.flag(w)
		return true
	}
	w = l.flags[last] + " " + w
	l.flags[last], l.words[len(l.words)-1] = w, w
	return true
}

// subcommand returns the command that a word names, or nil. The commands of the
// walk-through may be written in any letter case.
func subcommand(c *cobra.Command, word string) *cobra.Command {
	for _, sub := range c.Commands() {
		if sub.Name() == word || sub.HasAlias(word) || sub.GroupID == walkthrough.Group && strings.EqualFold(sub.Name(), word) {
			return sub
		}
	}
	return nil
}

// longFlag takes a word apart that is a flag with a name; the name is empty if
// it is something else: an argument, a number, or a flag of one letter.
func longFlag(c *cobra.Command, word string) (name, value string, given bool) {
	name = strings.TrimLeft(word, "-")
	dashes := len(word) - len(name)
	name, value, given = strings.Cut(name, "=")
	if dashes < 1 || dashes > 2 || name == "" || !isLetter(name[0]) {
		return "", "", false
	}
	if dashes == 1 && len(name) == 1 && findFlag(c, name) == nil {
		return "", "", false
	}
	return name, value, given
}

// isShorthand reports whether a word is a flag of one letter.
func isShorthand(word string) bool {
	return len(word) == 2 && word[0] == '-' && isLetter(word[1])
}

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// takesValue reports whether the value of a flag may be the next word.
func takesValue(c *cobra.Command, name string) bool {
	f := findFlag(c, name)
	return f != nil && f.NoOptDefVal == ""
}

// findFlag finds a flag of a command or, as long as it is not known which is
// meant, of one below it.
func findFlag(c *cobra.Command, name string) *pflag.Flag {
	if f := c.Flag(name); f != nil {
		return f
	}
	for _, sub := range c.Commands() {
		if f := findFlag(sub, name); f != nil {
			return f
		}
	}
	return nil
}

// lower returns the name of a flag in small letters. Names are ASCII; what else
// somebody typed stays as it is, so that they are told of just that.
func lower(name string) string {
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
