package cmdkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

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

// Ask calls a method and reads its answer into result.
func Ask(ctx context.Context, node attach.Caller, result any, method string, args ...any) error {
	if args == nil {
		args = []any{}
	}
	return AskNamed(ctx, node, result, method, args)
}

// AskNamed is ask with parameters in any form.
func AskNamed(ctx context.Context, node attach.Caller, result any, method string, params any) error {
	raw, err := node.Call(ctx, method, params)
	if err != nil {
		return Explain(method, err)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(raw, result)
}

// OpenClient returns what calls the methods of the node that the settings
// describe, whether it runs or not; see [attach.Open].
func OpenClient(c *cobra.Command, s *settings.Settings, connect bool) (attach.Caller, func() error, error) {
	levels, err := loglevel.New(node.Parts(), []string{"warn"})
	if err != nil {
		return nil, nil, err
	}
	client, closeNode, err := attach.Open(c.Context(), attach.Options{
		Settings: s, Connect: connect, Make: makes(c), Log: NewLogger(s, levels, c.ErrOrStderr()), Version: Version,
	})
	var wrong *layered.Error
	if errors.As(err, &wrong) {
		err = UsageError{Err: err}
	}
	return client, closeNode, Explain("getblockcount", err)
}

// WithNode runs fn on that node. With connect set, one that is opened for it
// connects to its peers.
func WithNode(c *cobra.Command, s *settings.Settings, connect bool, fn func(attach.Caller) error) error {
	node, closeNode, err := OpenClient(c, s, connect)
	if err != nil {
		return err
	}
	return errors.Join(fn(node), closeNode())
}

// MineNow makes one block with all that waits.
func MineNow(ctx context.Context, node attach.Caller, payTo string, w io.Writer) error {
	var blocks []string
	if err := Ask(ctx, node, &blocks, "generatetoaddress", 1, payTo); err != nil {
		return fmt.Errorf("the payment was made but not mined: %w", err)
	}
	var b struct {
		Height int32 `json:"height"`
	}
	if err := Ask(ctx, node, &b, "getblockheader", blocks[0]); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "Mined in block %d %s\n", b.Height, blocks[0])
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
