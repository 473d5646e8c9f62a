package interop

import (
	"bufio"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"starling/interop/benchchain"
	"starling/interop/harness"
)

const (
	// kills is how often the download is killed, and killsInFlush how many of
	// them must fall between the first and the last record of a write of the
	// UTXO set.
	kills        = 50
	killsInFlush = 25
	// maxKills ends the test if the writes are too short to be hit.
	maxKills = 200
)

// A download with the smallest cache, so that the UTXO set is written all the
// time, is killed (kill -9) at many instants. It always goes on, without being
// told anything, and ends in the state of a node that was never disturbed.
func TestKill(t *testing.T) {
	t.Parallel() // with TestRandomPayments, which leaves the processor idle
	path := filepath.Join(t.TempDir(), "chain.dat")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	sum, err := benchchain.Write(w, benchchain.Config{Blocks: 30, Txs: 1000, Empty: 2200, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	best := sum.Best.String()

	source := harness.NewStarling(t, "regtest", "--connect", "0")
	source.Start("--load-block", path)
	source.WaitBest(best, 5*time.Minute)
	want := coinSet(t, source)

	// Below the assume-valid block time goes into the UTXO set rather than
	// into scripts, so that more of it is spent writing.
	victim := harness.NewStarling(t, "regtest", "--connect", source.P2P, "--dbcache", "4",
		"--assume-valid", sum.LastFullHash.String(), "--log-level", "info,chain=debug")
	rng := rand.New(rand.NewPCG(1, 2))
	finish := func() {
		victim.WaitReady()
		victim.WaitBest(best, 2*time.Minute)
		if got := coinSet(t, victim); got != want {
			t.Fatalf("UTXO set %s, undisturbed %s", got, want)
		}
	}
	interrupted, total, finished := 0, 0, 0
	for total < kills || interrupted < killsInFlush {
		if total == maxKills {
			t.Fatalf("%d of %d kills fell into a write of the UTXO set", interrupted, total)
		}
		victim.Launch()
		writing := victim.Printed("writing the UTXO set")
		delay := time.Duration(rng.IntN(1500)) * time.Millisecond
		hit := true
		if total%3 != 0 {
			// Wait for a write to begin, and strike within it.
			delay = time.Duration(rng.IntN(8000)) * time.Microsecond
			select {
			case <-writing:
			case <-time.After(2 * time.Second):
				hit = false // the download is over, or as good as
			}
		}
		if hit {
			timer := time.NewTimer(delay)
			<-timer.C
			victim.Kill()
			total++
		} else {
			finish()
			finished++
			victim.Kill()
			victim.Wipe()
		}
		if strings.Contains(victim.Output(), "finishing an interrupted write of the UTXO set") {
			interrupted++
		}
		if strings.Contains(victim.Output(), "reindex") {
			t.Fatalf("the node asks for a reindex:\n%s", victim.Output())
		}
	}
	victim.Launch()
	finish()
	t.Logf("%d kills, %d of them within a write of the UTXO set; the download was finished %d times", total, interrupted, finished+1)
}
