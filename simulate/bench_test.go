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
