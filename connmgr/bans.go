package connmgr

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	// maxBans bounds the list. One entry takes some 150 bytes of memory and as
	// much in the file. When it is full the entry that ends first gives way, one
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
	byScore int         // how many of them are by score
}

// NewBans returns an empty list.
func NewBans() *Bans { return &Bans{list: make(map[netip.Prefix]Ban)} }

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
		b.remove(b.first(true))
	case len(b.list) >= maxBans:
		b.remove(b.first(false))
	}
	b.lengths[family(ban.Subnet)][ban.Subnet.Bits()]++
	if ban.ByScore {
		b.byScore++
	}
	b.list[ban.Subnet] = ban
	return nil
}

// first returns the ban that ends first among those by score, or by hand.
func (b *Bans) first(byScore bool) (first netip.Prefix) {
	var until time.Time
	for p, ban := range b.list {
		if ban.ByScore != byScore {
			continue
		}
		// The last comparison keeps the order of the map out of it.
		if !first.IsValid() || cmp.Or(ban.Until.Compare(until), compare(p, first)) < 0 {
			first, until = p, ban.Until
		}
	}
	return first
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
	b.lengths[family(p)][p.Bits()]--
}

// Clear lifts all bans.
func (b *Bans) Clear() { *b = *NewBans() }

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
	for p, ban := range b.list {
		if !now.Before(ban.Until) {
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

// savedBan is how a ban is written to the file.
type savedBan struct {
	Subnet  netip.Prefix `json:"subnet"`
	Created int64        `json:"created"` // seconds since 1970
	Until   int64        `json:"until"`
	Reason  string       `json:"reason,omitempty"`
	ByScore bool         `json:"by_score,omitempty"`
}

// encode returns the content of the ban file.
func (b *Bans) encode() ([]byte, error) {
	saved := make([]savedBan, 0, len(b.list))
	for _, ban := range b.All() {
		saved = append(saved, savedBan{ban.Subnet, ban.Created.Unix(), ban.Until.Unix(), ban.Reason, ban.ByScore})
	}
	return json.Marshal(saved)
}

// decodeBans reads the content of a ban file. Entries that make no sense are
// left out.
func decodeBans(data []byte) (*Bans, error) {
	var saved []savedBan
	if err := json.Unmarshal(data, &saved); err != nil {
		return nil, err
	}
	b := NewBans()
	for _, s := range saved {
		if s.Subnet.IsValid() {
			// A repeated entry is no news.
			_ = b.Add(Ban{s.Subnet, time.Unix(s.Created, 0), time.Unix(s.Until, 0), s.Reason, s.ByScore})
		}
	}
	return b, nil
}
