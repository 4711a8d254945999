package bench

import (
	"testing"
	"time"
)

// maxSheet is how many rows a workbook of the benchmark has: a sheet has room for hardly more.
const maxSheet = 1_000_000

// BenchmarkExports has lists as one answer in every form, and looks by how much that makes processes grow.
func BenchmarkExports(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		numbers, messages := s.get("NUMBERS", 500_000, 10_000_000), s.get("MESSAGES", 200_000, 1_000_000)
		p := startProduct(b)
		r := &row{b: b, Row: Row{Name: "exports", Title: "Exports", Load: p.load, Sizes: s.named,
			How: "Lists as one answer (`limit=all`) over HTTP, client and servers on the same machine: all dead numbers " +
				"(as a workbook at most 1 000 000), and what happened to each recipient of one account's messages. " +
				"Memory is by how much the peak of a process is above what it had before the answer."}}
		w := newWorld(messages, 1, 24)
		r.figure("first computation of all hours after the fill", "", "%s", p.fillAndSettle(w))
		p.insertDead("dead", numbers)
		p.insertDead("sheet", min(numbers, maxSheet))
		for _, list := range []struct {
			name, path string
			rows       int
			formats    []string
			goal       string
		}{
			{"dead numbers", "/v1/numbers/dead?account=dead", numbers, []string{"arrow", "parquet", "ndjson", "csv"},
				"≤ 300 MB for any number of rows"},
			{"dead numbers", "/v1/numbers/dead?account=sheet", min(numbers, maxSheet), []string{"xlsx"},
				"≤ 300 MB for any number of rows"},
			{"messages", "/v1/messages?account=tenant-0", messages, []string{"arrow", "parquet", "ndjson", "csv", "xlsx"},
				"a million in ≤ 20 s"},
		} {
			for _, format := range list.formats {
				r.export(p, list.name+" as "+format, list.goal, list.path+"&limit=all&format="+format, list.rows)
			}
		}
		p.mustHaveDead("dead", numbers)
		r.publish()
		b.ReportMetric(0, "ns/op")
	}
}

// export measures an answer and adds its figure.
func (r *row) export(p *product, name, goal, path string, rows int) {
	r.b.Helper()
	if err := forgetPeaks(p.pid); err != nil {
		r.b.Fatal(err)
	}
	before, began := measure("kaskad", p.pid), time.Now()
	size := p.download(path)
	took, after := time.Since(began), measure("kaskad", p.pid)
	grew := func(process string) int64 { return (after[process].peak - before[process].peak) >> 20 }
	used := after.since(before)
	r.figure(name, goal, "%s: %.0f rows/s of %.0f bytes, kaskad + %d MB, ClickHouse + %d MB; processors kaskad %s, "+
		"ClickHouse %s", short(took), float64(rows)/took.Seconds(), float64(size)/float64(rows), grew("kaskad"),
		grew("ClickHouse"), short(used["kaskad"].cpu), short(used["ClickHouse"].cpu))
}
