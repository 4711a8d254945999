package bench

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkIdle measures what the process tree takes of a core when it has data and nothing to do.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		w := newWorld(s.get("MESSAGES", 200_000, 3_400_000), s.get("ACCOUNTS", 5, 100), s.get("HOURS", 48, 720))
		lasts := time.Duration(s.get("SECONDS", 30, 60)) * time.Second
		p := startProduct(b)
		r := &row{b: b, Row: Row{Name: "idle", Title: "Idle", Load: p.load, Sizes: s.named,
			How: "Processor time of the whole process tree with a settled history, nobody asking, after a minute of " +
				"rest " +
				"(ClickHouse merges for a while)."}}
		r.figure("first computation of all hours after the fill", "", "%s", p.fillAndSettle(w))
		pause(b.Context(), min(lasts, time.Minute))
		used := p.uses(lasts)
		text := ""
		for name, share := range used {
			text += fmt.Sprintf(", %s %.1f %%", name, 100*share.cpu.Seconds()/lasts.Seconds())
		}
		total := 100 * used.total().Seconds() / lasts.Seconds()
		r.figure("of a core", "≤ 1 %", "%.1f %% (%s)", total, text[2:])
		r.figure("peak memory", "", "%s", used.memory())
		r.publish()
		b.ReportMetric(total, "%-of-core")
		b.ReportMetric(0, "ns/op")
	}
}

// uses is what the program uses within some time.
func (p *product) uses(lasts time.Duration) usage {
	before := measure("kaskad", p.pid)
	pause(p.b.Context(), lasts)
	return measure("kaskad", p.pid).since(before)
}
