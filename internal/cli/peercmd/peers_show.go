package peercmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"starling/client"
	"starling/clock"
	"starling/internal/cli/cmdkit"
	"starling/rpc/rpctypes"
)

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

// askPeers asks a node for all that peers shows, or for the peers at an address
// alone.
func askPeers(ctx context.Context, node *client.Client, address string) (*peersShown, error) {
	var peers []rpctypes.PeerInfo
	var added []rpctypes.AddedNode
	var err error
	if address != "" {
		peers, err = node.GetPeerInfoAt(ctx, address)
	} else if peers, err = node.GetPeerInfo(ctx); err == nil {
		added, err = node.GetAddedNodeInfo(ctx, "")
	}
	if err != nil {
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
			ID: p.ID, Address: p.Addr, Inbound: p.Inbound, Type: p.ConnectionType, Transport: p.Transport, Ping: (*float64)(p.MinPing),
			Headers: known(p.SyncedHeaders), Blocks: known(p.SyncedBlocks), InFlight: len(p.InFlight),
			BytesReceived: p.BytesRecv, BytesSent: p.BytesSent, UserAgent: p.SubVer,
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

func showPeers(ctx context.Context, node *client.Client, w io.Writer, address string, asJSON bool) error {
	s, err := askPeers(ctx, node, address)
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
