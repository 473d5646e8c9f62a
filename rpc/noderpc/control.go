package noderpc

import (
	"context"
	"log/slog"
	"slices"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
)

func (a *api) controlMethods(t *jsonrpc.Table) []*jsonrpc.Method {
	const category = "Control"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "help", Category: category, Early: true,
			Summary: "Lists all methods, or explains one.", Returns: "The text",
			Examples: [][]any{{}, {"getblock"}}},
			func(_ context.Context, p helpParams) (string, error) {
				if p.Command == "" {
					return t.Index(), nil
				}
				m := t.Lookup(p.Command)
				if m == nil {
					return "help: unknown command: " + p.Command, nil
				}
				return m.Help(), nil
			}),
		jsonrpc.Define(jsonrpc.Method{Name: "stop", Category: category, Early: true,
			Summary: "Stops the node.", Returns: "A farewell"}, a.stop),
		jsonrpc.Define(jsonrpc.Method{Name: "uptime", Category: category,
			Summary: "Returns for how long the node has been running.", Returns: "Seconds"},
			func(context.Context, jsonrpc.None) (int64, error) { return int64(a.Uptime().Seconds()), nil }),
		jsonrpc.Define(jsonrpc.Method{Name: "logging", Category: category,
			Summary:  "Switches debug messages of parts of the node on or off, and tells for which they are on.\nThe part \"all\" stands for every one; what is excluded is switched off last.",
			Results:  []jsonrpc.Shape{{Like: jsonrpc.Map[bool]{}, Key: "part", Help: "Each part, and whether its debug messages are on"}},
			Examples: [][]any{{}, {[]string{"net", "peer"}}, {[]string{"all"}, []string{"chain"}}}}, a.logging),
		jsonrpc.Define(jsonrpc.Method{Name: "getrpcinfo", Category: category,
			Summary: "Returns the calls that are being answered."}, a.getRPCInfo),
	}
}

type stopParams struct {
	Wait int64 `rpc:"wait" default:"0" help:"How long to keep back the answer, in milliseconds; no longer than the node answers calls"`
}

func (a *api) stop(ctx context.Context, p stopParams) (string, error) {
	if a.Stop == nil {
		return "", jsonrpc.Errorf(jsonrpc.CodeMisc, "This node is not stopped by calls; end the program that it runs in")
	}
	a.Stop()
	if p.Wait > 0 {
		wait, cancel := context.WithTimeout(ctx, rpcargs.Milliseconds(p.Wait))
		defer cancel()
		<-wait.Done()
	}
	return "Starling stopping", nil
}

type helpParams struct {
	Command string `rpc:"command,optional" help:"The method to explain; all are listed if left out"`
}

type loggingParams struct {
	Include []string `rpc:"include,optional" item:"include_category" help:"Parts to switch on"`
	Exclude []string `rpc:"exclude,optional" item:"exclude_category" help:"Parts to switch off"`
}

func (a *api) logging(_ context.Context, p loggingParams) (jsonrpc.Map[bool], error) {
	names := a.Logs.Names()
	apply := func(parts []string, level slog.Level) error {
		for _, part := range parts {
			all := slices.Contains([]string{"", "1", "all"}, part)
			if part == "0" || part == "none" {
				continue
			}
			if !all && !slices.Contains(names, part) {
				return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "unknown logging category %s", part)
			}
			for _, n := range names {
				if all || n == part {
					if err := a.Logs.Set(n, level); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	if err := apply(p.Include, slog.LevelDebug); err != nil {
		return nil, err
	}
	if err := apply(p.Exclude, slog.LevelInfo); err != nil {
		return nil, err
	}
	r := jsonrpc.Map[bool]{}
	for _, n := range names {
		r = append(r, jsonrpc.Entry[bool]{Name: n, Value: a.Logs.Level(n) <= slog.LevelDebug})
	}
	return r, nil
}

func (a *api) getRPCInfo(context.Context, jsonrpc.None) (rpctypes.RPCInfo, error) {
	r := rpctypes.RPCInfo{Active: []rpctypes.ActiveCommand{}}
	for _, c := range a.Active() {
		r.Active = append(r.Active, rpctypes.ActiveCommand{Method: c.Method, Duration: c.For.Microseconds()})
	}
	return r, nil
}
