package await

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"starling/wire"
)

// statements are the messages that ask for nothing.
var statements = strings.Fields(`verack addr addrv2 sendaddrv2 inv notfound headers sendheaders block tx pong reject alert
	feefilter filterload filteradd filterclear merkleblock sendcmpct cmpctblock blocktxn cfilter cfheaders cfcheckpt
	wtxidrelay sendtxrcncl feature`)

// Each message of the protocol either asks for nothing or has a time in which its
// answer is awaited, and each answer is a message.
func TestTableIsWhole(t *testing.T) {
	requests := make(map[string]bool)
	for _, r := range Table() {
		requests[r.Request] = true
		if r.Wait <= 0 || r.What == "" || len(r.Answers) == 0 || r.Keeper == "" {
			t.Errorf("an empty row: %+v", r)
		}
		for _, a := range r.Answers {
			if !slices.Contains(statements, a) && a != wire.CmdVersion {
				t.Errorf("%s is no answer to %s", a, r.Request)
			}
		}
		if slices.Contains(statements, r.Request) {
			t.Errorf("%s asks for nothing", r.Request)
		}
	}
	all := append(slices.Clone(statements), keys(requests)...)
	for _, c := range commands(t) {
		if !slices.Contains(all, c) {
			t.Errorf("%s has no row", c)
		}
	}
	for _, c := range all {
		if m, _ := wire.Decode(c, nil); m != nil {
			if _, unknown := m.(*wire.MsgUnknown); unknown {
				t.Errorf("%s is no message of the protocol", c)
			}
		}
	}
}

func keys(m map[string]bool) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	return list
}

// commands reads the names of all messages where they are defined.
func commands(t *testing.T) (list []string) {
	src, err := os.ReadFile("../../wire/message.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(src)) {
		if f := strings.Fields(line); len(f) == 3 && strings.HasPrefix(f[0], "Cmd") && f[1] == "=" {
			list = append(list, strings.Trim(f[2], `"`))
		}
	}
	if len(list) < 30 {
		t.Fatalf("only %d commands are found", len(list))
	}
	return list
}

// TestDocs holds docs/protocol.md to the table.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## What a peer is asked\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| `") {
			rows = append(rows, line)
		}
	}
	table := Table()
	if len(rows) != len(table) {
		t.Errorf("%d rows, want %d", len(rows), len(table))
	}
	for _, r := range table {
		wait := fmt.Sprintf("%d s", r.Wait/time.Second)
		if r.Wait > time.Minute {
			wait = fmt.Sprintf("%d min", r.Wait/time.Minute)
		}
		want := fmt.Sprintf("| `%s` | %s | %s | %s |", r.Request, r.What, wait, r.Then)
		if !slices.ContainsFunc(rows, func(row string) bool { return strings.HasPrefix(row, want) }) {
			t.Errorf("there is no row\n%s", want)
		}
	}
}

// TestWatch goes through the life of a request.
func TestWatch(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var w Watch
	if _, ok := w.Due(now); ok {
		t.Error("something is due before anything was asked")
	}
	w.Sent(now, wire.CmdInv) // asks for nothing
	w.Sent(now, wire.CmdGetAddr)
	w.Sent(now.Add(time.Second), wire.CmdMempool)
	w.Sent(now.Add(time.Second), wire.CmdGetAddr) // keeps its time
	if at, ok := w.Due(now); !ok || !at.Equal(now.Add(Addresses)) {
		t.Errorf("due at %v, %v", at, ok)
	}
	if m := w.Tick(now.Add(Addresses - 1)); m != nil {
		t.Errorf("missed too early: %v", m)
	}
	w.Heard(wire.CmdAddrV2)
	if at, ok := w.Due(now); !ok || !at.Equal(now.Add(time.Second+Pool)) {
		t.Errorf("then due at %v, %v", at, ok)
	}
	if m := w.Tick(now.Add(time.Second + Pool)); len(m) != 1 || m[0].Request != wire.CmdMempool {
		t.Errorf("missed: %v", m)
	}
	if m := w.Tick(now.Add(time.Hour)); m != nil || w.open != nil {
		t.Errorf("told again: %v", m)
	}
}

// TestWatchPlay plays with pauses: a request is missed when its time has passed,
// without the time in which messages were being handled for a second or more.
func TestWatchPlay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0)
		var w Watch
		w.Sent(now, wire.CmdGetAddr)
		var waits time.Duration // that count
		for {
			if rapid.Bool().Draw(t, "busy") {
				d := time.Duration(rapid.IntRange(0, 90_000).Draw(t, "ms")) * time.Millisecond
				w.Pause(now)
				if w.Tick(now.Add(d)) != nil && waits < Addresses {
					t.Fatalf("missed while a message was being handled, after %v", waits)
				}
				now = now.Add(d)
				w.Resume(now)
				if d < short {
					waits += d
				}
			} else {
				d := time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond
				now, waits = now.Add(d), waits+d
			}
			at, ok := w.Due(now)
			missed := w.Tick(now)
			if (waits >= Addresses) != (len(missed) == 1) {
				t.Fatalf("after %v missed %v", waits, missed)
			}
			if missed != nil {
				return
			}
			if left := Addresses - waits; !ok || at.Sub(now) != left {
				t.Fatalf("due in %v, want %v", at.Sub(now), left)
			}
		}
	})
}
