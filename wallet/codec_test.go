package wallet

import (
	"bytes"
	"testing"

	"starling/wire"
)

// FuzzDecode reads arbitrary bytes as everything that a wallet's file holds
// beside transactions: no panic, and what decodes encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	k := &keychain{active: true, hasKeys: true, first: 1, next: 5, used: 4, end: 9, created: 77, text: "raw(51)"}
	p := position{locator: []wire.Hash{{1}, {2}}, height: 6, scan: -1}
	m := meta{network: "regtest", genesis: wire.Hash{3}, birthday: 5, flags: flagNoKeys, gap: 20, created: 6}
	l := &lockedKey{logN: 4, r: 8, p: 1, salt: []byte("salt"), sealed: []byte("sealed")}
	ph := &phrase{mnemonic: "zoo zoo", extra: true, master: "xprv"}
	for i, b := range [][]byte{k.append(nil), p.append(nil), m.append(nil), l.append(nil), ph.append(nil), []byte(`["a"]`)} {
		f.Add(byte(i), b)
	}
	f.Fuzz(func(t *testing.T, what byte, b []byte) {
		var again []byte
		switch what % 6 {
		case 0:
			if k, err := parseKeychain(b); err == nil {
				again = k.append(nil)
				again[1] |= b[1] // bits that nobody knows are dropped
			}
		case 1:
			if p, err := parsePosition(b); err == nil {
				again = p.append(nil)
			}
		case 2:
			if m, err := parseMeta(b); err == nil {
				again = m.append(nil)
			}
		case 3:
			if k, err := parseLockedKey(b); err == nil {
				again = k.append(nil)
			}
		case 4:
			if p, err := parsePhrase(b); err == nil {
				again = p.append(nil)
				again[1] = b[1] // any number but zero is true
			}
		case 5:
			names, err := parseAutoload(b)
			for _, n := range names {
				if err != nil || checkName(n) != nil {
					t.Errorf("%q", n)
				}
			}
			return
		}
		if again != nil && !bytes.Equal(again, b) {
			t.Errorf("%x becomes %x", b, again)
		}
	})
}

func TestVault(t *testing.T) {
	var plain vault
	stored, err := plain.store("private:1", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := plain.load("private:1", stored); err != nil || string(got) != "secret" {
		t.Errorf("%q %v", got, err)
	}
	master := bytes.Repeat([]byte{7}, masterKeySize)
	locked, err := lockKey(master, "pass", 4)
	if err != nil {
		t.Fatal(err)
	}
	v := vault{locked: locked}
	if _, err := v.store("private:1", nil); err != ErrLocked {
		t.Errorf("storing while locked: %v", err)
	}
	if err := v.unlock("Pass"); err != ErrPassphrase {
		t.Errorf("wrong passphrase: %v", err)
	}
	if err := v.unlock("pass"); err != nil {
		t.Fatal(err)
	}
	stored, err = v.store("private:1", []byte("secret"))
	if err != nil || bytes.Contains(stored, []byte("secret")) {
		t.Errorf("%x %v", stored, err)
	}
	if got, err := v.load("private:1", stored); err != nil || string(got) != "secret" {
		t.Errorf("%q %v", got, err)
	}
	// One secret cannot take the place of another.
	if _, err := v.load("private:2", stored); err == nil {
		t.Error("read it under another name")
	}
	stored[len(stored)-1] ^= 1
	if _, err := v.load("private:1", stored); err == nil {
		t.Error("did not see that it was changed")
	}
	v.lock()
	if _, err := v.load("private:1", stored); err != ErrLocked {
		t.Errorf("reading while locked: %v", err)
	}
}

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"a": true, "default": true, "My wallet_2.old-x": true,
		"": false, ".": false, "..": false, "-x": false, " x": false, "x ": false, "a/b": false, `a\b`: false, "a\x00": false, "é": false,
	} {
		if got := checkName(name) == nil; got != good {
			t.Errorf("%q: %v", name, got)
		}
	}
}
