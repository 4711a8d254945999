package cells_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"kaskad/aggregate/cells"
	"kaskad/schema"
	"kaskad/schema/state"
)

// cpu reports what the iterations took of processors. Unlike time, it does not depend on what else the machine does.
func cpu(b *testing.B) (report func()) {
	b.Helper()
	used := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

// many are stored states of messages of some hours, campaigns and operators, as they are before they are read, and what
// the event says that they were. late is what happens last, and is not in the states: read or delivered.
func many(b *testing.B, n int, late schema.Status) (old, partial []string) {
	b.Helper()
	begin := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC).UnixMilli()
	var texts state.Texts
	var m state.Message
	for i := range n {
		at := begin + int64(i%97)*41_000
		ev := schema.Event{Step: 1, Channel: "viber", Provider: []byte("infobip"),
			Campaign: fmt.Appendf(nil, "autumn-sale-%d", i%20), Template: []byte("order_paid"),
			Sender:   []byte("KaskadShop"),
			Operator: fmt.Appendf(nil, "2500%d", i%7), Traffic: "transactional",
			Recipient: fmt.Appendf(nil, "+7900%07d", i), Country: "RU", SubmittedMS: at, Segments: 1, SMSSegments: 2,
			Billable: -1}
		m.Reset()
		for status, after := range map[schema.Status]int64{schema.Sent: 350, schema.Delivered: 6_000 + int64(i%1000)} {
			if status != late {
				ev.Status, ev.OccurredMS = status, at+after
				m.Add(&ev, &texts)
			}
		}
		old = append(old, string(m.Append(nil)))
		m.Reset()
		ev.Status, ev.OccurredMS = late, at+3_600_000+int64(i)
		m.Add(&ev, &texts)
		partial = append(partial, string(m.Append(nil)))
	}
	return old, partial
}

// BenchmarkSum_Replace is all that a changed message costs but its store: both states are decoded, merged and encoded,
// what it contributed is taken back, and what it contributes is added. A delivery changes what is known of people too,
// a read does not.
func BenchmarkSum_Replace(b *testing.B) {
	for name, late := range map[string]schema.Status{"read": schema.Read, "delivered": schema.Delivered} {
		b.Run(name, func(b *testing.B) { benchReplace(b, late) })
	}
}

func benchReplace(b *testing.B, late schema.Status) {
	const n = 20_000
	old, partial := many(b, n, late)
	var s cells.Sum
	var was, m, more state.Message
	var stored []byte
	i := 0
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		if i%n == 0 {
			s.Reset()
		}
		if was.Decode(old[i%n]) != nil || m.Decode(old[i%n]) != nil || more.Decode(partial[i%n]) != nil {
			b.Fatal("damaged")
		}
		was.Account, m.Account = "acme", "acme"
		m.Merge(&more)
		stored = m.Append(stored[:0])
		s.Replace(&was, &m, nil, nil)
		i++
	}
}

// BenchmarkSum_Add is a message of a whole hour.
func BenchmarkSum_Add(b *testing.B) {
	const n = 20_000
	old, _ := many(b, n, schema.Read)
	var s cells.Sum
	var m state.Message
	i := 0
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		if i%n == 0 {
			s.Reset()
		}
		if err := m.Decode(old[i%n]); err != nil {
			b.Fatal(err)
		}
		m.Account = "acme"
		s.Add(&m, nil, 1)
		i++
	}
}

// BenchmarkSum_Blocks is a cell on its way to an insert.
func BenchmarkSum_Blocks(b *testing.B) {
	old, _ := many(b, 20_000, schema.Read)
	var s cells.Sum
	var m state.Message
	for _, stored := range old {
		if err := m.Decode(stored); err != nil {
			b.Fatal(err)
		}
		s.Add(&m, nil, 1)
	}
	rows := 0
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		rows = 0
		for _, block := range s.Blocks(1) {
			rows += block.Rows
		}
	}
	b.ReportMetric(float64(rows), "rows")
}
