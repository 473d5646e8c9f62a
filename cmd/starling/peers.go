package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"starling/clock"
	"starling/internal/config"
	"starling/internal/plain"
	"starling/rpc"
)

func newPeersCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "peers",
		Short: "Show the peers of a running node",
		Long: `Show the peers of a running node, or the messages that pass between them.

  starling peers               who is connected now
  starling peers --watch       the same, again and again
  starling peers --messages    every message as it passes`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			client, ctx, w := newClient(cfg), c.Context(), c.OutOrStdout()
			messages, _ := c.Flags().GetBool("messages")
			watch, _ := c.Flags().GetBool("watch")
			switch {
			case messages:
				err = quiet(ctx, watchMessages(ctx, client, w))
			case watch:
				err = quiet(ctx, watchPeers(ctx, client, w))
			default:
				err = showPeers(ctx, client, w)
			}
			return findNode(cfg, err)
		},
	}
	config.AddFlags(c.Flags(), true)
	c.Flags().SortFlags = false
	c.Flags().Bool("watch", false, "show them again every second")
	c.Flags().Bool("messages", false, "show the messages as they pass")
	return c
}

// quiet makes nothing of an error that comes from being interrupted.
func quiet(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// pause waits in real time.
func pause(ctx context.Context, d time.Duration) error {
	return clock.Sleep(ctx, clock.System(), d)
}

// watchEvery is how often --watch looks.
const watchEvery = time.Second

// clearScreen takes a terminal's cursor home and removes what is below it.
const clearScreen = "\x1b[H\x1b[J"

func watchPeers(ctx context.Context, client *rpc.Client, w io.Writer) error {
	for {
		fmt.Fprint(terminal(w), clearScreen)
		if err := showPeers(ctx, client, w); err != nil {
			return err
		}
		if err := pause(ctx, watchEvery); err != nil {
			return err
		}
	}
}

// peerLine is what is shown of a peer.
type peerLine struct {
	ID       uint64   `json:"id"`
	Addr     string   `json:"addr"`
	Inbound  bool     `json:"inbound"`
	Type     string   `json:"connection_type"`
	Framing  string   `json:"transport_protocol_type"`
	Agent    string   `json:"subver"`
	Ping     *float64 `json:"minping"`
	Headers  int32    `json:"synced_headers"`
	Blocks   int32    `json:"synced_blocks"`
	InFlight []int32  `json:"inflight"`
	Recv     uint64   `json:"bytesrecv"`
	Sent     uint64   `json:"bytessent"`
	ConnTime int64    `json:"conntime"`
}

func showPeers(ctx context.Context, client *rpc.Client, w io.Writer) error {
	raw, err := client.Call(ctx, "getpeerinfo", []any{})
	if err != nil {
		return explain("getpeerinfo", err)
	}
	var peers []peerLine
	if err := json.Unmarshal(raw, &peers); err != nil {
		return err
	}
	t := newTable(w, "ID", "ADDRESS", "TYPE", "VIA", "PING", "HEADERS", "BLOCKS", "ASKED", "RECEIVED", "SENT", "FOR", "SOFTWARE")
	now := clock.System().Now()
	for _, p := range peers {
		ping := "-"
		if p.Ping != nil {
			ping = (time.Duration(*p.Ping * float64(time.Second))).Round(100 * time.Microsecond).String()
		}
		age := now.Sub(time.Unix(p.ConnTime, 0)).Truncate(time.Second)
		t.row(p.ID, p.Addr, p.Type, p.Framing, ping,
			height(p.Headers), height(p.Blocks), len(p.InFlight), bytesText(p.Recv), bytesText(p.Sent), age, p.Agent)
	}
	return t.end()
}

func height(h int32) string {
	if h < 0 {
		return "-"
	}
	return fmt.Sprint(h)
}

// bytesText writes a number of bytes with three digits.
func bytesText(n uint64) string {
	v, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if v < 1000 {
			break
		}
		v, unit = v/1000, u
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}

func watchMessages(ctx context.Context, client *rpc.Client, w io.Writer) error {
	params := map[string]any{"timeout": 20_000}
	var last uint64
	for {
		raw, err := client.Call(ctx, "getpeermessages", params)
		if err != nil {
			return explain("getpeermessages", err)
		}
		var r struct {
			Last     uint64 `json:"last"`
			Messages []struct {
				Seq     uint64 `json:"seq"`
				Time    int64  `json:"time"`
				Peer    uint64 `json:"peer"`
				Addr    string `json:"addr"`
				Dir     string `json:"dir"`
				Command string `json:"command"`
				Size    int    `json:"size"`
			} `json:"messages"`
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			return err
		}
		params["after"] = r.Last
		for _, m := range r.Messages {
			if last > 0 && m.Seq > last+1 {
				fmt.Fprintf(w, "… %d more\n", m.Seq-last-1)
			}
			last = m.Seq
			arrow := "<-"
			if m.Dir == "out" {
				arrow = "->"
			}
			fmt.Fprintf(w, "%s  peer %-4d %s %-12s %9d B  %s\n", time.UnixMicro(m.Time).UTC().Format("15:04:05.000000"), m.Peer, arrow, plain.Line(m.Command), m.Size, plain.Line(m.Addr))
		}
	}
}
