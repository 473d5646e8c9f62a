package peer

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestKeepalive plays with the state machine at random and holds it to its
// rules, by a model that counts in steps of a minute.
func TestKeepalive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0)
		k := keepalive{interval: DefaultPingInterval, timeout: DefaultPingTimeout, silence: DefaultSilenceTimeout, pongs: rapid.Bool().Draw(t, "pongs")}
		k.start(now)
		heard, said := now, now
		var waits time.Duration // how long the pong has been outstanding while reading
		reading := true
		k.resume(now)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				if reading {
					k.received(now)
					k.pause(now)
					heard, reading = now, false
				}
			case 1, 2:
				if !reading {
					k.resume(now)
					reading = true
				}
			case 3:
				if _, ok := k.ponged(now, 7); ok {
					waits = 0
				}
			default:
				d := time.Duration(rapid.IntRange(1, 10).Draw(t, "minutes")) * time.Minute
				if due := k.due(now); due.Before(now.Add(d)) && due.After(now) {
					d = due.Sub(now)
				}
				now = now.Add(d)
				if reading && k.pingWait {
					waits += d
				}
				if !reading {
					heard = heard.Add(d)
				}
			}
			switch act := k.tick(now); act {
			case sendPing:
				if k.pingWait {
					t.Fatal("a second ping while one is outstanding")
				}
				k.pinged(now, 7)
				k.sent(now)
				said, waits = now, 0
			case pingTimedOut:
				if !k.pongs || waits < DefaultPingTimeout {
					t.Fatalf("timed out after %v", waits)
				}
				return
			case silent:
				if now.Sub(heard) < DefaultSilenceTimeout {
					t.Fatalf("silent after %v", now.Sub(heard))
				}
				return
			case nothing:
				if !k.due(now).After(now) {
					t.Fatal("something is due, but nothing is to be done")
				}
				if now.Sub(heard) >= DefaultSilenceTimeout || waits >= DefaultPingTimeout {
					t.Fatalf("still here after %v of silence and %v without a pong", now.Sub(heard), waits)
				}
				if !k.pingWait && now.Sub(said) > MaxQuiet {
					t.Fatalf("quiet for %v", now.Sub(said))
				}
			}
		}
	})
}

// TestAimlessPong ends the wait for a pong when one comes that answers no ping in
// particular, and measures nothing by it; one for another ping changes nothing.
func TestAimlessPong(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	k := keepalive{interval: DefaultPingInterval, timeout: DefaultPingTimeout, silence: DefaultSilenceTimeout, pongs: true}
	k.start(now)
	k.pinged(now, 7)
	if _, ok := k.ponged(now, 8); ok || !k.pingWait {
		t.Fatal("a pong for another ping ended the wait")
	}
	k.unasked()
	if k.pingWait || k.last != 0 || k.min != 0 {
		t.Fatalf("%+v", k)
	}
	if due := k.due(now); !due.Equal(now.Add(DefaultPingInterval)) {
		t.Errorf("the next ping is due after %v", due.Sub(now))
	}
}
