package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"
)

// fresh makes the events of new messages, as they come in during a day: accepted, sent, delivered and read, each of the
// four at the time when it is asked for.
type fresh struct {
	w      world
	random *rand.Rand
	open   []freshMessage
}

type freshMessage struct {
	account, id, recipient, campaign string
	at                               time.Time
	said                             int // of the statuses
}

func newFresh(w world, seed uint64) *fresh {
	return &fresh{w: w, random: rand.New(rand.NewPCG(w.seed, seed))}
}

// next is the next event: of an open message at random, so that they overlap, or the first of a new one.
func (f *fresh) next(now time.Time) (key, line []byte) {
	statuses := [...]string{"accepted", "sent", "delivered", "read"}
	const overlap = 200
	if len(f.open) < overlap {
		f.open = append(f.open, f.message(now, fmt.Sprintf("campaign-%d", f.random.IntN(20))))
	}
	i := f.random.IntN(len(f.open))
	m := &f.open[i]
	key, line = m.event(statuses[m.said], now)
	if m.said++; m.said == len(statuses) {
		f.open[i] = f.open[len(f.open)-1]
		f.open = f.open[:len(f.open)-1]
	}
	return key, line
}

// message is a new message of now.
func (f *fresh) message(now time.Time, campaign string) freshMessage {
	clock := hexBytes(uint64(now.UnixMilli()))
	return freshMessage{account: fmt.Sprintf("tenant-%d", f.random.IntN(f.w.accounts)), at: now, campaign: campaign,
		id: fmt.Sprintf("%s-%s-7%03x-8%03x-%012x", clock[:8], clock[8:], f.random.IntN(4096), f.random.IntN(4096),
			f.random.Uint64N(1<<48)),
		recipient: fmt.Sprintf("+79%09d", f.random.IntN(f.w.people))}
}

func (m *freshMessage) event(status string, now time.Time) (key, line []byte) {
	return fmt.Appendf(nil, "%s\x00%s", m.account, m.id),
		fmt.Appendf(nil, `{"account":%q,"message_id":%q,"submitted_at":%q,"channel":"viber","provider":"viber-bsp",`+
			`"status":%q,"occurred_at":%q,"recipient":%q,"campaign":%q,"traffic":"promo","sms_segments":1}`, m.account,
			m.id, rfc3339(m.at), status, rfc3339(now), m.recipient, m.campaign)
}

func rfc3339(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// BenchmarkFreshness sends single events under a campaign of their own and asks the channel report of that campaign
// until it shows them: half of them by POST, half to the topic. First at rest, then while others come in.
func BenchmarkFreshness(b *testing.B) {
	for b.Loop() {
		s := sizes{b: b}
		w := newWorld(s.get("MESSAGES", 50_000, 10_000_000), s.get("ACCOUNTS", 5, 100), s.get("HOURS", 24, 720))
		rate, probes := s.get("RATE", 500, 20_000), s.get("PROBES", 20, 200)
		p := startProduct(b)
		r := &row{b: b, Row: Row{Name: "freshness", Title: "From an event to its report", Load: p.load, Sizes: s.named,
			How: "From before the event is sent until the answer of a report shows it; the report is asked every 25 " +
				"ms. " +
				"Half of the events go by `POST /v1/events`, half to the topic."}}
		r.figure("first computation of all hours after the fill", "", "%s", p.fillAndSettle(w))
		posted, produced := p.probe(w, probes)
		r.figure("POST to report, at rest", "p50 ≤ 1 s, p99 ≤ 3 s", "%v", posted)
		r.figure("topic to report, at rest", "p50 ≤ 1 s, p99 ≤ 3 s", "%v", produced)
		ctx, stop := context.WithCancel(b.Context())
		var background sync.WaitGroup
		var sent int64
		began := time.Now()
		background.Go(func() {
			next := newFresh(w, 8).next
			for ctx.Err() == nil {
				sent += send(p, rate, time.Second, next)
			}
		})
		pause(ctx, 5*time.Second) // until the load is steady
		posted, produced = p.probe(w, probes)
		stop()
		background.Wait()
		r.figure("load meanwhile", "", "%.0f events/s of new messages", float64(sent)/time.Since(began).Seconds())
		r.figure("POST to report, under load", "p50 ≤ 1 s, p99 ≤ 3 s", "%v", posted)
		r.figure("topic to report, under load", "p50 ≤ 1 s, p99 ≤ 3 s", "%v", produced)
		r.publish()
		b.ReportMetric(produced.at(0.5).Seconds(), "load-p50-s")
		b.ReportMetric(produced.at(0.99).Seconds(), "load-p99-s")
		b.ReportMetric(0, "ns/op")
	}
}

// probe sends so many events, one after the other, and waits for each to be in its report.
func (p *product) probe(w world, probes int) (posted, produced times) {
	p.b.Helper()
	f := newFresh(w, uint64(time.Now().UnixNano()))
	for i := range probes {
		campaign := fmt.Sprintf("probe-%d", time.Now().UnixNano())
		began := time.Now()
		m := f.message(began, campaign)
		key, line := m.event("delivered", began)
		var err error
		if i%2 == 0 {
			_, _, err = p.call(p.b.Context(), http.MethodPost, "/v1/events", "application/x-ndjson", append(line, '\n'))
		} else {
			err = p.producer.Produce(p.b.Context(), [][]byte{key}, [][]byte{line})
		}
		if err != nil {
			p.b.Fatal(err)
		}
		path := "/v1/reports/channels?" + url.Values{"campaign": {campaign}, "group_by": {"channel"},
			"account": {m.account}, "from": {rfc3339(began.Add(-time.Hour).Truncate(time.Hour))},
			"to": {rfc3339(began.Add(2 * time.Hour).Truncate(time.Hour))}}.Encode()
		p.await("an event in its report", 30*time.Minute, 25*time.Millisecond, func() bool {
			answer, _, err := p.call(p.b.Context(), http.MethodGet, path, "", nil)
			if err != nil {
				p.b.Fatal(err)
			}
			return bytes.Contains(answer, []byte(`"delivered":1`))
		})
		if took := time.Since(began); i%2 == 0 {
			posted = append(posted, took)
		} else {
			produced = append(produced, took)
		}
	}
	return posted, produced
}
