package query

import (
	"net/http"
	"testing"

	"kaskad/query/querytest"
)

// BenchmarkServer_Channels reports over a million cells of 400 days. It prints cells/s beside the time of a request.
func BenchmarkServer_Channels(b *testing.B) {
	const cells, blocks = 1_000_000, 10
	conn := newConn(b)
	for i := range blocks {
		block := randomCells(uint64(i), cells/blocks, testNow, 400)
		insertCells(b, conn, block)
	}
	querytest.Publish(b, conn, 1, 2)
	querytest.Build(b, conn, "rollup_attempts", 2, "1", 1)
	execute(b, conn, "OPTIMIZE TABLE rollup_attempts FINAL")
	s := newServer(b, conn)
	for _, query := range []string{"group_by=", "group_by=channel", "group_by=day&tz=Europe/Moscow",
		"group_by=hour&tz=Europe/Moscow&limit=10000",
		"group_by=channel,campaign,provider", "group_by=channel&account=acme&from=2026-11-13",
		"group_by=channel&day=2026-11-10&day=2026-11-11"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				if w := get(s, "/v1/reports/channels?"+query); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
			b.ReportMetric(cells*float64(b.N)/b.Elapsed().Seconds(), "cells/s")
		})
	}
}
