package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"starling/params"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "seedgen:", err)
		os.Exit(1)
	}
}

// run reads a dump and writes the list of a network, and what it left out to told.
func run(args []string, dump io.Reader, list, told io.Writer) error {
	fl := flag.NewFlagSet("seedgen", flag.ContinueOnError)
	fl.SetOutput(told)
	name := fl.String("network", "main", "one of Bitcoin's networks")
	limit := fl.Int("limit", 128, "how many addresses of IPv4, and as many of IPv6")
	if err := fl.Parse(args); err != nil {
		return err
	}
	n, err := params.ByName(*name)
	if err != nil {
		return err
	}
	found, err := read(dump, n.DefaultPort)
	if err != nil {
		return err
	}
	kept, dropped := choose(found, n.DefaultPort, *limit)
	if len(kept) == 0 {
		return fmt.Errorf("none of %d addresses can be a seed: %v", len(found), dropped)
	}
	fmt.Fprintf(told, "%d of %d addresses kept; left out: %v\n", len(kept), len(found), dropped)
	fmt.Fprintf(list, "# Fixed seeds of %s, one to a network group. Made by params/seedgen; see CONTRIBUTING.md.\n", n.Name)
	for _, a := range kept {
		if _, err := fmt.Fprintln(list, a.Addr()); err != nil {
			return err
		}
	}
	return nil
}
