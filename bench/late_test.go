package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// BenchmarkLateReceipts fills a history, lets it settle, and sends receipts of random messages of all of it: hardly two
// of them touch the same hour of the same account. What counts is how far as_of falls behind, and how long reports take
// meanwhile.
func BenchmarkLateReceipts(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		w := newWorld(s.get("MESSAGES", 200_000, 10_000_000), s.get("ACCOUNTS", 10, 100), s.get("HOURS", 48, 720))
		benchLate(b, &s, w, "late-receipts", "Late receipts")
	}
}

// BenchmarkLateSettled is BenchmarkLateReceipts with a keyed store that holds the states of half of the messages.
func BenchmarkLateSettled(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		w := newWorld(s.get("MESSAGES", 200_000, 10_000_000), s.get("ACCOUNTS", 10, 100), s.get("HOURS", 48, 720))
		bytes := s.get("STATE_BYTES", w.messages*75, w.messages*75)
		benchLate(b, &s, w, "late-settled", "Late receipts with half of the states outside of the keyed store",
			"--state-bytes", strconv.Itoa(bytes))
	}
}

// BenchmarkHotHour sends receipts of messages that all lie in one hour of one account.
func BenchmarkHotHour(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		w := newWorld(s.get("MESSAGES", 200_000, 10_000_000), s.get("ACCOUNTS", 1, 1), s.get("HOURS", 1, 1))
		benchLate(b, &s, w, "hot-hour", "Receipts of one hot hour")
	}
}

// BenchmarkManyAccounts sends receipts of messages of many small accounts.
func BenchmarkManyAccounts(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		w := newWorld(s.get("MESSAGES", 100_000, 10_000_000), s.get("ACCOUNTS", 200, 10_000), s.get("HOURS", 3, 24))
		benchLate(b, &s, w, "many-accounts", "Receipts of many accounts")
	}
}

func benchLate(b *testing.B, s *sizes, w world, name, title string, args ...string) {
	rate, lasts := s.get("RATE", 500, 20_000), time.Duration(s.get("SECONDS", 30, 600))*time.Second
	p := startProduct(b, args...)
	r := &row{b: b, Row: Row{Name: name, Title: title, Load: p.load, Sizes: s.named,
		How: "Receipts of random messages of the whole stored history, at a steady rate. The lag is how far `as_of` of " +
			"`/v1/status` is behind the clock, asked four times a second; reports over the whole history are asked one " +
			"after the other. The peer is ClickHouse answering the channel report of all accounts from facts (`FINAL`)."}}
	r.figure("first computation of all hours after the fill", "", "%s", p.fillAndSettle(w))
	r.figure("peer at rest", "", "%s", short(p.fold("", w.start, w.start.Add(w.span()))))
	run := p.late(w, rate, lasts, w.span())
	r.figure("receipts sent", "", "%d at %.0f/s", run.events, float64(run.events)/run.took.Seconds())
	goal := "p99 ≤ 5 s"
	if len(args) > 0 {
		goal = "p99 ≤ 30 s"
	}
	r.figure("as_of lag", goal, "%v, at the end %s", run.lag, short(run.lag[len(run.lag)-1]))
	r.figure("as_of lag grows by", "0", "%+.2f s per second", run.growth)
	r.figure("published after the last receipt", "", "%s", short(run.caughtUp))
	r.figure("processor per receipt, reports included", "", "%s", run.used.perEvent(run.events))
	r.figure("peak memory", "", "%s", run.used.memory())
	for _, report := range reportKinds {
		r.figure(report.name+" at rest", "", "%v", run.rest[report.name])
		r.figure(report.name+" meanwhile", "as at rest", "%v (%d asked)", run.meanwhile[report.name],
			len(run.meanwhile[report.name]))
	}
	r.figure("reports that failed", "0", "%d", run.failed)
	r.publish()
	b.ReportMetric(run.lag.at(0.99).Seconds(), "lag-p99-s")
	b.ReportMetric(run.growth, "lag-growth")
	b.ReportMetric(run.used.micros(run.events), "cpu-µs/receipt")
	b.ReportMetric(0, "ns/op")
}

// fillAndSettle fills the world into facts and says how long it took to publish all of it.
func (p *product) fillAndSettle(w world) string {
	p.b.Helper()
	p.putTariffs(w) // which takes minutes with many accounts, and hours are computed as soon as they are there
	began := time.Now()
	w.fill(p.b, p.conn)
	filled := time.Since(began)
	took := p.settle()
	text := fmt.Sprintf("%s (filled in %s)", short(took), short(filled))
	fmt.Printf("%d messages of %d accounts, %d hours: %s\n", w.messages, w.accounts, w.hours, text)
	return text
}

// reportKind is a question that is asked again and again, each time of a random account where it is about one.
type reportKind struct {
	name, path string
	account    bool
}

var reportKinds = []reportKind{
	{"channel report, all accounts", "/v1/reports/channels?group_by=channel", false},
	{"channel report, one account", "/v1/reports/channels?group_by=channel", true},
	{"savings report, one account", "/v1/reports/savings?group_by=", true},
}

// ask asks one report over the whole world.
func (p *product) ask(ctx context.Context, w world, kind reportKind, random *rand.Rand) (time.Duration, error) {
	more := url.Values{"from": {w.start.UTC().Format(time.RFC3339)},
		"to": {w.start.Add(w.span()).UTC().Format(time.RFC3339)}}
	if kind.account {
		more.Set("account", fmt.Sprintf("tenant-%d", random.IntN(w.accounts)))
	}
	_, took, err := p.call(ctx, http.MethodGet, kind.path+"&"+more.Encode(), "", nil)
	return took, err
}

// lateRun is what a run of late receipts showed.
type lateRun struct {
	events          int64
	took            time.Duration // of sending
	lag             times
	growth          float64 // of the lag, seconds in a second
	caughtUp        time.Duration
	used            usage // until everything was published
	rest, meanwhile map[string]times
	failed          int // of the reports, whose times count
}

// note counts a report that failed and says why the first one did.
func (r *lateRun) note(err error) {
	if err == nil {
		return
	}
	if r.failed++; r.failed == 1 {
		fmt.Println("a report failed:", err)
	}
}

// late sends receipts of messages of the last `back` of the history for as long as `lasts`, watches, and waits until
// all of them are published.
func (p *product) late(w world, rate int, lasts, back time.Duration) lateRun {
	p.b.Helper()
	run := lateRun{rest: map[string]times{}, meanwhile: map[string]times{}}
	random := rand.New(rand.NewPCG(w.seed, 1))
	for range 10 {
		for _, kind := range reportKinds {
			took, err := p.ask(p.b.Context(), w, kind, random)
			run.note(err)
			run.rest[kind.name] = append(run.rest[kind.name], took)
		}
	}
	before := measure("kaskad", p.pid)
	ctx, stop := context.WithCancel(p.b.Context())
	var watchers sync.WaitGroup
	watchers.Go(func() { run.growth, run.lag = p.watchLag(ctx) })
	watchers.Go(func() {
		for asked := rand.New(rand.NewPCG(w.seed, 2)); ; {
			for _, kind := range reportKinds {
				took, err := p.ask(ctx, w, kind, asked)
				if ctx.Err() != nil {
					return
				}
				run.note(err)
				run.meanwhile[kind.name] = append(run.meanwhile[kind.name], took)
				pause(ctx, 200*time.Millisecond)
			}
		}
	})
	began := time.Now()
	run.events = send(p, rate, lasts, func(now time.Time) (key, line []byte) { return w.receipt(random, back, now) })
	run.took = time.Since(began)
	stop()
	watchers.Wait()
	run.caughtUp = p.settle()
	run.used = measure("kaskad", p.pid).since(before)
	return run
}

// watchLag asks for the lag of as_of until the context ends, and says how fast it grew: the mean of the last quarter of
// the time, less that of the first, by the time between their middles.
func (p *product) watchLag(ctx context.Context) (growth float64, lag times) {
	began := time.Now()
	var asOf time.Time // a status that does not come leaves it as it was
	for ctx.Err() == nil {
		var s status
		if p.tryStatus(ctx, &s) && s.AsOf != nil {
			asOf = *s.AsOf
		}
		if !asOf.IsZero() {
			lag = append(lag, time.Since(asOf))
		}
		pause(ctx, 250*time.Millisecond)
	}
	quarter := max(len(lag)/4, 1)
	if len(lag) > quarter {
		growth = (lag[len(lag)-quarter:].mean() - lag[:quarter].mean()).Seconds() /
			(time.Since(began).Seconds() * 3 / 4)
	}
	return growth, lag
}

// send produces lines to the topic at a steady rate, as far as the topic takes them, and returns how many.
func send(p *product, rate int, lasts time.Duration, next func(now time.Time) (key, line []byte)) (sent int64) {
	p.b.Helper()
	const batches = 20 // in a second
	tick := time.NewTicker(time.Second / batches)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < lasts; <-tick.C {
		due := int64(min(time.Since(began)+time.Second/batches, lasts).Seconds() * float64(rate))
		var keys, lines [][]byte
		for now := time.Now(); sent+int64(len(keys)) < due; {
			key, line := next(now)
			keys, lines = append(keys, key), append(lines, line)
		}
		if len(keys) == 0 {
			continue
		}
		if err := p.producer.Produce(p.b.Context(), keys, lines); err != nil {
			p.b.Error(err)
			return sent
		}
		sent += int64(len(keys))
	}
	return sent
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
