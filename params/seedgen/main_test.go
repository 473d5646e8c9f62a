package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// generate runs the command and returns the hosts of its list.
func generate(t *testing.T, dump string, args ...string) (hosts, told string) {
	t.Helper()
	var list, messages bytes.Buffer
	if err := run(args, strings.NewReader(dump), &list, &messages); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(list.String(), "\n")
	return strings.Join(strings.Fields(rest), " "), messages.String()
}

// The lists in the repository are as the command writes them: sorted, reachable,
// no two of a group.
func TestGolden(t *testing.T) {
	for _, network := range []string{"main", "testnet4", "signet"} {
		want, err := os.ReadFile(filepath.Join("..", "seeds", network+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		var got, told bytes.Buffer
		if err := run([]string{"-network", network}, bytes.NewReader(want), &got, &told); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: %s\n%s", network, told.String(), got.String())
		}
	}
}

func TestLines(t *testing.T) {
	for name, c := range map[string]struct{ dump, want, told string }{
		"sorted":           {"9.9.9.9:8333\n1.2.3.4\n[2600::1]:8333\n2400::1\n10.0.0.1", "1.2.3.4 9.9.9.9 2400::1 2600::1", ""},
		"private":          {"1.2.3.4\n10.1.2.3\n192.168.1.1:8333\n127.0.0.1\nfc00::1\nfe80::1\n0.0.0.0\n::1\n224.0.0.1\n255.255.255.255\n169.254.1.1\n100.64.0.1\n2001:db8::1\n::ffff:10.0.0.1", "1.2.3.4", "cannot be reached from everywhere:13"},
		"another port":     {"1.2.3.4:8334\n5.6.7.8:8333\n9.9.9.9:0", "5.6.7.8", "another port:2"},
		"twice":            {"1.2.3.4\n1.2.3.4:8333\n::ffff:1.2.3.4", "1.2.3.4", "group has one:2"},
		"group":            {"1.2.3.4\n1.2.200.1\n1.3.0.1\n2600:1:2::1\n2600:1:3::1", "1.2.3.4 1.3.0.1 2600:1:2::1", "group has one:2"},
		"reached by IPv4":  {"1.2.3.4\n2002:102:304::1", "1.2.3.4", "group has one:1"},
		"no addresses":     {"1.2.3.4\nseed.example:8333\n1.2.3\n1.2.3.4:99999\n[::1\nfe80::1%eth0\n\x00\xff", "1.2.3.4", "no IP address:6"},
		"comments, blanks": {"# 5.6.7.8\n\n  1.2.3.4  \r\n", "1.2.3.4", ""},
	} {
		got, told := generate(t, c.dump)
		if got != c.want || !strings.Contains(told, c.told) {
			t.Errorf("%s: %q, want %q; told %q", name, got, c.want, told)
		}
	}
}

func TestJSON(t *testing.T) {
	for name, c := range map[string]struct{ dump, want string }{
		"crawl": {`{"nodes":[{"address":"1.2.3.4:8333","reached":true,"services":9},{"address":"5.6.7.8:8333","reached":false,"services":9},
			{"address":"9.9.9.9:8333","reached":true,"services":1},{"address":"[2600::1]:8333","reached":true,"services":3081}],"reached":2}`, "1.2.3.4 2600::1"},
		"getnodeaddresses": {`[{"time":1,"services":1033,"address":"1.2.3.4","port":8333,"network":"ipv4"},{"services":9,"address":"5.6.7.8","port":8334},
			{"services":9,"address":"2600::1","port":8333},{"services":9,"address":"aaaa.onion","port":8333}]`, "1.2.3.4 2600::1"},
		"addr": {`{"node":{"address":"9.9.9.9:8333"},"addresses":[{"address":"1.2.3.4:8333","services":9}]}`, "1.2.3.4"},
	} {
		if got, told := generate(t, c.dump); got != c.want {
			t.Errorf("%s: %q, want %q; told %q", name, got, c.want, told)
		}
	}
}

func TestLimit(t *testing.T) {
	var dump strings.Builder
	for i := range 50 {
		fmt.Fprintf(&dump, "20.%d.0.1\n2600:%d::1\n", 49-i, i+1)
	}
	if got, _ := generate(t, dump.String(), "-limit", "2"); got != "20.48.0.1 20.49.0.1 2600:1::1 2600:2::1" {
		t.Errorf("got %s", got)
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		dump string
		args []string
	}{
		"nothing":          {"", nil},
		"nothing usable":   {"10.0.0.1", nil},
		"broken JSON":      {`{"nodes":[`, nil},
		"port too large":   {`[{"address":"1.2.3.4","port":70000}]`, nil},
		"endless line":     {strings.Repeat("1", 1<<20), nil},
		"oversize":         {strings.Repeat("1.2.3.4\n", maxDump/8+1), nil},
		"unknown network":  {"1.2.3.4", []string{"-network", "nowhere"}},
		"negative limit":   {"1.2.3.4", []string{"-limit", "-1"}},
		"unknown argument": {"1.2.3.4", []string{"-x"}},
	} {
		var list, told bytes.Buffer
		if err := run(c.args, strings.NewReader(c.dump), &list, &told); err == nil || list.Len() != 0 {
			t.Errorf("%s: error %v, list %q", name, err, list.String())
		}
	}
}
