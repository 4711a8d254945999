package event

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"
)

// A decoder's short cut must agree with libphonenumber for every number, in whatever order numbers come.
func TestCountries_Region_AgreesWithLibphonenumber(t *testing.T) {
	codes := make([]string, 0, 300)
	for code := range phonenumbers.GetSupportedCallingCodes() {
		codes = append(codes, fmt.Sprint(code))
		if len(phonenumbers.GetRegionCodesForCountryCode(code)) > 1 {
			for range 40 { // these are where it may go wrong
				codes = append(codes, fmt.Sprint(code))
			}
		}
	}
	codes = append(codes, "1", "2", "21", "9", "99", "80", "888", "0")
	var c countries
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		for range 100 {
			phone := "+" + codes[random.IntN(len(codes))]
			// Neighbours that differ in a late digit are what a wrong prefix would confuse.
			length := 7 + random.IntN(9)
			for len(phone)-1 < length {
				phone += fmt.Sprint(random.IntN(10))
			}
			for range 3 {
				if got, want := c.region([]byte(phone)), Country(phone); got != want {
					t.Fatalf("%s: %q, libphonenumber says %q", phone, got, want)
				}
				b := []byte(phone)
				b[4+random.IntN(len(b)-4)] = byte('0' + random.IntN(10))
				phone = string(b)
			}
		}
	})
}

// Every example number of every region, and what lies around it: the patterns are dense there.
func TestCountries_Region_Examples(t *testing.T) {
	var c countries
	for region := range phonenumbers.GetSupportedRegions() {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.UNKNOWN; kind++ {
			example := phonenumbers.GetExampleNumberForType(region, kind)
			if example == nil {
				continue
			}
			phone := []byte(phonenumbers.Format(example, phonenumbers.E164))
			for at := 2; at < len(phone); at++ {
				was := phone[at]
				for d := byte('0'); d <= '9'; d++ {
					phone[at] = d
					if len(phone) > 16 || len(phone) < 8 {
						continue
					}
					if got, want := c.region(phone), Country(string(phone)); got != want {
						t.Fatalf("%s: %q, libphonenumber says %q", phone, got, want)
					}
				}
				phone[at] = was
			}
		}
	}
}

// The short cut must be one: of numbers that differ in their last digits, one is asked for.
func TestCountries_Region_AsksSeldom(t *testing.T) {
	for _, c := range []struct {
		prefix string
		region string
		asked  int // nodes that were decided
	}{{"+7900", "RU", 1}, {"+7701", "KZ", 1}, {"+1212", "US", 20}, {"+1416", "CA", 20}, {"+44790", "GB", 40}} {
		var all countries
		for n := range 20_000 {
			phone := fmt.Appendf(nil, "%s%07d", c.prefix, n*499)
			if r := all.region(phone); r != c.region && n%100 == 0 && Country(string(phone)) != r {
				t.Fatalf("%s: %q", phone, r)
			}
		}
		asked := len(all.cache)
		var walk func(n *planNode)
		walk = func(n *planNode) {
			if n == nil {
				return
			}
			asked += bits.OnesCount16(n.known)
			for _, next := range n.next {
				walk(next)
			}
		}
		for _, n := range all.plans {
			walk(n)
		}
		t.Logf("%s: asked %d times for 20 000 numbers", c.prefix, asked)
		if asked > c.asked {
			t.Errorf("%s: asked %d times for 20 000 numbers, want at most %d", c.prefix, asked, c.asked)
		}
	}
}

func BenchmarkCountries_Region(b *testing.B) {
	for _, prefix := range []string{"+79", "+1212", "+447", "+33"} {
		b.Run(prefix, func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 1))
			phones := make([][]byte, 1<<16)
			for i := range phones {
				phones[i] = fmt.Appendf(nil, "%s%0*d", prefix, 12-len(prefix), random.IntN(100_000_000))
			}
			var c countries
			for i := 0; b.Loop(); i++ {
				c.region(phones[i&(1<<16-1)])
			}
		})
	}
}
