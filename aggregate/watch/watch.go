// Package watch judges what accounts watch, beside the passes of the aggregator, and stores the alerts that begin and
// end. Package alert decides; package notify tells.
package watch

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/money/costs"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
	"kaskad/schema/errormap"
)

const (
	// every is how often is looked whether an hour can be judged, and soon how often while what is on its way is
	// waited for.
	every, soon = time.Minute, 2 * time.Second
	// judgeEvery is how often rules are read and hours judged, and staleAfter how old figures are when it is time to
	// say how old they are.
	judgeEvery, staleAfter = 5 * time.Minute, 10 * time.Minute
	// accountsAtOnce is how many accounts are read at a time.
	accountsAtOnce = 20
	// shareOfTime bounds the part of the time that judging takes while editions follow each other: one in
	// shareOfTime+1, unless it would rest for longer than longestRest in all.
	shareOfTime = 7
	longestRest = 2 * time.Minute
)

// Config holds what judging goes by.
type Config struct {
	Now func() time.Time
	// OnStep is called after alerts were stored ("alerted").
	OnStep func(step string)
}

// Deps are what a watcher works with.
type Deps struct {
	Conn driver.Conn
	// AsOf is what the last pass stated, in Unix milliseconds; 0 before the first.
	AsOf func() int64
	// Stream tells of each partition of the stream where it ends and how far ingest is behind that; nil means that
	// nothing is ever on its way.
	Stream func(context.Context) (ends, lags map[int]int64, err error)
	// Streaming reports whether editions follow each other, Takeovers how often another aggregator has had the work.
	Streaming func() bool
	Takeovers func() uint64
	// Stored is called when there are alerts to tell.
	Stored     func()
	Registerer prometheus.Registerer // may be nil
	Logger     *slog.Logger
}

// Watcher judges what accounts watch, beside the passes: each hour once, when its messages are old enough and all that
// was on its way has been published. What it reads grows with the rules and what they tell apart, and not with how long
// there has been something to read.
type Watcher struct {
	cfg     Config
	deps    Deps
	metrics metrics
	reader  *alertlog.Reader
	// began is what the clock of events said at first. One that stands still has no past that goes on: nothing is
	// judged.
	began time.Time
	// states are what rules know, by account and rule; nil until the work is taken over.
	states map[[2]string]*alert.State
	seq    uint64
	// judged is the last hour that a rule was judged at.
	judged map[[2]string]int64
	// settled is the moment up to which all that there was is published, 0 for none yet. mark is one that is to become
	// it: where the stream ended then, and when ingest was seen to have all of that.
	settledMS int64
	mark      *streamMark
	// judgedMS is the settled moment at which was judged last.
	judgedMS int64
}

// streamMark is a moment, and where the stream ended.
type streamMark struct {
	atMS, storedMS int64
	ends           map[int]int64
}

// New returns a watcher that does nothing until its turn.
func New(cfg Config, deps Deps) *Watcher {
	priced := &costs.Reader{Conn: deps.Conn, Broken: func(account string, err error) {
		deps.Logger.Warn("alerts on cost skip an account: its price list cannot be read", "account", account,
			"error", err)
	}}
	return &Watcher{cfg: cfg, deps: deps, metrics: newMetrics(deps.Registerer), began: cfg.Now(),
		reader: &alertlog.Reader{Conn: deps.Conn, Costs: priced.Read,
			Maps: func(ctx context.Context) (*errormap.Maps, error) { return errormap.Read(ctx, deps.Conn) }}}
}

// Turn judges what can be judged, and returns how long to wait.
func (a *Watcher) Turn(ctx context.Context, owned bool) (time.Duration, error) {
	if !owned {
		a.states, a.mark, a.settledMS, a.judgedMS = nil, nil, 0, 0
		return soon, nil
	}
	if a.cfg.Now().Equal(a.began) {
		return soon, nil
	}
	if a.states == nil {
		if err := a.recall(ctx); err != nil {
			return soon, err
		}
	}
	a.findSettled(ctx)
	stale := a.settledMS > 0 && a.cfg.Now().UnixMilli()-a.settledMS >= staleAfter.Milliseconds()
	if stale || a.settledMS/judgeEvery.Milliseconds() != a.judgedMS/judgeEvery.Milliseconds() {
		all, err := a.judge(ctx)
		if !all {
			a.states = nil // what was stored of it is not known
			return soon, err
		}
		a.judgedMS = a.settledMS
	}
	if a.mark != nil && !stale {
		return soon, nil
	}
	return every, nil
}

// recall reads what is open.
func (a *Watcher) recall(ctx context.Context) (err error) {
	since := a.cfg.Now().UnixMilli() - alert.PastHours*alert.HourMS
	states, err := alertlog.States(ctx, a.deps.Conn, since)
	if err != nil {
		return err
	}
	if a.seq, err = alertlog.LastSeq(ctx, a.deps.Conn); err != nil {
		return err
	}
	a.states, a.judged, a.judgedMS = states, map[[2]string]int64{}, 0
	return nil
}

// findSettled finds the moment up to which everything is published: what the stream held then is stored, and what was
// stored by that time is in the figures. Without it, a process that is behind would look like providers that are
// silent.
func (a *Watcher) findSettled(ctx context.Context) {
	nowMS := a.cfg.Now().UnixMilli()
	if a.deps.Stream == nil {
		a.settledMS = max(a.settledMS, a.deps.AsOf())
		return
	}
	if a.mark == nil || a.mark.storedMS == 0 {
		ends, lags, err := a.deps.Stream(ctx)
		switch {
		case err != nil:
			// It is away; a new mark is made when it is back. Meanwhile figures grow old, which is an alert.
			a.deps.Logger.Warn("alerts wait: where the stream ends is unknown", "error", err)
			a.mark = nil
		case a.mark == nil:
			a.mark = &streamMark{atMS: nowMS, ends: maps.Clone(ends)}
		}
		if err == nil && a.mark.reached(ends, lags) {
			a.mark.storedMS = nowMS
		}
	}
	if a.mark != nil && a.mark.storedMS > 0 && a.deps.AsOf() >= a.mark.storedMS {
		a.settledMS, a.mark = a.mark.atMS, nil
	}
}

// reached tells whether ingest has all that there was.
func (m *streamMark) reached(ends, lags map[int]int64) bool {
	for partition, end := range m.ends {
		if ends[partition]-lags[partition] < end {
			return false
		}
	}
	return true
}

// watched is a rule of an account.
type watched struct {
	account string
	version uint64
	rule    *alert.Rule
}

func (w *watched) key() [2]string { return [2]string{w.account, w.rule.ID} }

// judge judges the rules whose next hour can be judged, and reports whether it came to their end.
func (a *Watcher) judge(ctx context.Context) (all bool, err error) {
	began := time.Now()
	accounts, err := a.reader.Accounts(ctx, a.settledMS/alert.HourMS-alert.PastHours)
	if err != nil {
		return false, err
	}
	own, versions, err := alertlog.ReadRules(ctx, a.deps.Conn)
	if err != nil {
		return false, err
	}
	nowMS := a.cfg.Now().UnixMilli()
	var events []alert.Event
	due := map[string][]watched{} // by what is to be read
	for _, account := range accounts {
		rules, known := own[account]
		if !known {
			rules = alert.Default()
		}
		events = append(events, a.gone(account, &rules, nowMS)...)
		for i := range rules.Alerts {
			w := watched{account, versions[account], &rules.Alerts[i]}
			if !w.rule.On {
				continue
			}
			if w.rule.Metric == alert.Freshness {
				events = append(events, w.rule.Limited(account, w.version, a.settledMS, nowMS, a.state(w.key()))...)
				continue
			}
			if last, judged := a.judged[w.key()]; !judged || alertlog.Last(w.rule, a.settledMS) > last {
				what := readAlike(w.rule)
				due[what] = append(due[what], w)
			}
		}
	}
	if err := a.store(ctx, events, nowMS); err != nil {
		return false, err
	}
	var parts [][]watched
	for _, what := range slices.Sorted(maps.Keys(due)) {
		parts = slices.AppendSeq(parts, slices.Chunk(due[what], accountsAtOnce))
	}
	took, takeovers := time.Since(began), a.deps.Takeovers()
	for i, part := range parts {
		if i > 0 {
			a.rest(ctx, restAfter(took/time.Duration(i), len(parts)))
		}
		if ctx.Err() != nil || a.deps.Takeovers() != takeovers {
			return false, ctx.Err()
		}
		began := time.Now()
		if err := a.judgeAlike(ctx, part, nowMS); err != nil {
			return false, err
		}
		took += time.Since(began)
	}
	if len(parts) > 0 {
		a.metrics.seconds.Observe(took.Seconds())
	}
	return true, nil
}

// restAfter is how long judging rests after one of so many parts.
func restAfter(took time.Duration, parts int) time.Duration {
	return min(shareOfTime*took, longestRest/time.Duration(parts))
}

// rest leaves the time to the editions that follow each other.
func (a *Watcher) rest(ctx context.Context, lasts time.Duration) {
	if a.deps.Streaming() {
		select {
		case <-ctx.Done():
		case <-time.After(lasts):
		}
	}
}

// readAlike is the same of rules that read the same.
func readAlike(r *alert.Rule) string {
	alike, err := json.Marshal([]any{r.Metric, r.By, r.Only, r.AfterMinutes})
	if err != nil {
		return r.ID
	}
	return string(alike)
}

// gone ends alerts of rules that are off, or not what they were.
func (a *Watcher) gone(account string, rules *alert.Rules, nowMS int64) (events []alert.Event) {
	for key, state := range a.states {
		if key[0] != account {
			continue
		}
		for _, open := range state.Open {
			if rule, is := rules.Rule(key[1]); !is || !open.IsOf(&rule) {
				open.Changed(nowMS)
				events = append(events, open)
			}
		}
	}
	return events
}

// judgeAlike judges rules that read the same.
func (a *Watcher) judgeAlike(ctx context.Context, part []watched, nowMS int64) error {
	hour := alertlog.Last(part[0].rule, a.settledMS)
	var accounts []string
	for _, w := range part {
		if !slices.Contains(accounts, w.account) {
			accounts = append(accounts, w.account)
		}
	}
	groups, err := a.reader.Read(ctx, alertlog.At(part[0].rule, accounts, hour, a.settledMS))
	if err != nil {
		return err
	}
	var events []alert.Event
	for _, w := range part {
		events = append(events, w.rule.Walk(w.account, w.version, groups[w.account], hour, a.state(w.key()))...)
	}
	if err := a.store(ctx, events, nowMS); err != nil {
		return err
	}
	for _, w := range part {
		a.judged[w.key()] = hour
	}
	return nil
}

func (a *Watcher) state(key [2]string) *alert.State {
	if a.states[key] == nil {
		a.states[key] = alert.NewState()
	}
	return a.states[key]
}

// store stores alerts that begin and end. Should the process die before, they are found again as they are now; after
// it, the next one knows them.
func (a *Watcher) store(ctx context.Context, events []alert.Event, nowMS int64) error {
	if len(events) == 0 {
		return nil
	}
	for i := range events {
		a.seq = max(a.seq+1, uint64(time.Now().UnixMicro()))
		events[i].Seq, events[i].AtMS = a.seq, nowMS
	}
	if err := alertlog.Insert(ctx, a.deps.Conn, events); err != nil {
		return err
	}
	for i := range events {
		e := &events[i]
		a.state([2]string{e.Account, e.Rule}).Note(e)
		change := "began"
		if e.UntilMS != 0 {
			change = "ended"
		}
		a.metrics.alerts.WithLabelValues(string(e.Metric), change).Inc()
	}
	a.deps.Logger.Info("alerts began or ended", "alerts", len(events))
	a.cfg.OnStep("alerted")
	a.deps.Stored()
	return nil
}
