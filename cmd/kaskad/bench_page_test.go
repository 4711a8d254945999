package main

import (
	"fmt"
	"testing"
	"time"

	"kaskad/bench"
)

// publishTopicToFacts writes the row of docs/performance.md: events a second of the program, of the ceiling and of
// ClickHouse's Kafka engine.
func publishTopicToFacts(b *testing.B, t *benchTopic, ours, ceiling, kafkaEngine, bytesPerAttempt float64) {
	b.Helper()
	row := bench.Row{Name: "topic-to-facts", Title: "Topic to facts", Load: t.load,
		How: "One topic, read by the program into facts, touches and ledger; the ceiling is ClickHouse inserting the " +
			"same events, a row each, into the same tables from a table of its own, the peer its Kafka engine. Broker, " +
			"client and server share the processors.",
		Sizes: []string{fmt.Sprintf("BENCH_EVENTS=%d", t.events)},
		Figures: []bench.Figure{
			{Name: "topic to facts", Value: fmt.Sprintf("%.0f events/s", ours), Goal: "≥ 500 000"},
			{Name: "of the ceiling", Value: fmt.Sprintf("%.2f of %.0f events/s", ours/ceiling, ceiling), Goal: "≥ 0.8"},
			{Name: "beside the Kafka engine",
				Value: fmt.Sprintf("%.1f × its %.0f events/s", ours/kafkaEngine, kafkaEngine),
				Goal:  "≥ 5.5 ×"},
			{Name: "bytes per attempt before cold merges", Value: fmt.Sprintf("%.1f", bytesPerAttempt),
				Goal: "≤ 45 after"},
		}}
	if err := row.Publish(time.Now()); err != nil {
		b.Fatal(err)
	}
}
