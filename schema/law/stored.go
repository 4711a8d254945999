package law

import (
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/go-faster/city"

	"kaskad/schema"
)

// PartSet is a set of parts, counted from 1 to 255: bit p-1 stands for part p.
type PartSet [4]uint64

// PartSetOf returns the set that a column of table attempts holds.
func PartSetOf(column *big.Int) PartSet {
	var s PartSet
	for p := range min(column.BitLen(), 256) {
		s[p/64] |= uint64(column.Bit(p)) << (p % 64)
	}
	return s
}

// Set adds a part.
func (s *PartSet) Set(part uint8) { s[(part-1)/64] |= 1 << ((part - 1) % 64) }

// Has reports whether the part is in the set.
func (s *PartSet) Has(part uint8) bool { return s[(part-1)/64]>>((part-1)%64)&1 != 0 }

// Add adds all parts of another set.
func (s *PartSet) Add(other *PartSet) {
	for i := range s {
		s[i] |= other[i]
	}
}

// Without returns the parts that are not in the other set.
func (s PartSet) Without(other *PartSet) PartSet {
	for i := range s {
		s[i] &^= other[i]
	}
	return s
}

// Empty reports whether there is no part in the set.
func (s PartSet) Empty() bool { return s == PartSet{} }

// Count returns the number of parts.
func (s *PartSet) Count() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// Numbers lists the parts in their order.
func (s *PartSet) Numbers() []int {
	numbers := []int{}
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			numbers = append(numbers, i*64+bits.TrailingZeros64(word)+1)
		}
	}
	return numbers
}

// RecipientMark is what column recipient_mark holds of one recipient with its country: 16 of 32 bits are set, and two
// different ones set more.
func RecipientMark[T string | []byte](recipientCountry T) uint32 {
	low := uint32(city.CH64([]byte(recipientCountry)) & 65535)
	return low<<16 + 65535 - low
}

// Readdressed reports whether events of the attempt name different recipients.
func (a *Attempt) Readdressed() bool { return bits.OnesCount32(a.RecipientMark) > 16 }

// SetLastError takes column last_error: the 13 digits of a time, and the code.
func (a *Attempt) SetLastError(column string) {
	const timeDigits = 13
	if len(column) <= timeDigits {
		return
	}
	ms, err := strconv.ParseInt(column[:timeDigits], 10, 64)
	if err != nil {
		ms = 0 // Without a time it is the earliest of all.
	}
	a.AddError(ms, column[timeDigits:])
}

// SetPrices takes column prices.
func (a *Attempt) SetPrices(column map[string]int64) {
	for key, micros := range column {
		a.SetPrice(key, micros)
	}
}

// SetPrice takes an entry of column prices: the key is a currency, with the part behind a blank where there is one.
func (a *Attempt) SetPrice(key string, micros int64) {
	currency, part, _ := strings.Cut(key, " ")
	n, err := strconv.ParseUint(part, 10, 8)
	if err != nil {
		n = 0
	}
	a.AddPrice(Price{Currency: currency, Part: uint8(n), Micros: micros})
}

// Store writes what is known of the attempt into a row of table attempts; what a row knows of its message stays. The
// row shares the attempt's memory.
func (a *Attempt) Store(row *schema.Attempt) {
	row.Step, row.Channel, row.Provider, row.Campaign = a.Step, a.Channel, a.Provider, a.Campaign
	row.Template, row.Sender, row.App, row.Operator = a.Template, a.Sender, a.App, a.Operator
	row.Traffic, row.Trigger, row.RecipientCountry = a.Traffic, a.Trigger, a.RecipientCountry
	row.RecipientMark, row.SaidCountry, row.Contact = a.RecipientMark, a.SaidCountry, a.Contact
	row.Segments, row.SMSSegments, row.SMSMeasure = a.Segments, a.SMSSegments, a.SMSMeasure
	row.Times, row.MachineMS, row.SingleDeliveredMS = a.Times, a.MachineMS, a.SingleDeliveredMS
	row.Parts, row.PartFailures, row.PartsDeliveredMS = a.Parts, a.PartFailures, a.PartsDeliveredMS
	row.DeliveredParts, row.FailedParts = a.DeliveredParts, a.FailedParts
	row.Permanent, row.Billable, row.Prices, row.RepliesMS = a.Permanent, a.Billable, a.Prices, a.RepliesMS
	row.LastErrorMS, row.LastErrorCode = a.LastErrorMS, a.LastErrorCode
}
