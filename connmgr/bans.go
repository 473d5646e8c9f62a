package connmgr

import (
	"cmp"
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"starling/store/journal"
)

const (
	// maxBans bounds the list. One entry takes some 450 bytes of memory, with its
	// place in the journal, and 150 in the file. When it is full the entry that ends first gives way, one
	// by score before those by hand.
	maxBans = 100_000
	// maxScoreBans bounds the bans by score, 1.5 MB in the file. Whoever has a
	// subnet of IPv6 can get any number of its addresses banned, to which the bans
	// by hand must not give way.
	maxScoreBans = 10_000
)

// Errors of changing the ban list.
var (
	ErrBanned    = errors.New("already banned")
	ErrNotBanned = errors.New("not banned")
)

// SubjectError says that a text names nobody who could be banned.
type SubjectError struct{ Text string }

// Error implements the error interface.
func (e *SubjectError) Error() string {
	return fmt.Sprintf("%q is neither an IP address nor a subnet", e.Text)
}

// Ban is one entry of the ban list.
type Ban struct {
	Subnet  netip.Prefix
	Created time.Time
	Until   time.Time
	Reason  string
	// ByScore is true unless a person has asked for the ban.
	ByScore bool
}

// Bans is the list of those who may not connect. It is not safe for concurrent
// use.
type Bans struct {
	list    map[netip.Prefix]Ban
	lengths [2][129]int // how many entries there are by family and length
	ends    [2]endings  // when those by hand end, and those by score
	byScore int         // how many of them are by score

	changed map[netip.Prefix]struct{} // since the list was saved
}

// NewBans returns an empty list.
func NewBans() *Bans {
	return &Bans{list: make(map[netip.Prefix]Ban), changed: make(map[netip.Prefix]struct{})}
}

// ending is when a ban ends. It says nothing once the ban has been lifted or has
// come to end at another time.
type ending struct {
	until  time.Time
	subnet netip.Prefix
}

// endings is a heap of them, what ends first on top.
type endings []ending

func (e endings) Len() int { return len(e) }
func (e endings) Less(i, j int) bool {
	return cmp.Or(e[i].until.Compare(e[j].until), compare(e[i].subnet, e[j].subnet)) < 0
}
func (e endings) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *endings) Push(x any)   { *e = append(*e, x.(ending)) }
func (e *endings) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// kind is the place in ends of bans by score, or by hand.
func kind(byScore bool) int {
	if byScore {
		return 1
	}
	return 0
}

// ParseSubnet reads an IP address or a subnet such as 10.1.0.0/16. The error is
// a *SubjectError.
func ParseSubnet(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return subnet(a), nil
	}
	// The older form of the mask, 10.1.0.0/255.255.0.0.
	if ip, mask, ok := strings.Cut(text, "/"); ok {
		if m, err := netip.ParseAddr(mask); err == nil {
			if bits, ok := maskBits(m.AsSlice()); ok {
				text = fmt.Sprintf("%s/%d", ip, bits)
			}
		}
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, &SubjectError{text}
	}
	return normal(p), nil
}

// maskBits returns the length of a mask of ones followed by zeros.
func maskBits(mask []byte) (n int, ok bool) {
	for i := range len(mask) * 8 {
		if mask[i/8]>>(7-i%8)&1 == 0 {
			break
		}
		n++
	}
	for i := n; i < len(mask)*8; i++ {
		if mask[i/8]>>(7-i%8)&1 != 0 {
			return 0, false
		}
	}
	return n, true
}

// subnet returns the subnet that holds one address only.
func subnet(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen())
}

// normal clears host bits and turns mapped addresses into what they stand for.
func normal(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

func family(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 0
	}
	return 1
}

// Add bans a subnet. A ban that lasts longer stays as it is, and the error is
// ErrBanned.
func (b *Bans) Add(ban Ban) error {
	ban.Subnet = normal(ban.Subnet)
	old, known := b.list[ban.Subnet]
	if known && !old.Until.Before(ban.Until) {
		return ErrBanned
	}
	if known {
		ban.ByScore = ban.ByScore && old.ByScore
		b.remove(ban.Subnet)
	}
	switch {
	case ban.ByScore && b.byScore >= maxScoreBans, len(b.list) >= maxBans && b.byScore > 0:
		b.giveWay(true)
	case len(b.list) >= maxBans:
		b.giveWay(false)
	}
	b.lengths[family(ban.Subnet)][ban.Subnet.Bits()]++
	if ban.ByScore {
		b.byScore++
	}
	b.list[ban.Subnet] = ban
	b.changed[ban.Subnet] = struct{}{}
	b.note(ban)
	return nil
}

// giveWay lifts the ban that ends first among those by score, or by hand.
func (b *Bans) giveWay(byScore bool) {
	if p, ok := b.first(byScore); ok {
		b.remove(p)
	}
}

// first returns the ban that ends first among those by score, or by hand.
func (b *Bans) first(byScore bool) (first netip.Prefix, ok bool) {
	e := &b.ends[kind(byScore)]
	for len(*e) > 0 {
		top := (*e)[0]
		if ban, ok := b.list[top.subnet]; ok && ban.ByScore == byScore && ban.Until.Equal(top.until) {
			return top.subnet, true
		}
		heap.Pop(e)
	}
	return first, false
}

// note puts down when a ban ends. If most that is there says nothing any more, as
// when subnets are banned and lifted again and again, it is put down anew.
func (b *Bans) note(ban Ban) {
	e := &b.ends[kind(ban.ByScore)]
	if len(*e) > 2*len(b.list)+64 {
		*e = (*e)[:0]
		for p, other := range b.list {
			if other.ByScore == ban.ByScore && p != ban.Subnet {
				*e = append(*e, ending{other.Until, p})
			}
		}
		heap.Init(e)
	}
	heap.Push(e, ending{ban.Until, ban.Subnet})
}

func compare(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// Remove lifts the ban of exactly this subnet.
func (b *Bans) Remove(p netip.Prefix) error {
	p = normal(p)
	if _, ok := b.list[p]; !ok {
		return ErrNotBanned
	}
	b.remove(p)
	return nil
}

func (b *Bans) remove(p netip.Prefix) {
	if b.list[p].ByScore {
		b.byScore--
	}
	delete(b.list, p)
	b.changed[p] = struct{}{}
	b.lengths[family(p)][p.Bits()]--
}

// Clear lifts all bans.
func (b *Bans) Clear() {
	changed := b.changed
	for p := range b.list {
		changed[p] = struct{}{}
	}
	*b = *NewBans()
	b.changed = changed
}

// Find returns the widest ban that an address falls under now.
func (b *Bans) Find(now time.Time, a netip.Addr) (Ban, bool) {
	p := subnet(a)
	counts := &b.lengths[family(p)]
	for bits := 0; bits <= p.Bits(); bits++ {
		if counts[bits] == 0 {
			continue
		}
		ban, ok := b.list[netip.PrefixFrom(p.Addr(), bits).Masked()]
		if ok && now.Before(ban.Until) {
			return ban, true
		}
	}
	return Ban{}, false
}

// covers reports whether a subnet is banned now; a single address is so within
// a wider subnet too.
func (b *Bans) covers(now time.Time, p netip.Prefix) bool {
	if p.IsSingleIP() {
		_, banned := b.Find(now, p.Addr())
		return banned
	}
	_, banned := b.list[p]
	return banned
}

// Expire drops the bans that have ended and reports whether there were any.
func (b *Bans) Expire(now time.Time) (changed bool) {
	for _, byScore := range []bool{false, true} {
		for {
			p, ok := b.first(byScore)
			if !ok || now.Before(b.list[p].Until) {
				break
			}
			b.remove(p)
			changed = true
		}
	}
	return changed
}

// All returns the bans in the order of their addresses.
func (b *Bans) All() []Ban {
	all := make([]Ban, 0, len(b.list))
	for _, ban := range b.list {
		all = append(all, ban)
	}
	slices.SortFunc(all, func(x, y Ban) int { return compare(x.Subnet, y.Subnet) })
	return all
}

// Changed reports whether there is something to be saved.
func (b *Bans) Changed() bool { return len(b.changed) > 0 }

// changes returns what has changed since the list was saved.
func (b *Bans) changes() *journal.Batch {
	out := new(journal.Batch)
	for _, p := range slices.SortedFunc(maps.Keys(b.changed), compare) {
		ban, ok := b.list[p]
		if !ok {
			out.Delete(p.String())
			continue
		}
		value, err := json.Marshal(savedBan{
			Created: ban.Created.Unix(), Until: ban.Until.Unix(), Reason: ban.Reason, ByScore: ban.ByScore,
		})
		if err == nil { // there is nothing in it that could not be written
			out.Set(p.String(), value)
		}
	}
	return out
}

// saved notes that all changes are on disk; unsaved that these are not.
func (b *Bans) saved() { b.changed = make(map[netip.Prefix]struct{}) }

func (b *Bans) unsaved(changed map[netip.Prefix]struct{}) { maps.Copy(b.changed, changed) }
