package tasktree

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/trellis-go/trellis/internal/record"
)

// fewDiffer is how many siblings there must be whose names differ in numbers before they
// are folded.
const fewDiffer = 10

// sign gives the same signature to entries that look alike: in kind, function, place,
// state, cause, and name but for numbers in it, and in what is inside, whatever how often.
// Two that do not look alike have the same by chance only. reason returns how a reason reads.
func (s *snapshot) sign(reason func(r *report) string) {
	seed := maphash.MakeSeed()
	causes := make(map[string]uint64)
	var inside []uint64
	var buf []byte
	for _, i := range slices.Backward(s.inOrder) {
		e := &s.entries[i]
		v := e.node.View()
		buf = buf[:0]
		add := func(words ...uint64) {
			for _, w := range words {
				buf = binary.LittleEndian.AppendUint64(buf, w)
			}
		}
		add(uint64(v.Kind), uint64(v.Func), uint64(v.Place), flag(v.Over.IsZero()), flag(v.Older), flag(v.Item == record.Source))
		if v.Into != nil {
			add(v.Into.ID())
		}
		if e.report != none {
			r := s.reports[e.report]
			add(flag(r.Shielded), flag(r.Deadline.IsZero()), number(causes, r, reason))
		}
		if g := s.goroutines[v.GoID]; g != nil {
			buf = append(buf, g.State...)
			if len(g.Stack) > 0 {
				buf = append(buf, g.Stack[0]...)
			}
		}
		inside = inside[:0]
		s.children(i, func(child int32) { inside = append(inside, s.entries[child].sig) })
		if len(inside) > 0 {
			slices.Sort(inside)
			add(slices.Compact(inside)...)
		}
		buf = appendNameKey(buf, v.Name)
		e.sig = maphash.Bytes(seed, buf)
	}
}

func flag(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}

// number returns a number for the cause, the same for causes that read the same, zero for
// none.
func number(causes map[string]uint64, r *report, reason func(r *report) string) uint64 {
	if r.Cause == nil {
		return 0
	}
	text := r.Cause.Kind + "\x00" + short(r.Cause.By) + "\x00" + reason(r)
	if causes[text] == 0 {
		causes[text] = uint64(len(causes) + 1)
	}
	return causes[text]
}

// appendNameKey appends a name with each number in it replaced by "#".
func appendNameKey(buf []byte, name string) []byte {
	digits := false
	for i := range len(name) {
		c := name[i]
		if digit := '0' <= c && c <= '9'; digit && digits {
			continue
		} else if digits = digit; digit {
			c = '#'
		}
		buf = append(buf, c)
	}
	return buf
}

// A group is entries that are shown as one.
type group struct {
	example int32
	others  []int32
	differ  bool // they have different names
}

// groups returns the children, or roots, folded unless unfolded is set, in the order of
// their examples.
func (s *snapshot) groups(members []int32, unfolded bool) []group {
	groups := make([]group, 0, len(members))
	at := make(map[uint64]int)
	for _, i := range members {
		e := &s.entries[i]
		if g, ok := at[e.sig]; ok && !unfolded {
			groups[g].others = append(groups[g].others, i)
			if e.node.Name() != s.entries[groups[g].example].node.Name() {
				groups[g].differ = true
			}
			continue
		}
		at[e.sig] = len(groups)
		groups = append(groups, group{example: i})
	}
	if !slices.ContainsFunc(groups, func(g group) bool { return g.tooFew() }) {
		return groups
	}
	var apart []group
	for _, g := range groups {
		if g.tooFew() {
			apart = append(apart, s.byName(g)...)
		} else {
			apart = append(apart, g)
		}
	}
	slices.SortStableFunc(apart, func(a, b group) int { return s.compareAge(a.example, b.example) })
	return apart
}

// tooFew reports whether the group has different names, and is too small for that.
func (g group) tooFew() bool { return g.differ && len(g.others)+1 < fewDiffer }

// byName divides a group by the names of its members.
func (s *snapshot) byName(g group) []group {
	var apart []group
	at := make(map[string]int)
	for _, i := range append([]int32{g.example}, g.others...) {
		name := s.entries[i].node.Name()
		if k, ok := at[name]; ok {
			apart[k].others = append(apart[k].others, i)
			continue
		}
		at[name] = len(apart)
		apart = append(apart, group{example: i})
	}
	return apart
}

func (s *snapshot) compareAge(a, b int32) int {
	return cmp.Compare(s.entries[a].start, s.entries[b].start)
}

// nameOf returns a name in which the numbers are replaced by "#".
func nameOf(name string) string {
	return strings.ToValidUTF8(string(appendNameKey(nil, name)), "\uFFFD")
}
