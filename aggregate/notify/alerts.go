package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"kaskad/schema"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
)

const (
	// atOnce is how many receivers of alerts are told at a time: one that is slow holds the others up little.
	atOnce = 8
	// giveUpAfter is how long a receiver is tried: who hears days later that something was wrong is helped no more.
	giveUpAfter = 3 * 24 * time.Hour
	// alertsLongestRetry is the longest wait between two tries.
	alertsLongestRetry = 5 * time.Minute
	// rereadEvery is how often is looked for alerts that nobody has woken this process for.
	rereadEvery = time.Minute
)

// The outcomes of telling an alert, as table alert_told has them.
const (
	outcomeTold       = "told"
	outcomeGone       = "gone"        // the webhook answered 410
	outcomeGaveUp     = "gave_up"     // it did not acknowledge for giveUpAfter
	outcomeNoReceiver = "no_receiver" // the webhook was taken away, or there is no topic
)

// Teller tells receivers of alerts that began and ended. Each gets every one at least once, under an id that stays the
// same, and in their order; receivers do not wait for each other.
type Teller struct {
	conn    driver.Conn
	produce func(ctx context.Context, keys, values [][]byte) error
	log     *slog.Logger
	metrics tellMetrics
	onStep  func(string)
	woken   chan struct{}
	// lines are what is to be told, nil until the work is taken over.
	lines  map[alertlog.Receiver]*line
	reread time.Time
}

// line is what one receiver is to be told.
type line struct {
	events    []alert.Event
	tries     int
	restUntil time.Time
	retries   *backoff.ExponentialBackOff
}

type tellMetrics struct {
	told, failures *prometheus.CounterVec
	untold         prometheus.Gauge
}

// NewTeller returns one that does nothing until its turns. produce writes to the topic of alerts; nil means that there
// is none.
func NewTeller(deps Deps, onStep func(string)) *Teller {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "kaskad", Subsystem: "aggregate", Name: name,
			Help: help}, []string{"sink"})
	}
	t := &Teller{conn: deps.Conn, produce: deps.Produce, log: deps.Logger, onStep: onStep,
		woken: make(chan struct{}, 1),
		metrics: tellMetrics{
			told: counter("alerts_told_total",
				"Beginnings and ends of alerts that a topic or webhook acknowledged; some come again after a crash."),
			failures: counter("alerts_tell_failures_total",
				"Tries to tell of an alert that a topic or webhook did not acknowledge."),
			untold: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "kaskad", Subsystem: "aggregate",
				Name: "alerts_untold", Help: "Alerts that a topic or webhook is still to be told of."}),
		}}
	if t.log == nil {
		t.log = slog.Default()
	}
	for _, sink := range []string{"kafka", "webhook"} {
		t.metrics.told.WithLabelValues(sink)
		t.metrics.failures.WithLabelValues(sink)
	}
	if deps.Registerer != nil {
		deps.Registerer.MustRegister(t.metrics.told, t.metrics.failures, t.metrics.untold)
	}
	return t
}

// Wake says that there is something to tell.
func (t *Teller) Wake() {
	select {
	case t.woken <- struct{}{}:
	default: // it looks soon already
	}
}

// Turn tells what there is to tell now, once, if the work is owned by this process. An error is one of ClickHouse.
func (t *Teller) Turn(ctx context.Context, owned bool) (wait time.Duration, err error) {
	if !owned {
		t.lines = nil
		return pollEvery, nil
	}
	if err := t.read(ctx); err != nil {
		t.lines = nil
		return pollEvery, err
	}
	now := time.Now()
	var due []alertlog.Receiver
	untold := 0
	for to, l := range t.lines {
		untold += len(l.events)
		if len(l.events) > 0 && !now.Before(l.restUntil) {
			due = append(due, to)
		}
	}
	t.metrics.untold.Set(float64(untold))
	if len(due) == 0 {
		return pollEvery, nil
	}
	slices.SortFunc(due, func(a, b alertlog.Receiver) int {
		return t.lines[a].restUntil.Compare(t.lines[b].restUntil)
	})
	if err := t.tell(ctx, due[:min(len(due), atOnce)]); err != nil {
		t.lines = nil
		return pollEvery, err
	}
	return 0, nil
}

// read reads what is to be told, when somebody says that there is something, or has not for a while.
func (t *Teller) read(ctx context.Context) error {
	woken := false
	select {
	case <-t.woken:
		woken = true
	default:
	}
	if t.lines != nil && !woken && time.Now().Before(t.reread) {
		return nil
	}
	untold, err := alertlog.Untold(ctx, t.conn, time.Now().Add(-giveUpAfter).UnixMilli())
	if err != nil {
		return err
	}
	before := t.lines
	t.lines = map[alertlog.Receiver]*line{}
	for to, events := range untold {
		l := before[to]
		if l == nil {
			l = &line{retries: &backoff.ExponentialBackOff{InitialInterval: firstRetry,
				MaxInterval: alertsLongestRetry, Multiplier: 2, RandomizationFactor: 0.25}}
		}
		l.events = events
		t.lines[to] = l
	}
	t.reread = time.Now().Add(rereadEvery)
	return nil
}

// tell tells each of the receivers of its first alert, side by side.
func (t *Teller) tell(ctx context.Context, due []alertlog.Receiver) error {
	rules, _, err := alertlog.ReadRules(ctx, t.conn)
	if err != nil {
		return err
	}
	outcomes := make([]string, len(due))
	failed := make([]error, len(due))
	var all sync.WaitGroup
	for i, to := range due {
		all.Go(func() {
			of := rules[to.Account]
			outcomes[i], failed[i] = t.send(ctx, to, &of, &t.lines[to].events[0])
		})
	}
	all.Wait()
	for i, to := range due {
		if err := t.note(ctx, to, outcomes[i], failed[i]); err != nil {
			return err
		}
	}
	return nil
}

// send tells a receiver of an alert once, and says what came of it.
func (t *Teller) send(ctx context.Context, to alertlog.Receiver, rules *alert.Rules, e *alert.Event) (string, error) {
	if to.Name == alert.Topic {
		if t.produce == nil {
			return outcomeNoReceiver, nil
		}
		value, err := json.Marshal(newAlertBody(e).Data)
		if err != nil {
			return "", fmt.Errorf("write an alert: %w", err)
		}
		return outcomeTold, t.produce(ctx, [][]byte{[]byte(e.Account + "\x00" + e.ID)}, [][]byte{value})
	}
	w, known := rules.Webhook(to.Name)
	if !known {
		return outcomeNoReceiver, nil
	}
	err := postAlert(ctx, w, e, time.Now()) // receivers compare with the time of day, whatever --now says
	var refused *refusal
	if errors.As(err, &refused) && refused.gone {
		return outcomeGone, nil
	}
	return outcomeTold, err
}

// note notes what came of a try.
func (t *Teller) note(ctx context.Context, to alertlog.Receiver, outcome string, err error) error {
	l := t.lines[to]
	sink := "webhook"
	if to.Name == alert.Topic {
		sink = "kafka"
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		t.metrics.failures.WithLabelValues(sink).Inc()
		l.tries++
		wait := l.retries.NextBackOff()
		var refused *refusal
		if errors.As(err, &refused) {
			wait = max(wait, refused.after)
		}
		l.restUntil = time.Now().Add(wait)
		t.log.Warn("an alert was not acknowledged", "account", to.Account, "sink", to.Name, "error", err,
			"tries", l.tries, "retry_in", wait.Round(time.Millisecond))
		if time.Since(time.UnixMilli(l.events[0].AtMS)) < giveUpAfter {
			return nil
		}
		outcome = outcomeGaveUp
	}
	e := &l.events[0]
	if outcome == outcomeTold {
		t.metrics.told.WithLabelValues(sink).Inc()
		t.onStep("told")
	} else {
		t.log.Warn("an alert is not told any more", "account", to.Account, "sink", to.Name, "reason", outcome)
	}
	// Also when the process is ending: otherwise it would be told again.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := alertlog.Tell(last, t.conn, to, e, outcome); err != nil {
		return err
	}
	l.events, l.tries, l.restUntil = l.events[1:], 0, time.Time{}
	l.retries.Reset()
	return nil
}

// alertBody is what a webhook is sent, and its data what the topic gets.
type alertBody struct {
	Type      string      `json:"type"`
	Timestamp string      `json:"timestamp"`
	Data      alertFields `json:"data"`
}

// alertFields are those of GET /v1/alerts/events.
type alertFields struct {
	ID       string   `json:"id"`
	Account  string   `json:"account"`
	Rule     string   `json:"rule"`
	Metric   string   `json:"metric"`
	Channel  *string  `json:"channel"`
	Provider *string  `json:"provider"`
	Operator *string  `json:"operator"`
	Campaign *string  `json:"campaign"`
	Before   *float64 `json:"before"`
	Now      *float64 `json:"now"`
	Low      *float64 `json:"low"`
	High     *float64 `json:"high"`
	Num      *int64   `json:"num"`
	Den      *int64   `json:"den"`
	Hours    int64    `json:"hours"`
	Since    string   `json:"since"`
	Until    *string  `json:"until"`
	Ended    *string  `json:"ended"`
	// Of money alone; left out otherwise.
	Currency   *string `json:"currency,omitempty"`
	Cost       *string `json:"cost,omitempty"`
	CostBefore *string `json:"cost_before,omitempty"`
	CostNow    *string `json:"cost_now,omitempty"`
	CostLow    *string `json:"cost_low,omitempty"`
	CostHigh   *string `json:"cost_high,omitempty"`
}

func newAlertBody(e *alert.Event) alertBody {
	body := alertBody{Type: "alert.began", Timestamp: formatTime(e.AtMS)}
	figure := func(f float64) *float64 {
		if math.IsNaN(f) {
			return nil
		}
		const millionths = 1e6
		f = math.Round(f*millionths) / millionths
		return &f
	}
	value := func(key string) *string {
		if !slices.Contains(e.Keys, key) {
			return nil
		}
		v := e.Of(key)
		return &v
	}
	d := alertFields{ID: e.ID, Account: e.Account, Rule: e.Rule, Metric: string(e.Metric),
		Channel: value("channel"), Provider: value("provider"), Operator: value("operator"),
		Campaign: value("campaign"), Before: figure(e.Before), Now: figure(e.Now), Low: figure(e.Low),
		High: figure(e.High), Num: &e.Num, Hours: e.Hours, Since: formatTime(e.SinceMS)}
	if m := &e.Costs; m.Currency != "" {
		amount := func(micros int64) *string {
			text := string(schema.AppendMicros(nil, micros))
			return &text
		}
		d.Num, d.Currency, d.Cost, d.CostBefore = nil, &m.Currency, amount(m.Cost), amount(m.Before)
		d.CostNow, d.CostLow, d.CostHigh = amount(m.Now), amount(m.Low), amount(m.High)
	}
	if e.Den > 0 {
		d.Den = &e.Den
	}
	if e.UntilMS != 0 {
		body.Type = "alert.ended"
		until := formatTime(e.UntilMS)
		d.Until, d.Ended = &until, &e.Ended
	}
	body.Data = d
	return body
}

// postAlert sends an alert to a webhook once. An answer of 2xx acknowledges it. No error names the address, which may
// hold a token, nor the secret.
func postAlert(ctx context.Context, w alert.Webhook, e *alert.Event, now time.Time) error {
	signer, err := newSigner(w.Secret)
	if err != nil {
		return err
	}
	body := newAlertBody(e)
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write an alert: %w", err)
	}
	id := "alert_" + e.ID + "_" + body.Type[len("alert."):]
	signature, err := signer.Sign(id, now, encoded)
	if err != nil {
		return fmt.Errorf("sign an alert: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(encoded))
	if err != nil {
		return errors.New("webhook: URL cannot be used")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "kaskad")
	request.Header.Set(standardwebhooks.HeaderWebhookID, id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	client := newClient(w)
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err // without the URL
		}
		return fmt.Errorf("post to the webhook: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, webhookDrain) // the status has said all
	return checkAlertAnswer(response.StatusCode, response.Header.Get("Retry-After"), time.Now())
}

// checkAlertAnswer is checkAnswer for webhooks that accounts put.
func checkAlertAnswer(status int, retryAfter string, now time.Time) error {
	if status/100 == 3 {
		return &refusal{err: fmt.Errorf("the webhook answered %d, and redirects are not followed: put the address "+
			"where it leads", status)}
	}
	return checkAnswer(status, retryAfter, now)
}
