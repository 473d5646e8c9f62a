package nodecmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"starling/clock"
	"starling/internal/cli/cmdkit"
	"starling/rpc/jsonrpc"
)

// peerInfo is what a node says of a peer.
type peerInfo struct {
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

// addedInfo is what a node says of another that it was asked to connect to.
type addedInfo struct {
	Node      string `json:"addednode"`
	Connected bool   `json:"connected"`
	Failures  int    `json:"failures"`
	Reason    string `json:"reason"`
}

// peersShown is what peers shows, in the form of --json.
type peersShown struct {
	Peers       []peerShown        `json:"peers"`
	Unreachable []unreachableShown `json:"unreachable"`
}

type peerShown struct {
	ID            uint64   `json:"id"`
	Address       string   `json:"address"`
	Inbound       bool     `json:"inbound"`
	Type          string   `json:"connection_type"`
	Transport     string   `json:"transport"`
	Ping          *float64 `json:"ping_seconds"` // null before the first answer
	Headers       *int32   `json:"headers"`      // null where nothing is known
	Blocks        *int32   `json:"blocks"`       // the same
	InFlight      int      `json:"blocks_in_flight"`
	BytesReceived uint64   `json:"bytes_received"`
	BytesSent     uint64   `json:"bytes_sent"`
	Connected     int64    `json:"connected_seconds"`
	UserAgent     string   `json:"user_agent"`
}

type unreachableShown struct {
	Address  string `json:"address"`
	Failures int    `json:"failures"`
	Reason   string `json:"reason"` // empty while it is tried for the first time
}

// askPeers asks a node for all that peers shows.
func askPeers(ctx context.Context, client *jsonrpc.Client) (*peersShown, error) {
	var peers []peerInfo
	var added []addedInfo
	if err := cmdkit.Ask(ctx, client, &peers, "getpeerinfo"); err != nil {
		return nil, err
	}
	if err := cmdkit.Ask(ctx, client, &added, "getaddednodeinfo"); err != nil {
		return nil, err
	}
	known := func(h int32) *int32 {
		if h < 0 {
			return nil
		}
		return &h
	}
	s := &peersShown{Peers: []peerShown{}, Unreachable: []unreachableShown{}}
	now := clock.System().Now()
	for _, p := range peers {
		s.Peers = append(s.Peers, peerShown{
			ID: p.ID, Address: p.Addr, Inbound: p.Inbound, Type: p.Type, Transport: p.Framing, Ping: p.Ping,
			Headers: known(p.Headers), Blocks: known(p.Blocks), InFlight: len(p.InFlight),
			BytesReceived: p.Recv, BytesSent: p.Sent, UserAgent: p.Agent,
			Connected: max(0, int64(now.Sub(time.Unix(p.ConnTime, 0)).Seconds())),
		})
	}
	for _, a := range added {
		if !a.Connected {
			s.Unreachable = append(s.Unreachable, unreachableShown{a.Node, a.Failures, a.Reason})
		}
	}
	return s, nil
}

func showPeers(ctx context.Context, client *jsonrpc.Client, w io.Writer, asJSON bool) error {
	s, err := askPeers(ctx, client)
	if err != nil {
		return err
	}
	if asJSON {
		return cmdkit.WriteJSON(w, s)
	}
	t := cmdkit.NewTable(w, "ID", "ADDRESS", "TYPE", "VIA", "PING", "HEADERS", "BLOCKS", "ASKED", "RECEIVED", "SENT", "FOR", "SOFTWARE")
	for _, p := range s.Peers {
		ping := "-"
		if p.Ping != nil {
			ping = (time.Duration(*p.Ping * float64(time.Second))).Round(100 * time.Microsecond).String()
		}
		t.Row(p.ID, p.Address, p.Type, p.Transport, ping, height(p.Headers), height(p.Blocks), p.InFlight,
			bytesText(p.BytesReceived), bytesText(p.BytesSent), time.Duration(p.Connected)*time.Second, p.UserAgent)
	}
	if err := t.End(); err != nil || len(s.Unreachable) == 0 {
		return err
	}
	fmt.Fprintln(w, "\nAsked for, and not reached:")
	t = cmdkit.NewTable(w, "ADDRESS", "FAILED", "WHY")
	for _, u := range s.Unreachable {
		why := u.Reason
		if why == "" {
			why = "it is being tried"
		}
		t.Row(u.Address, u.Failures, why)
	}
	return t.End()
}

// height writes a height, or a dash where none is known.
func height(h *int32) string {
	if h == nil {
		return "-"
	}
	return fmt.Sprint(*h)
}
