package model

import (
	"runtime"
	"testing"
	"time"

	"kaskad/simulate"
)

// BenchmarkModel_Add measures the folding of new events, on one core.
func BenchmarkModel_Add(b *testing.B) {
	cfg := simulate.DefaultConfig()
	sim, err := simulate.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	var lines [][]byte
	for ev := range sim.Events() {
		lines = append(lines, append([]byte(nil), ev.Line...))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	model := New(sim.Now())
	b.ReportAllocs()
	b.ResetTimer()
	started := time.Now()
	for i := range b.N {
		if i%len(lines) == 0 {
			model = New(sim.Now())
		}
		_ = model.Add(lines[i%len(lines)]) // Poison is part of the work.
	}
	b.ReportMetric(float64(b.N)/time.Since(started).Seconds(), "events/s")
}

// BenchmarkModel_ChannelReport measures a report over 100 000 messages.
func BenchmarkModel_ChannelReport(b *testing.B) {
	sim, err := simulate.New(simulate.DefaultConfig())
	if err != nil {
		b.Fatal(err)
	}
	model := New(sim.Now())
	for ev := range sim.Events() {
		_ = model.Add(ev.Line) // Poison changes nothing.
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
