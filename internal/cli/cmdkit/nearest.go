package cmdkit

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"starling/internal/nearest"
	"starling/rpc"
)

// NoArgs refuses arguments. Where a command was expected, it names the one
// that was probably meant.
func NoArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !c.HasSubCommands() && len(args) == 1 && c.Flags().Lookup("name") != nil {
		return UsageError{Err: fmt.Errorf("unexpected argument %q; did you mean --name %q?", args[0], args[0])}
	}
	if !c.HasSubCommands() {
		return UsageError{Err: fmt.Errorf("unexpected argument %q; \"%s --help\" shows what there is", args[0], c.CommandPath())}
	}
	s := fmt.Sprintf("unknown command %q", args[0])
	if here := foreignCommands[strings.ToLower(args[0])]; here != "" {
		s += "; " + here
	} else if near := nearestCommand(c, args[0]); near != "" {
		s += "; did you mean " + near + "?"
	} else {
		s += "; \"" + c.CommandPath() + " --help\" lists them"
	}
	return UsageError{Err: errors.New(s)}
}

// nearestCommand returns the command that was probably meant: one right below
// c, or else one of just that name elsewhere, with the whole way to it. A method
// of the node stands for the call of it, as other nodes' clients have it.
func nearestCommand(c *cobra.Command, word string) string {
	word = strings.ToLower(word)
	if !c.HasParent() && rpc.Methods().Lookup(word) != nil {
		return "starling rpc " + word
	}
	var known []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			known = append(known, sub.Name())
			known = append(known, sub.Aliases...)
		}
	}
	if near := nearest.Word(word, known); near != "" {
		return near
	}
	if c.HasParent() {
		return ""
	}
	for _, group := range c.Commands() {
		for _, sub := range group.Commands() {
			if sub.Name() == word {
				return sub.CommandPath()
			}
		}
	}
	return ""
}

// SuggestFlag adds the flag that was probably meant to the error about one
// that does not exist.
func SuggestFlag(c *cobra.Command, err error) error {
	var none *pflag.NotExistError
	if !errors.As(err, &none) {
		return err
	}
	name := none.GetSpecifiedName()
	if none.GetSpecifiedShortnames() != "" {
		return fmt.Errorf("unknown flag: -%s; arguments that begin with a dash stand after --", name)
	}
	if here := foreignFlags[strings.ToLower(name)]; here != "" {
		return fmt.Errorf("unknown flag: --%s; %s", name, here)
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if near := nearest.Word(name, known); near != "" {
		return fmt.Errorf("unknown flag: --%s; did you mean --%s?", name, near)
	}
	return fmt.Errorf("unknown flag: --%s; \"%s --help\" lists them, and arguments that begin with a dash stand after --", name, c.CommandPath())
}

// nearestMethod returns the method that was probably meant, or "".
func nearestMethod(word string) string {
	var known []string
	for _, m := range rpc.Methods().Methods() {
		known = append(known, m.Name)
	}
	return nearest.Word(strings.ToLower(word), known)
}
