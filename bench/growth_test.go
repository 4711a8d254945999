package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// BenchmarkGrowth sends the same late receipts to a history, and to histories that are twice as large in one way: only
// the number of changed messages may scale what an event costs. The rate is low, so that every version of the program
// keeps up: one that is behind does several events' work at once.
func BenchmarkGrowth(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		messages, accounts, hours := s.get("MESSAGES", 50_000, 5_000_000), s.get("ACCOUNTS", 4, 50),
			s.get("HOURS", 24, 360)
		rate, lasts := s.get("RATE", 20, 2_000), time.Duration(s.get("SECONDS", 20, 120))*time.Second
		r := &row{b: b, Row: Row{Name: "growth", Title: "How cost grows", Load: LoadAverage(), Sizes: s.named,
			How: "Late receipts at a low, steady rate on a history, and on one that is twice as large in one way. " +
				"Processor " +
				"time is that of the whole process tree, less what it takes at rest; a pass is one of the aggregator."}}
		base := newWorld(messages, accounts, hours)
		var first cost
		for _, way := range []struct {
			name, metric string
			world        world
			back         time.Duration
		}{
			{"base", "base", base, base.span()},
			{"twice the stored history", "history", newWorld(2*messages, accounts, hours), base.span()},
			{"twice the tenants", "tenants", newWorld(messages, 2*accounts, hours), base.span()},
			{"twice the hours and the lateness", "hours", newWorld(messages, accounts, 2*hours), 2 * base.span()},
			{"twice the hours, lateness as before", "early", newWorld(messages, accounts, 2*hours), base.span()},
		} {
			c := costOf(b, way.world, way.back, rate, lasts)
			if way.name == "base" {
				first = c
				r.figure("base", "", "%.0f µs of processor per receipt, %.0f ms a pass (%d receipts, %d passes)",
					c.perEvent,
					c.perPass, c.events, c.passes)
				continue
			}
			r.figure(way.name, "≤ 1.15 ×", "per receipt %.2f × (%.0f µs), per pass %.2f × (%.0f ms)",
				c.perEvent/first.perEvent, c.perEvent, c.perPass/first.perPass, c.perPass)
			b.ReportMetric(c.perEvent/first.perEvent, way.metric+"-x")
		}
		r.publish()
		b.ReportMetric(0, "ns/op")
	}
}

// cost is what late receipts cost on a history.
type cost struct {
	events            int64
	passes            int
	perEvent, perPass float64 // µs of processor, ms of time
}

// costOf starts a program, fills the history, and sends receipts of messages of the last `back` of it.
func costOf(b *testing.B, w world, back time.Duration, rate int, lasts time.Duration) (c cost) {
	b.Helper()
	p := startProduct(b)
	defer p.stop()
	p.fillAndSettle(w)
	pause(b.Context(), 5*time.Second)
	const rest = 5 * time.Second
	idle := p.uses(rest).total().Seconds() / rest.Seconds()
	random := rand.New(rand.NewPCG(w.seed, 6))
	passes, seconds := p.passes()
	before, began := measure("kaskad", p.pid), time.Now()
	c.events = send(p, rate, lasts, func(now time.Time) (key, line []byte) { return w.receipt(random, back, now) })
	p.settle()
	used := measure("kaskad", p.pid).since(before).total()
	used -= time.Duration(idle * float64(time.Since(began)))
	passesAfter, secondsAfter := p.passes()
	c.passes = passesAfter - passes
	c.perEvent = float64(used.Microseconds()) / float64(c.events)
	c.perPass = 1e3 * (secondsAfter - seconds) / float64(max(c.passes, 1))
	return c
}

// passMetric finds the sum and the count of the aggregator's passes in /metrics.
var passMetric = regexp.MustCompile(`(?m)^kaskad_aggregate_pass_seconds_(sum|count) (\S+)$`)

// passes are how many passes the aggregator has made, and how long they took together.
func (p *product) passes() (count int, seconds float64) {
	p.b.Helper()
	text, _, err := p.call(context.WithoutCancel(p.b.Context()), http.MethodGet, "/metrics", "", nil)
	if err != nil {
		p.b.Fatal(err)
	}
	for _, m := range passMetric.FindAllSubmatch(text, -1) {
		value, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			p.b.Fatal(fmt.Errorf("read /metrics: %w", err))
		}
		if string(m[1]) == "sum" {
			seconds = value
		} else {
			count = int(value)
		}
	}
	return count, seconds
}
