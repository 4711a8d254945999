package state_test

import (
	"fmt"
	"syscall"
	"testing"

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

func BenchmarkMessage_Append(b *testing.B) {
	m := of(usual()...)
	var stored []byte
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		stored = m.Append(stored[:0])
	}
	b.ReportMetric(float64(len(stored)), "bytes")
}

func BenchmarkMessage_Decode(b *testing.B) {
	stored := string(of(usual()...).Append(nil))
	var m state.Message
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		if err := m.Decode(stored); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMessage_Merge is the way of a state in the store to that with one more event.
func BenchmarkMessage_Merge(b *testing.B) {
	events := usual()
	old, partial := of(events[:2]...).Append(nil), of(events[2]).Append(nil)
	var m, more state.Message
	var stored []byte
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		if m.Decode(string(old)) != nil || more.Decode(string(partial)) != nil {
			b.Fatal("damaged")
		}
		m.Merge(&more)
		stored = m.Append(stored[:0])
	}
	if m.Attempts[0].At(schema.Read) == schema.Never {
		b.Fatal("the read was lost")
	}
}

// BenchmarkFold_Fold is what it costs ingest to merge an event with others of its block: of its message there are
// three.
func BenchmarkFold_Fold(b *testing.B) {
	var facts schema.Facts
	events := usual()
	for i := range 200_000 {
		ev := &events[i/4%len(events)]
		at := i/12*4 + i%4
		ev.MessageID = fmt.Appendf(nil, "01939c7e-8a3b-7def-8123-%012x", uint64(at)*0x9e3779b97f4a7c15>>16)
		ev.Recipient = fmt.Appendf(nil, "+7900%07d", at)
		facts.Append(ev)
	}
	var fold state.Fold
	b.ReportAllocs()
	defer cpu(b)()
	for range b.N/facts.Rows() + 1 {
		fold.Fold(&facts, nil)
	}
	b.ReportMetric(float64(fold.Attempts.Rows())/float64(facts.Rows()), "rows/event")
}
