package bench

import (
	_ "embed"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

var (
	//go:embed sql/dead.sql
	deadSQL string
	//go:embed sql/people.sql
	peopleSQL string
)

// BenchmarkPenetration asks which channels reach the people of a settled history.
func BenchmarkPenetration(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		w := newWorld(s.get("MESSAGES", 200_000, 3_500_000), s.get("ACCOUNTS", 2, 2), s.get("HOURS", 48, 720))
		w.people = s.get("PEOPLE", w.people, w.people)
		p := startProduct(b)
		r := &row{b: b, Row: Row{Name: "penetration", Title: "Penetration", Load: p.load, Sizes: s.named,
			How: "The report over all accounts, first after a start of the program and again. The peer counts distinct " +
				"addresses by channel from facts (`FINAL`). Cut by traffic it is computed from attempts, as all of it was " +
				"before there were counts of people."}}
		r.figure("first computation of all hours after the fill", "", "%s", p.fillAndSettle(w))
		peer := p.drain(peopleSQL)
		p.stop()
		p.start()
		p.settle()
		kind := reportKind{"penetration", "/v1/reports/penetration?group_by=channel", false}
		random := rand.New(rand.NewPCG(w.seed, 5))
		first := p.mustAsk(w, kind, random)
		ask := func(kind reportKind, n int) (took times, cpu time.Duration) {
			before := measure("kaskad", p.pid)
			for range n {
				took = append(took, p.mustAsk(w, kind, random))
			}
			return took, measure("kaskad", p.pid).since(before).total() / time.Duration(n)
		}
		again, cpu := ask(kind, 5)
		kind.path += ",traffic"
		attempts, attemptsCPU := ask(kind, 2)
		r.figure("by channel", "≤ 0.5 s on 4.6 M attempts; ≤ 10 s on 50 M people",
			"first %s, again %v, %.1f × the peer's %s",
			short(first), again, first.Seconds()/peer.Seconds(), short(peer))
		r.figure("processors for one, all processes", "", "%s", short(cpu))
		r.figure("by channel and traffic, from attempts", "", "%v, processors %s, %.1f × that from counts", attempts,
			short(attemptsCPU), attemptsCPU.Seconds()/cpu.Seconds())
		r.publish()
		b.ReportMetric(float64(first.Milliseconds()), "first-ms")
		b.ReportMetric(first.Seconds()/peer.Seconds(), "x-peer")
		b.ReportMetric(0, "ns/op")
	}
}

// BenchmarkDeadNumbers exports dead numbers as Arrow over HTTP. The peer is a client of ClickHouse that reads all
// columns of the same rows and does nothing with them.
func BenchmarkDeadNumbers(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		numbers := s.get("NUMBERS", 500_000, 5_000_000)
		p := startProduct(b)
		r := &row{b: b, Row: Row{Name: "dead-numbers", Title: "Dead numbers as Arrow", Load: p.load, Sizes: s.named,
			How: "`GET /v1/numbers/dead?format=arrow&limit=all`, client and servers on the same machine. The peer " +
				"reads " +
				"all columns of the same verdicts from ClickHouse and does nothing with them."}}
		p.putTariffs(world{accounts: 1})
		p.insertDead("dead", numbers)
		var peer, took times
		before := measure("kaskad", p.pid)
		var bytes int64
		for range 3 {
			peer = append(peer, p.drain("SELECT * FROM number_health FINAL WHERE account = 'dead' AND state = 'dead'"))
			began := time.Now()
			bytes = p.download("/v1/numbers/dead?account=dead&limit=all&format=arrow")
			took = append(took, time.Since(began))
		}
		after := measure("kaskad", p.pid)
		p.mustHaveDead("dead", numbers)
		rate := float64(numbers) / took.at(0.5).Seconds()
		r.figure("rate", "≥ 1 M/s", "%.0f numbers/s, %.2f of the peer's %.0f; %.0f bytes each", rate,
			peer.at(0.5).Seconds()/took.at(0.5).Seconds(), float64(numbers)/peer.at(0.5).Seconds(),
			float64(bytes)/float64(numbers))
		r.figure("peak memory before", "", "%s", before.memory())
		r.figure("peak memory after", "the same for any number", "%s", after.memory())
		r.publish()
		b.ReportMetric(rate, "numbers/s")
		b.ReportMetric(peer.at(0.5).Seconds()/took.at(0.5).Seconds(), "of-peer")
		b.ReportMetric(0, "ns/op")
	}
}

func (p *product) insertDead(account string, numbers int) {
	p.b.Helper()
	ctx := clickhouse.Context(p.b.Context(),
		clickhouse.WithParameters(clickhouse.Parameters{"account": account, "numbers": fmt.Sprint(numbers)}))
	for _, statement := range []string{"INSERT INTO legs (account, leg, channel, provider, operator, country) SELECT " +
		"{account:String}, number, 'sms', concat('p', toString(number)), '', 'RU' FROM numbers(100)", deadSQL} {
		if err := p.conn.Exec(ctx, statement); err != nil {
			p.b.Fatal(err)
		}
	}
}

// mustHaveDead fails where the aggregator has taken numbers away: what was measured was another list then.
func (p *product) mustHaveDead(account string, numbers int) {
	p.b.Helper()
	var n uint64
	err := p.conn.QueryRow(p.b.Context(), "SELECT count() FROM number_health FINAL WHERE account = $1 AND state = 'dead'",
		account).Scan(&n)
	if err != nil || n != uint64(numbers) {
		p.b.Fatalf("%d numbers of account %s are dead, want %d: %v", n, account, numbers, err)
	}
}

// download reads an answer to its end and keeps nothing of it.
func (p *product) download(path string) int64 {
	p.b.Helper()
	response, err := http.Get("http://" + p.address + path)
	if err != nil {
		p.b.Fatal(err)
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		p.b.Fatalf("GET %s: %s after %d bytes, %v", path, response.Status, n, err)
	}
	return n
}
