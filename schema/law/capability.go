package law

import "slices"

// CapabilityCode packs what a route can report for SQL, whose templates take it apart (sql/code.sql): bit 0 deliveries,
// bit 1 reads, bits 2 and 3 what these are of all reads ("exact", "lower" or "upper"), the settling days above.
func CapabilityCode(deliveries, reads bool, bound string, settlingDays uint16) (code uint32) {
	if deliveries {
		code |= 1
	}
	if reads {
		code |= 2
	}
	place := max(0, slices.Index([]string{"none", "exact", "lower", "upper"}, bound))
	return code | uint32(place)<<2 | uint32(settlingDays)<<4
}
