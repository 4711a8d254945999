package cells

import (
	"cmp"
	"math/big"
	"slices"

	"kaskad/schema"
)

func (s *Sum) attemptBlock(edition uint64) Block {
	t := &s.attempts
	// The latencies of a cell side by side, those of its histograms one after the other.
	sorted := live(&s.latencies, func(i uint32) bool { return s.latencies.values[i] != 0 })
	slices.SortFunc(sorted, func(x, y uint32) int {
		x1, y1 := &s.latencies.keys[x], &s.latencies.keys[y]
		return cmp.Or(cmp.Compare(x1.cell, y1.cell), cmp.Compare(x1.of, y1.of), cmp.Compare(x1.at, y1.at))
	})
	moved := make([]bool, len(t.keys))
	for _, i := range sorted {
		moved[s.latencies.keys[i].cell] = true
	}
	rows := live(t, func(i uint32) bool { return moved[i] || t.values[i].counts != [counts]int64{} })
	b := s.rollup("rollup_attempts", edition, rows, func(i uint32) (uint32, int64) {
		return t.keys[i].place, t.values[i].cohortMaxMS
	})
	s.addDimensions(&b, rows, func(i uint32) uint32 { return t.keys[i].dims })
	b.add("step", column(rows, func(i uint32) uint8 { return t.keys[i].step }))
	b.add("window_end", column(rows, func(i uint32) int64 { return int64(t.keys[i].windowEnd) }))
	for count, name := range [counts]string{attempted: "attempted", sent: "sent", delivered: "delivered", read: "read",
		clicked: "clicked", replied: "replied", failed: "failed", pending: "pending", skipped: "skipped",
		skewed: "skewed", machineOpened: "machine_opened", lowered: "lowered", timed: "timed", in1m: "in_1m",
		in24h: "in_24h", readIn24h: "read_in_24h"} {
		b.add(name, column(rows, func(i uint32) int64 { return t.values[i].counts[count] }))
	}
	latencies := s.histograms(rows, sorted)
	for of, name := range [histograms]string{toDeliver: "to_deliver", toRead: "to_read", toReply: "to_reply"} {
		b.add(name, &latencies[of])
	}
	return b
}

// histograms lists the histograms of cells from the latencies, both in the order of cells.
func (s *Sum) histograms(cells, latencies []uint32) (all [histograms]schema.CountMaps) {
	for _, cell := range cells {
		for len(latencies) > 0 && s.latencies.keys[latencies[0]].cell == cell {
			k := s.latencies.keys[latencies[0]]
			// Modulo 2^64: what is taken back adds up with what is there.
			all[k.of].Append(k.at, uint64(s.latencies.values[latencies[0]]))
			latencies = latencies[1:]
		}
		for of := range all {
			all[of].EndRow()
		}
	}
	return all
}

func (s *Sum) cascadeBlock(edition uint64) Block {
	t := &s.cascades
	rows := live(t, func(i uint32) bool { return t.values[i].messages != 0 || t.values[i].reported != amount{} })
	b := s.rollup("rollup_cascades", edition, rows, func(i uint32) (uint32, int64) {
		return t.keys[i].place, t.values[i].cohortMaxMS
	})
	s.addText(&b, "campaign", rows, func(i uint32) uint32 { return t.keys[i].campaign })
	s.addText(&b, "template", rows, func(i uint32) uint32 { return t.keys[i].template })
	b.add("shape", column(rows, func(i uint32) uint64 { return t.keys[i].shape }))
	s.addText(&b, "reported_currency", rows, func(i uint32) uint32 { return t.keys[i].currency })
	b.add("messages", column(rows, func(i uint32) int64 { return t.values[i].messages }))
	b.add("reported_micros", column(rows, func(i uint32) *big.Int { return t.values[i].reported.big() }))
	return b
}

func (s *Sum) spendBlock(edition uint64) Block {
	t := &s.spend
	reported := make([]map[string]*big.Int, len(t.keys))
	for i, sum := range s.spendMoney.values {
		if sum == (amount{}) {
			continue
		}
		k := s.spendMoney.keys[i]
		if reported[k.cell] == nil {
			reported[k.cell] = map[string]*big.Int{}
		}
		reported[k.cell][s.names.texts[k.currency]] = sum.big()
	}
	rows := live(t, func(i uint32) bool { return t.values[i].attempts != 0 || reported[i] != nil })
	b := s.rollup("rollup_spend", edition, rows, func(i uint32) (uint32, int64) {
		return t.keys[i].place, t.values[i].cohortMaxMS
	})
	s.addText(&b, "campaign", rows, func(i uint32) uint32 { return t.keys[i].campaign })
	s.addText(&b, "template", rows, func(i uint32) uint32 { return t.keys[i].template })
	b.add("step", column(rows, func(i uint32) uint8 { return t.keys[i].step }))
	b.add("leg", column(rows, func(i uint32) uint64 { return t.keys[i].leg }))
	b.add("code", column(rows, func(i uint32) uint32 { return t.keys[i].code }))
	b.add("computed_segments", column(rows, func(i uint32) uint16 { return t.keys[i].computedSegments }))
	b.add("shape", column(rows, func(i uint32) uint64 { return t.keys[i].shape }))
	b.add("message_segments", column(rows, func(i uint32) uint16 { return t.keys[i].messageSegments }))
	s.addText(&b, "message_template", rows, func(i uint32) uint32 { return t.keys[i].messageTemplate })
	b.add("reported", column(rows, func(i uint32) map[string]*big.Int { return reported[i] }))
	b.add("attempts", column(rows, func(i uint32) int64 { return t.values[i].attempts }))
	return b
}

func (s *Sum) wasteBlock(edition uint64) Block {
	t := &s.waste
	rows := live(t, func(i uint32) bool { return t.values[i].attempts != 0 })
	b := s.rollup("rollup_waste", edition, rows, func(i uint32) (uint32, int64) {
		return t.keys[i].place, t.values[i].cohortMaxMS
	})
	s.addText(&b, "campaign", rows, func(i uint32) uint32 { return t.keys[i].campaign })
	s.addText(&b, "template", rows, func(i uint32) uint32 { return t.keys[i].template })
	b.add("leg", column(rows, func(i uint32) uint64 { return t.keys[i].leg }))
	b.add("code", column(rows, func(i uint32) uint32 { return t.keys[i].code }))
	b.add("sms_segments", column(rows, func(i uint32) uint16 { return t.keys[i].smsSegments }))
	b.add("sms_measure", column(rows, func(i uint32) uint32 { return t.keys[i].smsMeasure }))
	b.add("attempts", column(rows, func(i uint32) int64 { return t.values[i].attempts }))
	return b
}

func (s *Sum) failureBlock(edition uint64) Block {
	t := &s.failures
	rows := live(t, func(i uint32) bool { return t.values[i].failed != 0 })
	b := s.rollup("rollup_failures", edition, rows, func(i uint32) (uint32, int64) {
		return t.keys[i].place, t.values[i].cohortMaxMS
	})
	s.addDimensions(&b, rows, func(i uint32) uint32 { return t.keys[i].dims })
	b.add("step", column(rows, func(i uint32) uint8 { return t.keys[i].step }))
	s.addText(&b, "error_code", rows, func(i uint32) uint32 { return t.keys[i].errorCode })
	b.add("permanent", column(rows, func(i uint32) uint8 { return t.keys[i].permanent }))
	b.add("expired", column(rows, func(i uint32) uint8 { return t.keys[i].expired }))
	b.add("failed", column(rows, func(i uint32) int64 { return t.values[i].failed }))
	return b
}

// after lists the rows of a table but for the first ones.
func after[K comparable, V any](t *table[K, V], told int) []uint32 {
	return live(t, func(i uint32) bool { return int(i) >= told })
}

func (s *Sum) legBlock() Block {
	t := &s.legs
	rows := after(t, s.told.legs)
	b := Block{Table: "legs", Rows: len(rows)}
	s.addText(&b, "account", rows, func(i uint32) uint32 { return t.keys[i].account })
	b.add("leg", column(rows, func(i uint32) uint64 { return t.keys[i].hash }))
	s.addDimensions(&b, rows, func(i uint32) uint32 { return t.values[i].dims }, "campaign", "template")
	s.addText(&b, "currencies", rows, func(i uint32) uint32 { return t.values[i].currencies })
	return b
}

func (s *Sum) shapeBlock() Block {
	t := &s.shapes
	rows := after(t, s.told.shapes)
	b := Block{Table: "shapes", Rows: len(rows)}
	s.addText(&b, "account", rows, func(i uint32) uint32 { return t.keys[i].account })
	b.add("shape", column(rows, func(i uint32) uint64 { return t.keys[i].hash }))
	b.add("sms_segments", column(rows, func(i uint32) uint16 { return t.values[i].smsSegments }))
	steps := func(i uint32) []shapeStep { return s.shapeSteps[t.values[i].from:t.values[i].to] }
	b.add("legs", column(rows, func(i uint32) []uint64 {
		var legs []uint64
		for _, st := range steps(i) {
			legs = append(legs, st.leg)
		}
		return legs
	}))
	b.add("codes", column(rows, func(i uint32) []uint32 {
		var codes []uint32
		for _, st := range steps(i) {
			codes = append(codes, uint32(st.code))
		}
		return codes
	}))
	return b
}

func (s *Sum) recipientBlock(edition uint64) Block {
	rows := make([]uint32, len(s.recipients))
	for i := range rows {
		rows[i] = uint32(i)
	}
	r := s.recipients
	b := Block{Table: "attempts_by_recipient", Rows: len(rows)}
	b.add("account", column(rows, func(i uint32) string { return s.names.texts[r[i].account] }))
	b.add("recipient", column(rows, func(i uint32) string { return r[i].recipient }))
	b.add("bucket", column(rows, func(i uint32) int64 { return int64(r[i].bucket) }))
	b.add("message_id", column(rows, func(i uint32) string { return r[i].messageID }))
	b.add("step", column(rows, func(i uint32) uint8 { return r[i].step }))
	b.add("generation", same(len(rows), edition))
	b.add("gone", column(rows, func(i uint32) uint8 { return bit(r[i].gone) }))
	b.add("cohort_ms", column(rows, func(i uint32) int64 { return r[i].cohortMS }))
	s.addDimensions(&b, rows, func(i uint32) uint32 { return r[i].dims })
	b.add("contact", column(rows, func(i uint32) string { return r[i].contact }))
	b.add("person", column(rows, func(i uint32) string { return r[i].person }))
	b.add("start_ms", column(rows, func(i uint32) int64 { return r[i].startMS }))
	b.add("delivered_ms", column(rows, func(i uint32) int64 { return r[i].deliveredMS }))
	b.add("read_ms", column(rows, func(i uint32) int64 { return r[i].readMS }))
	b.add("last_reply_ms", column(rows, func(i uint32) int64 { return r[i].lastReplyMS }))
	b.add("code", column(rows, func(i uint32) uint32 { return uint32(r[i].code) }))
	b.add("leg", column(rows, func(i uint32) uint64 { return r[i].leg }))
	b.add("sms_segments", column(rows, func(i uint32) uint16 { return r[i].smsSegments }))
	b.add("error_code", column(rows, func(i uint32) string { return r[i].errorCode }))
	b.add("error_ms", column(rows, func(i uint32) int64 { return r[i].errorMS }))
	b.add("expired", column(rows, func(i uint32) uint8 { return bit(r[i].expired) }))
	return b
}

// big returns the amount for a column of 128 bits.
func (x amount) big() *big.Int {
	n := new(big.Int).SetInt64(x.high)
	n.Lsh(n, 64)
	return n.Add(n, new(big.Int).SetUint64(x.low))
}
