package mempool

import (
	"context"
	"time"
)

// expireEvery is how often what has waited too long is looked for, beside each
// time that a transaction comes.
const expireEvery = 10 * time.Minute

// Run drops what has waited too long and saves what changes a few seconds after
// the change, until ctx ends; then it saves the whole pool a last time, if
// anything has changed since it did, and returns. A pool that can not be written
// is told of in the log. It is called once.
func (p *Pool) Run(ctx context.Context) error {
	expire := p.cfg.Clock.NewTimer(expireEvery)
	defer expire.Stop()
	save := p.cfg.Clock.NewTimer(0)
	defer save.Stop()
	for {
		select {
		case <-ctx.Done():
			p.saveLast()
			return nil
		case <-expire.C:
			p.makeRoom()
			p.saveIfDirty() // if it failed before
			expire.Reset(expireEvery)
		case <-save.C:
			p.saveIfDirty()
		case <-p.saver.kick:
			save.Reset(p.saveIn())
		}
	}
}
