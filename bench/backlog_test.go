package bench

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"kaskad/engine"
	"kaskad/ingest"
	"kaskad/simulate"
)

// BenchmarkBacklog has a topic full of events when the program starts, as after a night in which it was down: how long
// until all are stored, and until all are published. Its figures are the budget of an event, by process.
func BenchmarkBacklog(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		want, accounts, hours := s.get("EVENTS", 200_000, 10_000_000), s.get("ACCOUNTS", 10, 10),
			s.get("HOURS", 48, 320)
		p := newProduct(b)
		r := &row{b: b, Row: Row{Name: "backlog", Title: "Backlog", Load: p.load, Sizes: s.named,
			How: "A simulated world lies in the topic when the program starts; four events or so for each message. " +
				"The peer is ClickHouse answering one channel report from the facts of all of them (`FINAL`)."}}
		events := p.fillTopic(want, accounts, time.Duration(hours)*time.Hour)
		began := time.Now()
		p.start()
		var stored, published time.Duration
		var usedToStore usage
		p.await("the backlog to be published", 12*time.Hour, time.Second, func() bool {
			var s status
			if !p.tryStatus(b.Context(), &s) {
				return false
			}
			if stored == 0 && s.Balance.Consumed >= events && s.stored() {
				stored, usedToStore = time.Since(began), measure("kaskad", p.pid)
			}
			published = time.Since(began)
			return stored > 0 && s.stored() && s.PendingBuckets == 0 && s.PendingNumbers == 0
		})
		used := measure("kaskad", p.pid)
		peer := p.fold("", time.Unix(0, 0), time.Now())
		r.figure("events", "", "%d", events)
		r.figure("stored", "", "%s after the start (%.0f events/s)", short(stored), float64(events)/stored.Seconds())
		r.figure("published after the last fact", "≤ 30 s", "%s, %.0f × the peer's %s", short(published-stored),
			(published-stored).Seconds()/peer.Seconds(), short(peer))
		r.figure("processor per event until stored", "", "%s", usedToStore.perEvent(events))
		r.figure("processor per event until published", "", "%s", used.perEvent(events))
		r.figure("peak memory", "", "%s", used.memory())
		r.diskFigures(p)
		r.publish()
		b.ReportMetric(float64(events)/stored.Seconds(), "events/s")
		b.ReportMetric((published - stored).Seconds(), "published-after-s")
		b.ReportMetric(used.micros(events), "cpu-µs/event")
		b.ReportMetric(0, "ns/op")
	}
}

// fillTopic plays a world into the topic of a program that does not run yet, and returns the number of events.
func (p *product) fillTopic(want, accounts int, lasts time.Duration) int64 {
	p.b.Helper()
	broker, err := engine.SuperviseBroker(p.b.Context(), engine.BrokerConfig{Dir: filepath.Join(p.dir, "kafka"),
		Logger: slog.New(slog.DiscardHandler), Topics: []engine.Topic{{Name: ingest.DefaultTopic, Partitions: 12},
			{Name: ingest.DefaultDeadLetterTopic, Partitions: 1}}})
	if err != nil {
		p.b.Fatal(err)
	}
	config := simulate.DefaultConfig()
	config.Messages, config.Accounts, config.Poison, config.Duration = max(want/4, 1), accounts, 0, lasts
	config.Now = time.Now().Truncate(time.Second)
	config.Start = config.Now.Add(-lasts)
	sim, err := simulate.New(config)
	if err != nil {
		p.b.Fatal(err)
	}
	producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: broker.Addrs()})
	if err != nil {
		p.b.Fatal(err)
	}
	defer producer.Close()
	began := time.Now()
	events, err := sim.Play(p.b.Context(), producer.Produce, simulate.Pace{Batch: 10_000})
	if err != nil {
		p.b.Fatal(err)
	}
	if err := broker.Stop(context.Background()); err != nil {
		p.b.Fatal(err)
	}
	fmt.Printf("topic: %d events, made and written in %s\n", events, short(time.Since(began)))
	return events
}
