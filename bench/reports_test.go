package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"
	"time"
)

// BenchmarkReports asks reports one after the other of a settled history: once each after a start of the program, when
// nothing is remembered, and again. One account's history is large, as one big tenant's is.
func BenchmarkReports(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		w := newWorld(s.get("MESSAGES", 200_000, 20_000_000), s.get("ACCOUNTS", 1, 1), s.get("HOURS", 72, 720))
		p := startProduct(b)
		r := &row{b: b, Row: Row{Name: "reports", Title: "Reports at rest", Load: p.load, Sizes: s.named,
			How: "Each question is asked right after a start of the program (three starts), and 20 times again. The " +
				"peer " +
				"is ClickHouse answering a channel report from facts (`FINAL`)."}}
		r.figure("first computation of all hours after the fill", "", "%s", p.fillAndSettle(w))
		goals := map[string]string{"channel report": "≤ 50 ms all accounts, ≤ 30 ms one account's month on 20 M",
			"savings report": "≤ 100 ms first, ≤ 10 ms again"}
		peer := p.fold("", w.start, w.start.Add(w.span()))
		r.figure("peer: the channel report from facts", "", "%s", short(peer))
		first, again := map[string]times{}, map[string]times{}
		questions := []reportKind{{"channel report", "/v1/reports/channels?group_by=channel", false},
			{"channel report by day and campaign", "/v1/reports/channels?group_by=day,campaign&limit=10000", false},
			{"savings report", "/v1/reports/savings?group_by=", true},
			{"savings report by day", "/v1/reports/savings?group_by=day", true},
			{"spend report", "/v1/reports/spend?group_by=", true},
			{"failures report", "/v1/reports/failures?group_by=channel", false}}
		random := rand.New(rand.NewPCG(w.seed, 3))
		for range 3 {
			p.stop()
			p.start()
			p.settle()
			for _, q := range questions {
				first[q.name] = append(first[q.name], p.mustAsk(w, q, random))
			}
		}
		for range 20 {
			for _, q := range questions {
				again[q.name] = append(again[q.name], p.mustAsk(w, q, random))
			}
		}
		for _, q := range questions {
			r.figure(q.name, goals[q.name], "first %s, again %v, the peer takes %.1f × that",
				short(first[q.name].at(0.5)),
				again[q.name], peer.Seconds()/again[q.name].at(0.5).Seconds())
		}
		r.diskFigures(p)
		r.publish()
		b.ReportMetric(float64(again["channel report"].at(0.5).Milliseconds()), "channels-ms")
		b.ReportMetric(float64(first["savings report"].at(0.5).Milliseconds()), "savings-first-ms")
		b.ReportMetric(0, "ns/op")
	}
}

func (p *product) mustAsk(w world, q reportKind, random *rand.Rand) time.Duration {
	p.b.Helper()
	took, err := p.ask(p.b.Context(), w, q, random)
	if err != nil {
		p.b.Fatal(err)
	}
	return took
}

// BenchmarkMixed has many people ask at a steady rate while events come in: 40 % savings, 40 % channels, 20 % spend, of
// the last 30 days of one account at random.
func BenchmarkMixed(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		w := newWorld(s.get("MESSAGES", 200_000, 100_000_000), s.get("ACCOUNTS", 10, 100), s.get("HOURS", 48, 720))
		asks, rate := s.get("REQUESTS", 5, 50), s.get("RATE", 200, 10_000)
		lasts := time.Duration(s.get("SECONDS", 30, 120)) * time.Second
		p := startProduct(b)
		r := &row{b: b, Row: Row{Name: "mixed", Title: "Reports while events come in", Load: p.load, Sizes: s.named,
			How: "Questions come at a steady rate whether or not earlier ones are answered, and the time of each " +
				"counts " +
				"from when it was due. Events are of new messages. The peer is ClickHouse answering the channel " +
				"report of " +
				"one account from facts (`FINAL`)."}}
		r.figure("first computation of all hours after the fill", "", "%s", p.fillAndSettle(w))
		peer := p.fold("tenant-0", w.start, w.start.Add(w.span()))
		rest := p.askMixed(w, asks, min(lasts, 10*time.Second))
		r.figure("all questions, at rest", "the peer takes 100 ×", "%v, the peer takes %.1f × the median", rest.all(),
			peer.Seconds()/rest.all().at(0.5).Seconds())
		ctx, stop := context.WithCancel(b.Context())
		var watcher sync.WaitGroup
		var lag times
		watcher.Go(func() { _, lag = p.watchLag(ctx) })
		var busy mixedTimes
		watcher.Go(func() { busy = p.askMixed(w, asks, lasts) })
		before := measure("kaskad", p.pid)
		events := send(p, rate, lasts, newFresh(w, 7).next)
		used := measure("kaskad", p.pid).since(before)
		stop()
		watcher.Wait()
		r.figure("events meanwhile", "", "%d, %s of processor for each, questions included", events,
			used.perEvent(events))
		r.figure("as_of lag meanwhile", "p99 ≤ 3 s", "%v", lag)
		all := busy.all()
		r.figure("all questions, meanwhile", "p99 ≤ 50 ms", "%v, %.1f answered a second", all,
			float64(len(all))/lasts.Seconds())
		for _, name := range []string{"savings", "channels", "spend"} {
			r.figure(name+", meanwhile", "", "%v", busy[name])
		}
		r.figure("questions that failed", "0", "%d of %d", len(busy[failed]), len(all))
		r.publish()
		b.ReportMetric(float64(all.at(0.99).Milliseconds()), "p99-ms")
		b.ReportMetric(float64(rest.all().at(0.99).Milliseconds()), "rest-p99-ms")
		b.ReportMetric(0, "ns/op")
	}
}

// mixedTimes are how long answers took, by report, and once more under failed where there was none.
type mixedTimes map[string]times

const failed = "failed"

func (m mixedTimes) all() (all times) {
	for name, some := range m {
		if name != failed {
			all = append(all, some...)
		}
	}
	return all
}

// askMixed asks so many questions a second, each in its own time. It waits for the last answer.
func (p *product) askMixed(w world, perSecond int, lasts time.Duration) mixedTimes {
	random := rand.New(rand.NewPCG(w.seed, 4))
	took := mixedTimes{}
	var mu sync.Mutex
	var asking sync.WaitGroup
	from, to := time.Now().AddDate(0, 0, -30).Truncate(24*time.Hour),
		time.Now().Add(24*time.Hour).Truncate(24*time.Hour)
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < lasts; {
		due := <-tick.C
		name := "spend"
		if draw := random.IntN(10); draw < 4 {
			name = "savings"
		} else if draw < 8 {
			name = "channels"
		}
		path := "/v1/reports/" + name + "?" + url.Values{"account": {fmt.Sprintf("tenant-%d", random.IntN(w.accounts))},
			"from": {from.UTC().Format(time.DateOnly)}, "to": {to.UTC().Format(time.DateOnly)}}.Encode()
		asking.Go(func() {
			_, _, err := p.call(p.b.Context(), "GET", path, "", nil)
			mu.Lock()
			defer mu.Unlock()
			took[name] = append(took[name], time.Since(due))
			if err != nil {
				took[failed] = append(took[failed], time.Since(due))
			}
		})
	}
	asking.Wait()
	return took
}
