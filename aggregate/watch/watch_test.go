package watch

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
	"kaskad/schema/schematest"
)

// alertRig is a database with cells of hours, and a clock that goes on.
type alertRig struct {
	t    *testing.T
	conn driver.Conn
	now  atomic.Int64
	ends atomic.Int64
	lag  atomic.Int64
	asOf atomic.Int64
	step func(string)
	// streaming: editions follow each other. lost: another aggregator has the work after the first part.
	streaming, lost bool
	asked           uint64 // for takeovers
}

// alertNow is a Friday, 45 minutes after an hour whose messages are then old enough.
var alertNow = time.Date(2026, 11, 20, 12, 45, 0, 0, time.UTC)

func newAlertRig(t *testing.T) *alertRig {
	r := &alertRig{t: t, conn: schematest.Conn(t), step: func(string) {}}
	r.now.Store(alertNow.UnixMilli())
	return r
}

// watcher is that of a new process.
func (r *alertRig) watcher() *Watcher {
	begun := r.now.Load()
	r.now.Store(begun - 1) // so that the clock has gone on
	stream := func(context.Context) (ends, lags map[int]int64, err error) {
		return map[int]int64{0: r.ends.Load()}, map[int]int64{0: r.lag.Load()}, nil
	}
	w := New(Config{Now: func() time.Time { return time.UnixMilli(r.now.Load()) },
		OnStep: func(step string) { r.step(step) }}, r.deps(stream))
	r.now.Store(begun)
	return w
}

func (r *alertRig) deps(stream func(context.Context) (ends, lags map[int]int64, err error)) Deps {
	return Deps{Conn: r.conn, AsOf: r.asOf.Load, Stream: stream, Stored: func() {},
		Streaming: func() bool { return r.streaming }, Takeovers: r.takeovers,
		Logger: slog.New(slog.DiscardHandler)}
}

// takeovers says at its second question, which comes after the first part, that the work was lost.
func (r *alertRig) takeovers() uint64 {
	if r.lost {
		r.asked++
	}
	return r.asked / 3
}

// turn takes a turn when everything stored up to now is published.
func (r *alertRig) turn(w *Watcher) {
	r.t.Helper()
	r.asOf.Store(r.now.Load())
	if _, err := w.Turn(r.t.Context(), true); err != nil {
		r.t.Fatal(err)
	}
}

// dieOnceStored has a process die when it has stored alerts, before it knows.
func (r *alertRig) dieOnceStored() {
	r.t.Helper()
	const died = "killed"
	r.step = func(step string) {
		if step == "alerted" {
			panic(died)
		}
	}
	defer func() {
		if got := recover(); got != died {
			r.t.Errorf("it did not die: %v", got)
		}
		r.step = func(string) {}
	}()
	dying := r.watcher()
	r.turn(dying)
	r.turn(dying)
}

// fill makes 20 days of hours up to one (whole hours since 1970), of which those from fallen on were delivered half.
func (r *alertRig) fill(account string, last, fallen int64) {
	r.t.Helper()
	batch, err := r.conn.PrepareBatch(r.t.Context(), "INSERT INTO rollup_attempts (account, kind, day, edition, bucket, "+
		"cohort, channel, provider, step, attempted, sent, delivered, timed, to_deliver)")
	if err != nil {
		r.t.Fatal(err)
	}
	for hour := last - 20*24; hour <= last; hour++ {
		n := 1000 + hour*7919%100
		delivered := n * 9 / 10
		if hour >= fallen {
			delivered = n / 2
		}
		at := time.Unix(hour*3600, 0).UTC()
		if err := batch.Append(account, "difference", at, uint64(1), at, at, "sms", "mts", uint8(1), n, n, delivered, n,
			map[uint16]uint64{schema.LatencyCell(4000): uint64(delivered)}); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		r.t.Fatal(err)
	}
	if err := r.conn.Exec(r.t.Context(), "INSERT INTO editions (edition, published) VALUES (1, true)"); err != nil {
		r.t.Fatal(err)
	}
}

// stored are the rows of alerts.
func (r *alertRig) stored() (all []string) {
	r.t.Helper()
	rows, err := r.conn.Query(r.t.Context(), "SELECT concat(account, ' ', rule, ' ', id, ' ', ended) FROM alert_events ORDER BY seq")
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			r.t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

func (r *alertRig) want(what string, patterns ...string) {
	r.t.Helper()
	got := r.stored()
	if len(got) != len(patterns) {
		r.t.Fatalf("%s: %q, want %q", what, got, patterns)
	}
	for _, p := range slices.Backward(patterns) { // what has an end matches fewer
		before, after, _ := strings.Cut(p, "…")
		i := slices.IndexFunc(got, func(s string) bool {
			return strings.HasPrefix(s, before) && strings.HasSuffix(s, after)
		})
		if i < 0 {
			r.t.Fatalf("%s: %q, want %q", what, got, p)
		}
		got = slices.Delete(got, i, i+1)
	}
}

func hourOf(at time.Time) int64 { return at.Unix() / 3600 }

// By the rules by default a fall begins one alert, whoever judges the hour again and whatever dies, and its end ends
// it.
func TestAlerts_Turn_BeginsAndEndsOnce(t *testing.T) {
	r := newAlertRig(t)
	fell := hourOf(alertNow) - 1
	r.fill("acme", fell, fell)
	r.fill("calm", fell, fell+1)
	r.dieOnceStored()
	r.want("it died when it was stored", "acme delivery … ")
	w := r.watcher()
	for range 3 {
		r.turn(w)
	}
	r.want("the same hour again", "acme delivery … ")
	id := strings.Fields(r.stored()[0])[2]
	// Another process that had not stored it would find the same.
	if err := r.conn.Exec(t.Context(), "TRUNCATE TABLE alert_events"); err != nil {
		t.Fatal(err)
	}
	w = r.watcher()
	r.turn(w)
	r.want("found anew", "acme delivery "+id+" …")
	// Three good hours later it is over.
	for range 3 {
		r.now.Add(3600_000)
		hour := r.now.Load()/3600_000 - 1
		if err := r.conn.Exec(t.Context(), fmt.Sprintf("INSERT INTO rollup_attempts (account, kind, day, edition, bucket, cohort, channel, provider, "+
			"step, attempted, sent, delivered, timed, to_deliver) SELECT account, kind, toDate(%d / 24), edition, %d, %d, channel, provider, step, attempted, "+
			"sent, delivered, timed, to_deliver FROM rollup_attempts WHERE cohort = %d", hour, hour*3600, hour*3600, (fell-24)*3600)); err != nil {
			t.Fatal(err)
		}
		r.turn(w)
		r.turn(w)
	}
	r.want("it is over", "acme delivery "+id+" …", "acme delivery "+id+" recovered")
	events, err := alertlog.Events(t.Context(), r.conn, alertlog.Filter{Limit: 10})
	if err != nil || len(events) != 1 || events[0].Channel != "sms" || events[0].Provider != "mts" ||
		events[0].SinceMS != fell*alert.HourMS || events[0].UntilMS != (fell+1)*alert.HourMS ||
		events[0].Now >= events[0].Low {
		t.Errorf("%+v %v", events, err)
	}
}

// While anything is on its way nothing is judged, however long the reports say that they are fresh; figures that stay
// old are an alert of their own, which ends when they are fresh again.
func TestAlerts_Turn_WaitsForWhatIsOnItsWay(t *testing.T) {
	r := newAlertRig(t)
	last := hourOf(alertNow) - 1
	r.fill("acme", last, last)
	w := r.watcher()
	r.ends.Store(100)
	r.turn(w) // a moment that is settled, at which the hour is not old enough
	r.now.Add(-60_000)
	w = r.watcher()
	r.turn(w)
	if err := r.conn.Exec(t.Context(), "TRUNCATE TABLE alert_events"); err != nil {
		t.Fatal(err)
	}
	r.now.Add(3600_000 - 60_000) // the next hour is not old enough yet
	r.turn(w)
	before := r.stored()
	r.ends.Store(200)
	r.lag.Store(90)
	for range 6 {
		r.now.Add(10 * 60_000)
		r.turn(w)
	}
	var rules []string
	for _, one := range r.stored()[len(before):] {
		rules = append(rules, strings.Fields(one)[1])
	}
	if !slices.Equal(rules, []string{"freshness"}) {
		t.Fatalf("%q after %q", r.stored(), before)
	}
	r.lag.Store(0)
	r.now.Add(1000)
	for range 3 {
		r.turn(w)
	}
	found := r.stored()
	i := slices.IndexFunc(found, func(s string) bool {
		return strings.HasSuffix(s, "freshness "+strings.Fields(found[len(before)])[2]+" recovered")
	})
	// The hour that was waited for has no message at all.
	if i < 0 || !slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, "acme silent ") }) {
		t.Errorf("%q", found)
	}
}

// A clock that stands still, as with --now, has no next hour; and who does not own the work does nothing.
func TestAlerts_Turn_StandingClock(t *testing.T) {
	r := newAlertRig(t)
	last := hourOf(alertNow) - 1
	r.fill("acme", last, last)
	standing := New(Config{Now: func() time.Time { return alertNow }, OnStep: r.step}, r.deps(nil))
	r.turn(standing)
	if _, err := r.watcher().Turn(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	r.want("nothing")
}

// In a stream judging rests between its parts, for two minutes in all at most.
func TestWatcher_RestAfter(t *testing.T) {
	for _, c := range []struct {
		took  time.Duration
		parts int
		want  time.Duration
	}{
		{time.Second, 1, 7 * time.Second},
		{time.Second, 40, 3 * time.Second},
		{time.Minute, 1, 2 * time.Minute},
		{10 * time.Millisecond, 10_000, 12 * time.Millisecond},
	} {
		if got := restAfter(c.took, c.parts); got != c.want {
			t.Errorf("after %v, one of %d: %v, want %v", c.took, c.parts, got, c.want)
		}
	}
}

// Who loses the work in the middle stops there; what is left is judged by whoever has it then.
func TestAlerts_Turn_LosesTheWork(t *testing.T) {
	r := newAlertRig(t)
	last := hourOf(alertNow) - 1
	r.fill("acme", last, last)
	r.streaming, r.lost = true, true
	w := r.watcher()
	r.turn(w)
	r.turn(w)
	if w.states != nil || w.judgedMS != 0 {
		t.Errorf("it judged up to %d without the work", w.judgedMS)
	}
	r.lost = false
	for range 3 {
		r.turn(w)
	}
	r.want("what was left is judged", "acme delivery … ")
}

// A rule that is turned off ends its alerts; accounts have rules of their own, and empty ones watch nothing.
func TestAlerts_Turn_RulesOfAccounts(t *testing.T) {
	r := newAlertRig(t)
	last := hourOf(alertNow) - 1
	put := func(account, body string) {
		t.Helper()
		if _, err := schema.InsertReference(t.Context(), r.conn, schema.ReferenceAlerts, account, "test", 1, []byte(body),
			alertNow); err != nil {
			t.Fatal(err)
		}
	}
	for _, account := range []string{"none", "own", "same"} {
		r.fill(account, last, last)
	}
	put("none", `{"alerts":[],"webhooks":[]}`)
	put("own", `{"alerts":[{"id":"mine","metric":"delivery","by":["provider"],"sensitivity":"low","min_sample":100,`+
		`"after_minutes":15,"send_to":["topic"],"on":true},{"id":"off","metric":"delivery","by":[],`+
		`"sensitivity":"high","min_sample":100,"after_minutes":15,"on":false}],"webhooks":[]}`)
	w := r.watcher()
	r.turn(w)
	r.want("rules of their own", "own mine … ", "same delivery … ")
	events, err := alertlog.Events(t.Context(), r.conn, alertlog.Filter{Accounts: []string{"own"}, Limit: 10})
	if err != nil || len(events) != 1 || events[0].RuleVersion != 2 || !slices.Equal(events[0].SendTo, []string{"topic"}) ||
		events[0].Channel != "" || !slices.Equal(events[0].Keys, []string{"provider"}) {
		t.Errorf("%+v %v", events, err)
	}
	put("own", `{"alerts":[{"id":"mine","metric":"delivery","by":["channel"],"sensitivity":"low","min_sample":100000,`+
		`"after_minutes":15,"send_to":[],"on":true}],"webhooks":[]}`)
	put("same", `{"alerts":[],"webhooks":[]}`)
	r.now.Add(judgeEvery.Milliseconds())
	r.turn(w)
	r.turn(w)
	r.want("rules that changed", "own mine … ", "same delivery … ", "own mine … rule_changed", "same delivery … rule_changed")
}
