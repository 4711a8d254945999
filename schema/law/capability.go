package law

import "slices"

// Capability is what a route can report.
type Capability struct {
	Deliveries, Reads bool
	// Bound says what its reads are of all reads: exact, lower or upper; "" where none are reported.
	Bound        string
	SettlingDays uint16
}

// Code packs the capability for SQL, whose templates take it apart (sql/code.sql): bit 0 deliveries, bit 1 reads, bits
// 2 and 3 the bound, the settling days above.
func (c Capability) Code() (code uint32) {
	if c.Deliveries {
		code |= 1
	}
	if c.Reads {
		code |= 2
	}
	bound := max(0, slices.Index([]string{"", "exact", "lower", "upper"}, c.Bound))
	return code | uint32(bound)<<2 | uint32(c.SettlingDays)<<4
}
