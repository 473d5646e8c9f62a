package bip324

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"os"
	"strconv"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ellswift"
)

// vectors reads a file of test vectors, one map from column to value for each.
func vectors(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for _, row := range rows[1:] {
		v := make(map[string]string, len(row))
		for i, x := range row {
			v[rows[0][i]] = x
		}
		all = append(all, v)
	}
	return all
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKeyVectors multiplies each key by one, which gives the x-coordinate that
// the key stands for.
func TestKeyVectors(t *testing.T) {
	one, _ := btcec.PrivKeyFromBytes([]byte{1})
	all := vectors(t, "ellswift_decode_test_vectors.csv")
	for i, v := range all {
		x, err := ellswift.EllswiftECDHXOnly([KeySize]byte(unhex(t, v["ellswift"])), one)
		if got := hex.EncodeToString(x[:]); err != nil || got != v["x"] {
			t.Errorf("key %d: x is %s, %v; want %s", i, got, err, v["x"])
		}
	}
	if len(all) != 76 {
		t.Errorf("%d vectors", len(all))
	}
}

// TestPacketVectors derives each vector's session and seals its packet.
func TestPacketVectors(t *testing.T) {
	main := [4]byte{0xf9, 0xbe, 0xb4, 0xd9}
	all := vectors(t, "packet_encoding_test_vectors.csv")
	for _, v := range all {
		t.Run(v["in_idx"], func(t *testing.T) {
			private, _ := btcec.PrivKeyFromBytes(unhex(t, v["in_priv_ours"]))
			key := &Key{private, [KeySize]byte(unhex(t, v["in_ellswift_ours"]))}
			theirs := [KeySize]byte(unhex(t, v["in_ellswift_theirs"]))
			s, err := key.Session(&theirs, v["in_initiating"] == "1", main)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range []struct {
				column string
				got    []byte
			}{
				{"mid_send_garbage_terminator", s.SendTerminator[:]},
				{"mid_recv_garbage_terminator", s.ReceiveTerminator[:]},
				{"out_session_id", s.ID[:]},
			} {
				if got := hex.EncodeToString(x.got); got != v[x.column] {
					t.Errorf("%s is %s, want %s", x.column, got, v[x.column])
				}
			}
			index, _ := strconv.Atoi(v["in_idx"])
			for range index {
				s.Sealer.Seal(nil, false, nil)
			}
			times, _ := strconv.Atoi(v["in_multiply"])
			contents := bytes.Repeat(unhex(t, v["in_contents"]), times)
			got := hex.EncodeToString(s.Sealer.Seal(nil, v["in_ignore"] == "1", unhex(t, v["in_aad"]), contents))
			if want := v["out_ciphertext"]; want != "" && got != want {
				t.Errorf("packet is %s, want %s", got, want)
			}
			if want := v["out_ciphertext_endswith"]; got[len(got)-len(want):] != want {
				t.Errorf("packet ends with %s, want %s", got[len(got)-len(want):], want)
			}
		})
	}
	if len(all) != 7 {
		t.Errorf("%d vectors", len(all))
	}
}
