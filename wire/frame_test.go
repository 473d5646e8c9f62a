package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var mainMagic = [4]byte{0xf9, 0xbe, 0xb4, 0xd9}

func TestGoldenFrames(t *testing.T) {
	tests := []struct {
		name, frame string
		want        Message
	}{
		{"verack", "f9beb4d9 76657261636b000000000000 00000000 5df6e0e2", &MsgVerack{}},
		{"ping", "f9beb4d9 70696e670000000000000000 08000000 2467f11d 6400000000000000", &MsgPing{Nonce: 100, HasNonce: true}},
		{
			"version", `f9beb4d9 76657273696f6e0000000000 65000000 5f1a69d2 721101000100000000000000bc8f5e5400000000010000000000000000000000000000000000ffffc61b6409208d
			010000000000000000000000000000000000ffffcb0071c0208d128035cbc97953f80f2f5361746f7368693a302e392e332fcf05050001`, goldenMessages(t)[0].want,
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			frame := unhex(t, tc.frame)
			h, err := ParseFrameHeader(frame)
			if err != nil {
				t.Fatal(err)
			}
			payload := frame[FrameHeaderSize:]
			if h.Magic != mainMagic || h.Command != tc.want.Command() || int(h.Length) != len(payload) {
				t.Errorf("header %+v", h)
			}
			if err := h.CheckPayload(payload); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tc.want, mustDecode(t, h.Command, payload), diffOpts); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := AppendFrame([]byte("x"), mainMagic, tc.want); !bytes.Equal(got, append([]byte("x"), frame...)) {
				t.Errorf("encoded %x", got)
			}
			if got := AppendFrameHeader(nil, mainMagic, h.Command, payload); !bytes.Equal(got, frame[:FrameHeaderSize]) {
				t.Errorf("header encoded %x", got)
			}
		})
	}
}

func TestFrameHeaderRefuses(t *testing.T) {
	tests := []struct{ name, frame string }{
		{"short", "f9beb4d9 76657261636b000000000000 00000000 5df6e0"},
		{"above the command's limit", "f9beb4d9 76657261636b000000000000 00000001 5df6e0e2"},
		{"no command, above 4 MB", "f9beb4d9 7a7f7a000000000000000000 01093d00 5df6e0e2"},
		{"unknown, above 4 MB", "f9beb4d9 7a7a7a000000000000000000 01093d00 5df6e0e2"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			h, err := ParseFrameHeader(unhex(t, tc.frame))
			var de *DecodeError
			if !errors.As(err, &de) {
				t.Errorf("got %+v, %v; want a *DecodeError", h, err)
			}
		})
	}
}

func TestFrameAccepts(t *testing.T) {
	for _, tc := range []struct{ name, frame, cmd string }{
		{"command that fills its room", "f9beb4d9 676574636663686563 6b7074 00000000 5df6e0e2", CmdGetCFCheckpt},
		{"unknown command of 4 MB", "f9beb4d9 7a7a7a000000000000000000 00093d00 5df6e0e2", "zzz"},
		{"empty command", "f9beb4d9 000000000000000000000000 00000000 5df6e0e2", ""},
		{"letters after the padding", "f9beb4d9 7665720061636b0000000000 00000000 5df6e0e2", "ver\x00ack\x00\x00\x00\x00\x00"},
		{"control character", "f9beb4d9 76651f61636b000000000000 00000000 5df6e0e2", "ve\x1fack\x00\x00\x00\x00\x00\x00"},
		{"character above ASCII", "f9beb4d9 76657f61636b000000000000 00000000 5df6e0e2", "ve\x7fack\x00\x00\x00\x00\x00\x00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, err := ParseFrameHeader(unhex(t, tc.frame))
			if err != nil || h.Command != tc.cmd || h.Garbled != strings.ContainsAny(tc.cmd, "\x00\x1f\x7f") {
				t.Errorf("got %+v, %v", h, err)
			}
		})
	}
}

func TestCheckPayload(t *testing.T) {
	h := FrameHeader{Command: CmdPing, Length: 2, Checksum: Checksum([]byte{1, 2})}
	if err := h.CheckPayload([]byte{1, 2}); err != nil {
		t.Error(err)
	}
	for _, bad := range [][]byte{{1}, {1, 2, 3}, {1, 3}} {
		var de *DecodeError
		if err := h.CheckPayload(bad); !errors.As(err, &de) {
			t.Errorf("payload %x: %v", bad, err)
		}
	}
}

func TestFrameHeaderDoesNotAllocate(t *testing.T) {
	frame := AppendFrame(nil, mainMagic, &MsgPing{Nonce: 1, HasNonce: true})
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ParseFrameHeader(frame); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
