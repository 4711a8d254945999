package bench

import (
	"context"
	"log/slog"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"kaskad/engine"
	"kaskad/ingest"
)

// BenchmarkRoles works off a backlog with each role in a process of its own: what an event costs each of them, and
// whether their memory stays as it is however much is left to do.
func BenchmarkRoles(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		want, accounts, hours := s.get("EVENTS", 200_000, 100_000_000), s.get("ACCOUNTS", 10, 10),
			s.get("HOURS", 24, 320)
		p := newProduct(b)
		r := &row{b: b, Row: Row{Name: "roles", Title: "Each role by itself", Load: p.load, Sizes: s.named,
			How: "A backlog, with `kaskad ingest`, `aggregate` and `serve` as processes. A role's memory is flat if " +
				"its peak " +
				"is the same when a quarter of the events is stored and when all are published."}}
		events := p.fillTopic(want, accounts, time.Duration(hours)*time.Hour)
		began := time.Now()
		processes := p.startRoles()
		var stored time.Duration
		var quarter, all usage
		p.await("the backlog to be published", 24*time.Hour, 200*time.Millisecond, func() bool {
			var s status
			if !p.tryStatus(b.Context(), &s) {
				return false
			}
			if quarter == nil && s.Balance.Consumed >= events/4 {
				quarter = processes()
			}
			if stored == 0 && s.Balance.Consumed >= events && s.stored() {
				stored, all = time.Since(began), processes()
			}
			return stored > 0 && s.stored() && s.PendingBuckets == 0 && s.PendingNumbers == 0
		})
		published, end := time.Since(began), processes()
		r.figure("events", "", "%d", events)
		r.figure("stored", "", "%s (%.0f events/s)", short(stored), float64(events)/stored.Seconds())
		r.figure("published after the last fact", "≤ 30 s", "%s", short(published-stored))
		r.figure("processor per event until stored", "", "%s", all.perEvent(events))
		r.figure("processor per event until published", "", "%s", end.perEvent(events))
		r.figure("peak memory, a quarter stored", "", "%s", quarter.memory())
		r.figure("peak memory, all stored", "ingest ≤ 1.5 GB, and flat", "%s", all.memory())
		r.figure("peak memory, all published", "flat", "%s", end.memory())
		r.publish()
		b.ReportMetric(end.micros(events), "cpu-µs/event")
		b.ReportMetric(float64(all["ingest"].peak>>20), "ingest-MB")
		b.ReportMetric(float64(end["aggregate"].peak>>20), "aggregate-MB")
		b.ReportMetric(0, "ns/op")
	}
}

// startRoles starts the engines on the directory of a program that does not run, and a process for each role. What it
// returns measures them.
func (p *product) startRoles() func() usage {
	p.b.Helper()
	quiet := slog.New(slog.DiscardHandler)
	server, err := engine.StartClickHouse(p.b.Context(),
		engine.Config{Dir: filepath.Join(p.dir, "clickhouse"), Logger: quiet})
	if err != nil {
		p.b.Fatal(err)
	}
	p.b.Cleanup(func() { _ = server.Stop(context.Background()) })
	broker, err := engine.SuperviseBroker(p.b.Context(), engine.BrokerConfig{Dir: filepath.Join(p.dir, "kafka"),
		Logger: quiet, Topics: []engine.Topic{{Name: ingest.DefaultTopic, Partitions: 12},
			{Name: ingest.DefaultDeadLetterTopic, Partitions: 1}}})
	if err != nil {
		p.b.Fatal(err)
	}
	p.b.Cleanup(func() { _ = broker.Stop(context.Background()) })
	p.b.Cleanup(p.stop) // before the engines
	services := []string{"--clickhouse", server.DSN(), "--kafka", broker.Addrs()[0], "--log-level", "warn"}
	if out, err := exec.Command(p.program, "migrate", "--clickhouse", server.DSN()).CombinedOutput(); err != nil {
		p.b.Fatalf("migrate: %v\n%s", err, out)
	}
	p.address = freeAddress()
	pids := map[string]int{"ClickHouse": server.PID(), "broker": broker.PID()}
	for role, more := range map[string][]string{"ingest": nil, "aggregate": nil,
		"serve": {"--listen", p.address, "--auth", "off"}} {
		cmd := exec.Command(p.program, append(append([]string{role}, services...), more...)...)
		pids[role] = p.launch(cmd)
	}
	p.await("the roles to be ready", 5*time.Minute, 50*time.Millisecond, func() bool {
		_, _, err := p.call(p.b.Context(), http.MethodGet, "/readyz", "", nil)
		return err == nil
	})
	return func() usage {
		u := usage{}
		for name, pid := range pids {
			u.add(name, pid)
		}
		return u
	}
}
