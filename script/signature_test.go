package script

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// signatureVector is a line of the files of others' signatures.
type signatureVector struct {
	number            string
	key, message, sig []byte
	valid             bool
}

func signatureVectors(t *testing.T, file string) (all []signatureVector) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		fields := strings.Fields(lines.Text())
		if len(fields) != 5 {
			t.Fatalf("%s: %d fields", file, len(fields))
		}
		v := signatureVector{number: fields[4], valid: fields[3] == "valid"}
		for i, to := range []*[]byte{&v.key, &v.message, &v.sig} {
			if *to, err = hex.DecodeString(strings.TrimPrefix(fields[i], "-")); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestECDSAVectors(t *testing.T) {
	all := signatureVectors(t, "testdata/ecdsa.txt")
	if len(all) != 463 {
		t.Errorf("%d vectors", len(all))
	}
	for _, v := range all {
		hash := sha256.Sum256(v.message)
		sig, hashType, ok := parseECDSA(append(v.sig, byte(SigHashAll)), LowS)
		if ok && hashType != SigHashAll {
			t.Errorf("%s: hash type %d", v.number, hashType)
		}
		if got := ok && sig.verify(&hash, v.key); got != v.valid {
			t.Errorf("%s: valid: %t, want %t", v.number, got, v.valid)
		}
	}
}

func TestSchnorrVectors(t *testing.T) {
	all := signatureVectors(t, "testdata/schnorr.txt")
	if len(all) != 15 {
		t.Errorf("%d vectors", len(all))
	}
	for _, v := range all {
		if got := verifySchnorr(v.sig, v.key, (*[32]byte)(v.message)); got != v.valid {
			t.Errorf("%s: valid: %t, want %t", v.number, got, v.valid)
		}
	}
}
