package netsync

import (
	"testing"

	"starling/chain/headertree"
	"starling/wire"
)

// What is done with a compact block, and with what came of it, by the state that
// the block is in.
func TestCompactOpen(t *testing.T) {
	place := func(s stage) func(l *lab, w *window, p *peer) {
		return func(l *lab, w *window, p *peer) {
			w.ask(l.now, p, l.at(41).Hash, l.at(41))
			p.window.flights[0].stage = s
		}
	}
	others := func(n int) func(l *lab, w *window, p *peer) {
		return func(l *lab, w *window, p *peer) {
			for range n {
				w.ask(l.now, l.peer(outbound(), 60), l.at(41).Hash, l.at(41))
			}
		}
	}
	for name, tc := range map[string]struct {
		height int32 // 41 for zero
		spoil  func(l *lab, w *window, p *peer)
		here   bool
		want   opening
		again  opening // the same once more, with nothing changed
		whole  bool    // this node takes no transactions
	}{
		"unasked, from a peer that did not say it would": {spoil: func(_ *lab, _ *window, p *peer) { p.compact.provides = false }, want: openNot},
		"unasked, to a node without transactions":        {whole: true, want: openNot},
		"asked for, by a node without transactions":      {whole: true, spoil: place(stageAsked), want: openOwn, again: openOwn},
		"the next one, unasked":                          {want: openPlace},
		"two ahead":                                      {height: 42, want: openPlace},
		"three ahead":                                    {height: 43, want: openNot},
		"here":                                           {here: true, want: openHere, again: openHere},
		"an old one":                                     {height: 39, want: openNot},
		"transactions known":                             {spoil: func(l *lab, _ *window, _ *peer) { l.at(41).SetTxs(1) }, want: openNot},
		"an old tip":                                     {spoil: func(l *lab, _ *window, _ *peer) { l.now = l.now.Add(directFetch * l.net.TargetSpacing) }, want: openNot},
		"asked for so":                                   {spoil: place(stageAsked), want: openOwn, again: openOwn},
		"asked for whole":                                {spoil: place(stageWhole), want: openOwn},
		"being rebuilt":                                  {spoil: place(stageOpen), want: openNot},
		"waiting for the rest":                           {spoil: place(stageTxs), want: openNot},
		"failed":                                         {spoil: place(stageFailed), want: openNot},
		"no longer wanted":                               {spoil: func(l *lab, w *window, p *peer) { place(stageAsked)(l, w, p); p.window.flights[0].void = true }, want: openNot},
		"asked for, of no use now": {spoil: func(l *lab, w *window, p *peer) {
			place(stageAsked)(l, w, p)
			l.chain.tip = l.w.grow(l.at(40), 1, 5)
		}, want: openWhole, again: openWhole},
		"two others have it":   {spoil: others(2), want: openPlace},
		"three others have it": {spoil: others(maxCopies), want: openTry},
		"no slot is left": {spoil: func(l *lab, w *window, p *peer) {
			for i := range maxInFlight {
				w.ask(l.now, p, wire.Hash{byte(i + 1)}, nil)
			}
		}, want: openTry},
		"too many of it wait": {spoil: func(l *lab, w *window, p *peer) {
			for i := range maxRebuilding {
				w.ask(l.now, p, wire.Hash{byte(i + 1)}, nil)
				p.window.flights[i].stage = stageTxs
			}
		}, want: openTry},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			w, c := newWindow(l.env, 0), compact{env: l.env, whole: tc.whole}
			p := l.peer(outbound(), 60)
			p.compact.speaks(false)
			if tc.spoil != nil {
				tc.spoil(l, &w, p)
			}
			if tc.height == 0 {
				tc.height = 41
			}
			n := l.at(tc.height)
			for i, want := range []opening{tc.want, tc.again} {
				if got := c.open(l.now, p, n, w.flights[n.Hash], tc.here, []*peer{p}); got != want {
					t.Errorf("time %d: %d, want %d", i+1, got, want)
				}
			}
		})
	}
}

func TestCompactReading(t *testing.T) {
	for name, tc := range map[string]struct {
		before int // peers that were asked before this one
		result CompactResult
		change func(p *peer, own *asked)
		here   bool
		want   reading
		stage  stage
		busy   int // blocks that are being rebuilt
	}{
		"asked as others withhold it":         {before: maxCopies, result: CompactMissing, busy: maxRebuildingAll, want: readAsk, stage: stageTxs},
		"the same, and no place is left":      {before: maxCopies, result: CompactMissing, busy: maxRebuildingAll + 1, want: readWhole, stage: stageFailed},
		"the same, and it cannot":             {before: maxCopies, result: CompactUnusable, want: readWhole, stage: stageFailed},
		"the first lacks something":           {result: CompactMissing, want: readAsk, stage: stageTxs},
		"the first cannot":                    {result: CompactUnusable, want: readWhole, stage: stageFailed},
		"the second lacks something":          {before: 1, result: CompactMissing, want: readTakeBack, stage: stageOpen},
		"the second, one of the announcers":   {before: 1, result: CompactMissing, change: func(p *peer, _ *asked) { p.compact.announces = true }, want: readAsk, stage: stageTxs},
		"the second cannot":                   {before: 1, result: CompactUnusable, change: func(p *peer, _ *asked) { p.compact.announces = true }, want: readTakeBack, stage: stageOpen},
		"the whole one comes":                 {result: CompactMissing, change: func(_ *peer, own *asked) { own.whole = true }, want: readDrop, stage: stageWhole},
		"the whole one comes and this cannot": {result: CompactUnusable, change: func(_ *peer, own *asked) { own.whole = true }, want: readDrop, stage: stageWhole},
		"it has come from another":            {result: CompactMissing, here: true, want: readTakeBack, stage: stageOpen},
		"it is not being rebuilt":             {result: CompactMissing, change: func(_ *peer, own *asked) { own.stage = stageAsked }, want: readDrop, stage: stageAsked},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			w, c := newWindow(l.env, 0), compact{env: l.env}
			n := l.at(41)
			for range tc.before {
				w.ask(l.now, l.peer(inbound(), 60), n.Hash, n)
			}
			p := l.peer(inbound(), 60)
			w.ask(l.now, p, n.Hash, n)
			own := p.window.asking(n.Hash)
			own.open()
			if tc.change != nil {
				tc.change(p, own)
			}
			if got := c.read(p, n.Hash, tc.result, tc.here, tc.busy); got != tc.want || own.stage != tc.stage {
				t.Errorf("%d at stage %d, want %d at %d", got, own.stage, tc.want, tc.stage)
			}
		})
	}
	// Without a place it was only tried.
	l := newLab()
	c := compact{env: l.env}
	if got := c.read(l.peer(inbound(), 60), l.at(41).Hash, CompactMissing, false, 0); got != readDrop {
		t.Errorf("without a place: %d", got)
	}
}

// The last of three places is kept for a peer that this node chose.
func TestMayAsk(t *testing.T) {
	l := newLab()
	for name, tc := range map[string]struct {
		info      PeerInfo
		announces bool
		from      []PeerInfo // this peer included
		want      bool
	}{
		"nobody who was not told to announce":      {outbound(), false, []PeerInfo{inbound(), outbound()}, false},
		"the second":                               {inbound(), true, []PeerInfo{inbound(), inbound()}, true},
		"the third, all by themselves":             {inbound(), true, []PeerInfo{inbound(), inbound(), inbound()}, false},
		"the third, after one that we chose":       {inbound(), true, []PeerInfo{outbound(), inbound(), inbound()}, true},
		"the third, being one that we chose":       {outbound(), true, []PeerInfo{inbound(), inbound(), outbound()}, true},
		"the third, trusted but not of our choice": {PeerInfo{Services: full, NoBan: true}, true, []PeerInfo{inbound(), inbound(), inbound()}, false},
	} {
		p, f := l.peer(tc.info, 60), &flight{}
		p.compact.announces = tc.announces
		for _, info := range tc.from {
			f.from = append(f.from, holder{peer: l.peer(info, 60)})
		}
		if got := mayAsk(p, f); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A block that is asked for by itself comes as a compact block up to two blocks
// above the tip, where those between have been connected before.
func TestCompactAskAhead(t *testing.T) {
	for height, want := range map[int32]bool{41: true, 42: true, 43: false} {
		l := newLab()
		w, c := newWindow(l.env, 0), compact{env: l.env}
		p := l.peer(outbound(), height)
		p.compact.speaks(false)
		for h := int32(41); h < height; h++ {
			l.at(h).SetData(&headertree.Data{Size: 1})
			l.at(h).SetStatus(headertree.Connected)
		}
		if n := w.fill(l.now, p); n != 1 {
			t.Fatalf("%d blocks are asked for", n)
		}
		if got := c.ask(l.now, p, &p.window.flights[0], 1); got != want {
			t.Errorf("block %d as a compact block: %v", height, got)
		}
	}
}
