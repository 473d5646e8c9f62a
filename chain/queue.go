package chain

import "golang.org/x/sync/semaphore"

// queue counts the bytes of the blocks that wait for nothing but their turn to
// be connected, so that what arrives never outruns what is validated. The writer
// owns it.
//
// Most blocks come with their bytes acquired, by [Chain.Submit]. Those that had
// to wait for an ancestor gave theirs back, and when that ancestor arrives they
// enter all at once; what they take beyond the budget is a debt, which is paid
// before anybody else gets in.
type queue struct {
	budget *semaphore.Weighted
	at     map[int32]int64 // bytes by height
	debt   int64           // of them, not acquired
}

func (q *queue) init(budget *semaphore.Weighted) {
	q.budget = budget
	q.at = make(map[int32]int64)
}

// enter takes on size bytes that were acquired.
func (q *queue) enter(height int32, size int64) { q.at[height] += size }

// enterUnpaid takes on size bytes that were not.
func (q *queue) enterUnpaid(height int32, size int64) {
	q.at[height] += size
	if !q.budget.TryAcquire(size) {
		q.debt += size
	}
}

// leave frees the bytes at a height, in whatever branch: a block there has been
// connected.
func (q *queue) leave(height int32) {
	size := q.at[height]
	if size == 0 {
		return
	}
	delete(q.at, height)
	paid := min(q.debt, size)
	q.debt -= paid
	q.budget.Release(size - paid)
}

// clear frees what is left when there is nothing to connect.
func (q *queue) clear() {
	for height := range q.at {
		q.leave(height)
	}
}
