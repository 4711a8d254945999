package simulate

import (
	"slices"
	"strconv"
)

// operators of a country, and how its mobile numbers look. The prefixes are real, the rest of a number is random: see
// the package comment.
type country struct {
	weight   float64
	digits   int // After the prefix.
	prefixes []prefix
}

type prefix struct {
	digits, operator string
}

var countries = [...]country{
	// RU
	{78, 7, []prefix{{"7916", "25001"}, {"7985", "25001"}, {"7921", "25002"}, {"7925", "25002"}, {"7903", "25099"},
		{"7962", "25099"}, {"7950", "25020"}}},
	// KZ
	{6, 7, []prefix{{"7701", "40102"}, {"7777", "40101"}, {"7705", "40101"}, {"7747", "40177"}}},
	// BY
	{4, 6, []prefix{{"375291", "25701"}, {"375296", "25701"}, {"375336", "25702"}}},
	// UZ
	{3, 7, []prefix{{"99890", "43404"}, {"99893", "43405"}}},
	// UA
	{2, 7, []prefix{{"38050", "25501"}, {"38067", "25503"}}},
	// US
	{2, 4, []prefix{{"1212555", "310260"}, {"1415555", "310410"}}},
	// DE
	{1.5, 8, []prefix{{"49151", "26201"}, {"49170", "26201"}}},
	// GB
	{1, 6, []prefix{{"447400", "23420"}, {"447860", "23410"}}},
	// IN
	{1.5, 8, []prefix{{"9198", "40445"}, {"9199", "40410"}}},
	// NP
	{1, 7, []prefix{{"977984", "42902"}, {"977980", "42902"}}},
}

// person is one contact of an account. Nothing about it is stored: all follows from its hash.
type person struct {
	hash   uint64
	number int64
}

func (w *world) person(acc *account, number int64) person {
	return person{hash: mix(w.cfg.Seed ^ mix(acc.number<<44^uint64(number))), number: number}
}

// reachable tells whether the person can be reached on a channel, today and on every other day.
func (p person) reachable(ch *channel, dead share) bool {
	switch ch.name {
	case "sms", "voice", "flash_call":
		if dead.of(mix(p.hash ^ 1)) {
			return false
		}
	}
	return ch.penetration.of(mix(p.hash ^ uint64(ch.number+2)))
}

// phone returns the number with its plus, and the operator as JSON fields of an event.
func (p person) phone(draw lottery) (number, operator string) {
	c := &countries[draw.draw(mix(p.hash^101))]
	n := mix(p.hash ^ 102)
	pre := c.prefixes[n%uint64(len(c.prefixes))]
	n /= uint64(len(c.prefixes))
	out := make([]byte, 0, 16)
	out = append(append(out, '+'), pre.digits...)
	for range c.digits {
		out = append(out, '0'+byte(n%10))
		n /= 10
	}
	return string(out), pre.operator
}

// recipient returns the person's address on a channel.
func (p person) recipient(how address, phones lottery) (recipient, operator string) {
	switch how {
	case byDevice:
		out := append(make([]byte, 0, 39), "device:"...)
		out = appendHex(out, mix(p.hash^103), 16)
		return string(appendHex(out, mix(p.hash^104), 16)), ""
	case byUser:
		return "user:" + strconv.FormatUint(mix(p.hash^105)>>24, 10), ""
	case byEmail:
		return "email:p" + strconv.FormatInt(p.number, 10) + "@example.com", ""
	}
	return p.phone(phones)
}

func countryDraw() lottery {
	var weights []float64
	for _, c := range countries {
		weights = append(weights, c.weight)
	}
	return newLottery(weights)
}

// otherOperator returns an operator that is not this one: what a number's new network would say.
func otherOperator(operator string, n uint64) string {
	all := []string{"25001", "25002", "25020", "25099"}
	i := int(n % 4)
	if slices.Index(all, operator) == i {
		i = (i + 1) % 4
	}
	return all[i]
}

func appendHex(dst []byte, n uint64, digits int) []byte {
	const hex = "0123456789abcdef"
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, hex[n>>(4*i)&15])
	}
	return dst
}

// appendCrockford writes the lowest 5·digits bits in the alphabet of ULIDs.
func appendCrockford(dst []byte, n uint64, digits int) []byte {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, alphabet[n>>(5*i)&31])
	}
	return dst
}
