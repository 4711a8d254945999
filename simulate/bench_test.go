package simulate

import (
	"runtime"
	"testing"
	"time"
)

// BenchmarkSimulator_Events measures the writing of events, on one core. A million messages keep the bins as full as in
// use.
func BenchmarkSimulator_Events(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	cfg := DefaultConfig()
	cfg.Messages = 1_000_000
	sim, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	events, bytes := 0, int64(0)
	started := time.Now()
	for events < b.N {
		for ev := range sim.Events() {
			bytes += int64(len(ev.Line))
			if events++; events == b.N {
				break
			}
		}
	}
	b.SetBytes(bytes / int64(b.N))
	b.ReportMetric(float64(b.N)/time.Since(started).Seconds(), "events/s")
}

// BenchmarkModel_Add measures the folding of new events, on one core.
func BenchmarkModel_Add(b *testing.B) {
	cfg := DefaultConfig()
	sim, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	var lines [][]byte
	for ev := range sim.Events() {
		lines = append(lines, append([]byte(nil), ev.Line...))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	model := NewModel(sim.Now())
	b.ReportAllocs()
	b.ResetTimer()
	started := time.Now()
	for i := range b.N {
		if i%len(lines) == 0 {
			model = NewModel(sim.Now())
		}
		_ = model.Add(lines[i%len(lines)]) // Poison is part of the work.
	}
	b.ReportMetric(float64(b.N)/time.Since(started).Seconds(), "events/s")
}

// BenchmarkModel_ChannelReport measures a report over 100 000 messages.
func BenchmarkModel_ChannelReport(b *testing.B) {
	sim, err := New(DefaultConfig())
	if err != nil {
		b.Fatal(err)
	}
	model, err := sim.Model()
	if err != nil {
		b.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for b.Loop() {
		if _, err := model.ChannelReport(Query{GroupBy: []string{"day", "channel"}, TZ: zone}); err != nil {
			b.Fatal(err)
		}
	}
}
