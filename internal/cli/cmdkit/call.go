package cmdkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"starling/client"
	"starling/internal/layered"
	"starling/internal/loglevel"
	"starling/node"
	"starling/node/attach"
	"starling/node/settings"
	"starling/wire"
)

// MakesData marks a command that may make a data directory.
func MakesData(c *cobra.Command) *cobra.Command {
	c.Annotations = map[string]string{annotationMakes: "data"}
	return c
}

const annotationMakes = "makes"

// makes reports whether a command may make a data directory.
func makes(c *cobra.Command) bool { return c.Annotations[annotationMakes] != "" }

// Client returns a client for a node, whose errors are those of [Explain]. Who
// has to tell the node's errors apart takes [client.Over].
func Client(node client.Caller) *client.Client { return client.Over(explained{node}) }

// explained is a caller that says what errors mean.
type explained struct{ node client.Caller }

func (e explained) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	raw, err := e.node.Call(ctx, method, params)
	return raw, Explain(method, err)
}

// OpenClient returns what calls the methods of the node that the settings
// describe, whether it runs or not; see [attach.Open].
func OpenClient(c *cobra.Command, s *settings.Settings, connect bool) (attach.Caller, func() error, error) {
	return openClient(c, attach.Options{Settings: s, Connect: connect})
}

func openClient(c *cobra.Command, opts attach.Options) (attach.Caller, func() error, error) {
	levels, err := loglevel.New(node.Parts(), []string{"warn"})
	if err != nil {
		return nil, nil, err
	}
	opts.Make, opts.Log, opts.Version = makes(c), NewLogger(opts.Settings, levels, c.ErrOrStderr()), Version
	node, closeNode, err := attach.Open(c.Context(), opts)
	var wrong *layered.Error
	if errors.As(err, &wrong) {
		err = UsageError{Err: err}
	}
	return node, closeNode, Explain("getblockcount", err)
}

// WithNode runs fn on that node. With connect set, one that is opened for it
// connects to its peers.
func WithNode(c *cobra.Command, s *settings.Settings, connect bool, fn func(attach.Caller) error) error {
	return withNode(c, attach.Options{Settings: s, Connect: connect}, fn)
}

// WithRebuilt is WithNode, and a node that is opened for it rebuilds everything from
// its blocks first.
func WithRebuilt(c *cobra.Command, s *settings.Settings, fn func(attach.Caller) error) error {
	return withNode(c, attach.Options{Settings: s, Rebuild: true}, fn)
}

func withNode(c *cobra.Command, opts attach.Options, fn func(attach.Caller) error) error {
	node, closeNode, err := openClient(c, opts)
	if err != nil {
		return err
	}
	return errors.Join(fn(node), closeNode())
}

// MineNow makes one block with all that waits.
func MineNow(ctx context.Context, node attach.Caller, payTo string, w io.Writer) error {
	c := Client(node)
	blocks, err := c.GenerateToAddress(ctx, 1, payTo)
	if err != nil {
		return fmt.Errorf("the payment was made but not mined: %w", err)
	}
	if len(blocks) == 0 {
		return errors.New("the payment was made but not mined: the node made no block")
	}
	b, err := c.GetBlockHeader(ctx, blocks[0])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "Mined in block %d %s\n", b.Height, blocks[0])
	return err
}

// PassOn sees to it that others get to know of a payment, and says how.
func PassOn(ctx context.Context, node attach.Caller, txid wire.Hash, w io.Writer) error {
	local, ok := node.(*attach.Local)
	if !ok {
		_, err := fmt.Fprintln(w, "The running node announces it until a block holds it")
		return err
	}
	to, err := local.HandOver(ctx, txid)
	switch {
	case err != nil:
		return err
	case to == "":
		_, err = fmt.Fprintln(w, "No other node could be reached; it is kept, and announced when this node runs")
	default:
		_, err = fmt.Fprintf(w, "Handed to %s\n", to)
	}
	return err
}

// Pays reports whether a command makes a payment that others should hear of.
func Pays(c *cobra.Command) bool {
	mine, _ := c.Flags().GetBool("mine")
	return !mine && slices.Contains([]string{"send", "sweep", "bump"}, c.Name())
}
