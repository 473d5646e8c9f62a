package addrmgr

// bucketSize is how many addresses a bucket holds.
const bucketSize = 64

type bucket struct {
	entries [bucketSize]*entry
	held    int // how many places are taken
	used    int // its place in table.used, if any are
}

// table is some buckets, which are made when they are first used, and which of
// them hold anything.
type table struct {
	buckets []*bucket
	used    []int
}

func newTable(buckets int) *table { return &table{buckets: make([]*bucket, buckets)} }

// spot is a place in a table.
type spot struct {
	t           *table
	bucket, pos int
}

// get returns what is there, or nil.
func (s spot) get() *entry {
	if k := s.t.buckets[s.bucket]; k != nil {
		return k.entries[s.pos]
	}
	return nil
}

// put puts an entry at a place that is free.
func (s spot) put(e *entry) {
	k := s.t.buckets[s.bucket]
	if k == nil {
		k = new(bucket)
		s.t.buckets[s.bucket] = k
	}
	if k.held == 0 {
		k.used = len(s.t.used)
		s.t.used = append(s.t.used, s.bucket)
	}
	k.held++
	k.entries[s.pos] = e
}

// clear takes away what is there.
func (s spot) clear() {
	k := s.t.buckets[s.bucket]
	k.entries[s.pos] = nil
	if k.held--; k.held == 0 {
		last := s.t.used[len(s.t.used)-1]
		s.t.used[k.used] = last
		s.t.buckets[last].used = k.used
		s.t.used = s.t.used[:len(s.t.used)-1]
	}
}

// each calls f for all places that are taken, by bucket and position.
func (t *table) each(f func(bucket, pos int, e *entry)) {
	for i, k := range t.buckets {
		if k == nil || k.held == 0 {
			continue
		}
		for pos, e := range k.entries {
			if e != nil {
				f(i, pos, e)
			}
		}
	}
}
