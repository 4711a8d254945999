package event

import (
	"regexp/syntax"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// countryCacheSize bounds the memory for numbers that only libphonenumber itself can judge.
const countryCacheSize = 1 << 16

// countries finds the region of phone numbers. It is not safe for concurrent use; each decoder has its own.
//
// libphonenumber takes some 10 µs for a number, ten times what all else takes for an event. But most calling codes have
// one region, and where they have several (+1, +7, +44 …) the first few digits and the length decide, because from some
// digit on its patterns ask for any digit. Its own patterns say from which (see planNode), so one number is asked for
// and all others like it follow.
type countries struct {
	plans map[uint32]*planNode // of the calling codes met so far
	cache map[string]string    // by whole number
}

// region returns libphonenumber's ISO 3166 region of a number in E.164, with its +, or "" when it knows none.
func (c *countries) region(phone []byte) string {
	code, names := callingCode(phone[1:])
	switch len(names) {
	case 0:
		return ""
	case 1:
		return isoRegion(names[0])
	}
	node := c.plans[code.value]
	if node == nil {
		if c.plans == nil {
			c.plans = map[uint32]*planNode{}
		}
		node = newPlan(names)
		c.plans[code.value] = node
	}
	national := phone[1+code.digits:]
	for _, d := range national {
		if node.decided {
			break
		}
		node = node.follow(d)
	}
	if !node.decided {
		return c.cached(phone)
	}
	n := len(national) // at most 14
	if node.known&(1<<n) == 0 {
		node.known |= 1 << n
		node.regions[n] = Country(string(phone))
	}
	return node.regions[n]
}

func (c *countries) cached(phone []byte) string {
	if r, ok := c.cache[string(phone)]; ok {
		return r
	}
	if c.cache == nil || len(c.cache) >= countryCacheSize {
		c.cache = make(map[string]string, 1024)
	}
	r := Country(string(phone))
	c.cache[string(phone)] = r
	return r
}

// Country returns libphonenumber's ISO 3166 region of a phone number in E.164, or "" when it knows none.
func Country(phone string) string {
	number, err := phonenumbers.Parse(phone, "ZZ")
	if err != nil {
		return ""
	}
	return isoRegion(phonenumbers.GetRegionCodeForNumber(number))
}

func isoRegion(region string) string {
	if region == "ZZ" || region == "001" {
		return ""
	}
	return region
}

type callCode struct {
	value  uint32
	digits int
}

// callingCode returns the calling code at the start of the digits and its regions. No calling code begins with 0, and
// none is the beginning of another.
func callingCode(digits []byte) (callCode, []string) {
	var code callCode
	for _, d := range digits[:min(len(digits), 3)] {
		code.value = code.value*10 + uint32(d-'0')
		code.digits++
		if code.value == 0 {
			break
		}
		if names := phonenumbers.GetRegionCodesForCountryCode(int(code.value)); len(names) > 0 {
			return code, names
		}
	}
	return code, nil
}

// planNode stands for the first digits of a national number. What libphonenumber does with one of several regions: it
// cuts the national prefix of the first region off, where it is found; then it takes the first region whose leading
// digits match or, of a region without such, one of whose patterns matches as a whole. So once no national prefix can
// match any more, and whatever else the patterns can still ask for is "any digit", the digits that follow make no
// difference but by their number.
type planNode struct {
	fronts  []front
	cut     bool // the national prefix has matched: all digits count, because the patterns see others
	decided bool
	known   uint16     // bit n: regions[n] is known
	regions [16]string // by the length of the national number
	next    [10]*planNode
}

// front is where a pattern stands after some digits.
type front struct {
	pattern *syntax.Prog
	states  []uint32
	prefix  bool // it is the national prefix
}

func newPlan(names []string) *planNode {
	node := &planNode{}
	regions := regionMetadata()
	for i, name := range names {
		m := regions[name]
		for _, d := range []*phonenumbers.PhoneNumberDesc{m.GetGeneralDesc(), m.GetPremiumRate(), m.GetTollFree(),
			m.GetSharedCost(), m.GetVoip(),
			m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail(), m.GetFixedLine(), m.GetMobile()} {
			node.add(d.GetNationalNumberPattern(), false)
		}
		node.add(m.GetLeadingDigits(), false)
		if i == 0 {
			node.add(m.GetNationalPrefixForParsing(), true)
		}
		// Rules that cannot be read leave every number to libphonenumber.
		node.cut = node.cut || m == nil
	}
	node.decide()
	return node
}

// regionMetadata is libphonenumber's data by region. It is read once: the reader is not safe for concurrent use.
var regionMetadata = sync.OnceValue(func() map[string]*phonenumbers.PhoneMetadata {
	regions := map[string]*phonenumbers.PhoneMetadata{}
	if collection, err := phonenumbers.MetadataCollection(); err == nil {
		for _, m := range collection.GetMetadata() {
			regions[m.GetId()] = m
		}
	}
	return regions
})

func (n *planNode) add(pattern string, prefix bool) {
	if pattern == "" {
		return
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		n.cut = true
		return
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		n.cut = true
		return
	}
	f := front{pattern: prog, prefix: prefix}
	n.cut = f.reach(uint32(prog.Start)) && prefix || n.cut
	n.fronts = append(n.fronts, f)
}

// follow returns the node behind one more digit.
func (n *planNode) follow(digit byte) *planNode {
	if next := n.next[digit-'0']; next != nil {
		return next
	}
	next := &planNode{cut: n.cut}
	for _, f := range n.fronts {
		g := front{pattern: f.pattern, prefix: f.prefix}
		matched := false
		for _, s := range f.states {
			if inst := &f.pattern.Inst[s]; inst.MatchRune(rune(digit)) {
				matched = g.reach(inst.Out) || matched
			}
		}
		next.cut = next.cut || (matched && f.prefix)
		if len(g.states) > 0 {
			next.fronts = append(next.fronts, g)
		}
	}
	next.decide()
	n.next[digit-'0'] = next
	return next
}

// decide finds out whether digits to come can make a difference.
func (n *planNode) decide() {
	n.decided = !n.cut
	for _, f := range n.fronts {
		n.decided = n.decided && !f.prefix && !f.distinguishes()
	}
	if n.decided {
		n.fronts = nil
	}
}

// reach adds the states that read a digit, from state on, and reports whether the pattern may have matched by now.
// Conditions such as $ are taken for met: a pattern can then only seem to ask more than it does.
func (f *front) reach(state uint32) (matched bool) {
	for _, s := range f.states {
		if s == state {
			return false
		}
	}
	switch inst := &f.pattern.Inst[state]; inst.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		matched = f.reach(inst.Out)
		return f.reach(inst.Arg) || matched
	case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
		return f.reach(inst.Out)
	case syntax.InstMatch:
		return true
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		f.states = append(f.states, state)
	}
	return false
}

// distinguishes reports whether the pattern can still ask for a digit of a kind.
func (f *front) distinguishes() bool {
	ahead := front{pattern: f.pattern, states: append([]uint32(nil), f.states...)}
	for i := 0; i < len(ahead.states); i++ { // reach makes it grow
		inst := &f.pattern.Inst[ahead.states[i]]
		for d := '0'; d <= '9'; d++ {
			if !inst.MatchRune(d) {
				return true
			}
		}
		ahead.reach(inst.Out)
	}
	return false
}
