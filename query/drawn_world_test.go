package query

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"kaskad/aggregate"
	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/erasure"
	"kaskad/schema/event"
	"kaskad/schema/keys"
	"kaskad/schema/state"
)

// drawnWorld is a database that everything happens to, and a server that was there all the time.
type drawnWorld struct {
	t       *testing.T
	conn    driver.Conn
	random  *rand.Rand
	now     time.Time
	old     *Server
	erasing *erasure.Key

	routes    []*answer.Route
	questions []*question
	// keys are those of callers, and names tell whose they are.
	keys  []string
	names map[string]string
	tags  map[string]tagged
	// seen are values of keys that were in answers.
	seen  map[string][]string
	pages []later

	accounts, numbers, ids []string
	// messages are all that were sent.
	messages []drawnMessage

	asked, answered int
}

// drawnMessage is a message of which receipts may still come.
type drawnMessage struct {
	fields map[string]any
	sent   time.Time
}

func newDrawnWorld(t *testing.T, seed uint64) *drawnWorld {
	w := &drawnWorld{t: t, conn: newConn(t), random: rand.New(rand.NewPCG(seed, 18)), names: map[string]string{},
		now:     testNow.Add(time.Duration(seed) * (7*time.Hour + 13*time.Minute)),
		erasing: newErasureKey(t), tags: map[string]tagged{}, seen: map[string][]string{},
		accounts: []string{"a", "ab", "b"}, ids: []string{"none"}}
	for i := range 12 {
		w.numbers = append(w.numbers, fmt.Sprintf("+7900123456%d", i%10), fmt.Sprintf("email:p%d@example.com", i))
	}
	w.old = w.server()
	w.routes = drawnRoutes(w.old)
	for name, scopes := range map[string]keys.Scopes{"a": everyScope, "b": everyScope &^ keys.CRM &^ keys.Admin,
		"ab": keys.Marketer} {
		w.keys = append(w.keys, makeKey(t, w.conn, name, scopes))
		w.names[w.keys[len(w.keys)-1]] = name
	}
	w.keys = append(w.keys, adminKey, adminKey, adminKey)
	w.names[adminKey] = ""
	w.reference()
	w.reference()
	w.send(80)
	w.aggregate(false)
	return w
}

// server is a new one, which remembers nothing.
func (w *drawnWorld) server() *Server {
	w.t.Helper()
	return newServer(w.t, w.conn, withKeys, func(c *Config, _ *Deps) {
		c.Now, c.ErasureKey = func() time.Time { return w.now }, w.erasing
	})
}

// plain asks a server without holding its answer against the document: other tests do.
func plain(s *Server, target string, headers ...string) *httptest.ResponseRecorder {
	return querytest.Call(s.Handler(), http.MethodGet, target, nil, headers...)
}

// change lets time pass and things happen.
func (w *drawnWorld) change() {
	w.t.Helper()
	switch w.random.IntN(5) {
	case 0:
		w.now = w.now.Add(time.Duration(w.random.IntN(40)) * time.Hour)
	case 1:
		w.now = w.now.Add(15 * time.Minute).Truncate(15 * time.Minute)
	case 2:
		midnight := w.now.Truncate(24 * time.Hour).Add(21 * time.Hour) // of Moscow
		w.now = midnight.Add(time.Duration(w.random.IntN(120)-60)*time.Second).AddDate(0, 0, 1)
	default:
		w.now = w.now.Add(time.Duration(w.random.IntN(600)) * time.Second)
	}
	for range 1 + w.random.IntN(2) {
		switch w.random.IntN(8) {
		case 0:
			w.reference()
		case 1:
			w.erase()
		case 2:
			w.override()
		default:
			w.send(30 + w.random.IntN(30))
			w.receipts(10 + w.random.IntN(30))
			w.optOuts(w.random.IntN(4))
		}
	}
	if w.random.IntN(6) > 0 {
		w.aggregate(w.random.IntN(5) == 0)
	}
}

// send sends messages, some of them days ago.
func (w *drawnWorld) send(n int) {
	var lines []byte
	for range n {
		back := time.Duration(w.random.IntN(20*24*60)) * time.Minute
		if w.random.IntN(2) == 0 {
			back = time.Duration(w.random.IntN(120)) * time.Minute
		}
		for _, days := range []int{1, 3, 7, 14} { // cohorts that settle about now
			if w.random.IntN(12) == 0 {
				back = time.Duration(days)*24*time.Hour - time.Duration(w.random.IntN(900))*time.Second
			}
		}
		at := w.now.Add(-back).Truncate(time.Millisecond)
		id := fmt.Sprint("m", len(w.messages))
		w.ids = append(w.ids, id)
		common := map[string]any{"account": pick(w.random, w.accounts), "message_id": id, "submitted_at": at}
		for _, name := range []string{"campaign", "template", "sender", "operator"} {
			if word := pick(w.random, words); word != "" {
				common[name] = word
			}
		}
		number := pick(w.random, w.numbers)
		for step := range 1 + w.random.IntN(3) {
			channel := pick(w.random, []string{"sms", "sms", "viber", "push", "whatsapp"})
			fields := map[string]any{"channel": channel, "step": step + 1, "recipient": number, "contact": "c" + number}
			if word := pick(w.random, []string{"", "mts", "a", "own"}); word != "" {
				fields["provider"] = word
			}
			if channel == "sms" {
				fields["sms_segments"], fields["segments"] = 1+w.random.IntN(2), 1+w.random.IntN(2)
			}
			for name, value := range common {
				fields[name] = value
			}
			w.messages = append(w.messages, drawnMessage{fields, at.Add(time.Duration(step) * time.Minute)})
			lines = append(lines, w.event(&w.messages[len(w.messages)-1], pick(w.random, []string{"sent", "sent",
				"delivered", "read", "undelivered", "skipped"}))...)
		}
	}
	w.tell(lines)
}

// event is one of a message, some time after it was sent.
func (w *drawnWorld) event(m *drawnMessage, status string) []byte {
	at := m.sent.Add(time.Duration(w.random.IntN(100_000)) * time.Millisecond)
	if w.random.IntN(3) == 0 {
		at = m.sent.Add(time.Duration(w.random.IntN(30)) * time.Hour)
	}
	if at.After(w.now) {
		at = m.sent
	}
	fields := map[string]any{"status": status, "occurred_at": at}
	for name, value := range m.fields {
		fields[name] = value
	}
	if status == "undelivered" {
		fields["error_code"] = pick(w.random, []string{"1", "2", "Unregistered"})
	}
	if status == "delivered" && w.random.IntN(3) == 0 {
		fields["price"], fields["currency"] = "1.10", "RUB"
	}
	line, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	return append(line, '\n')
}

// receipts come late.
func (w *drawnWorld) receipts(n int) {
	var lines []byte
	for range min(n, len(w.messages)) {
		lines = append(lines, w.event(&w.messages[w.random.IntN(len(w.messages))], pick(w.random, []string{"delivered",
			"read", "clicked", "replied", "undelivered", "sent"}))...)
	}
	w.tell(lines)
}

// optOuts are what people say.
func (w *drawnWorld) optOuts(n int) {
	var lines []byte
	for range min(n, len(w.messages)) {
		m := w.messages[w.random.IntN(len(w.messages))]
		fields := map[string]any{"status": pick(w.random, []string{"unsubscribed", "blocked", "complained", "subscribed",
			"uninstalled"}), "account": m.fields["account"], "recipient": m.fields["recipient"],
			"channel": m.fields["channel"], "occurred_at": w.now.Add(-time.Duration(w.random.IntN(4)) * time.Hour)}
		if w.random.IntN(2) == 0 {
			fields["message_id"] = m.fields["message_id"]
		}
		line, err := json.Marshal(fields)
		if err != nil {
			w.t.Fatal(err)
		}
		lines = append(append(lines, line...), '\n')
	}
	w.tell(lines)
}

// tell stores events as ingest does.
func (w *drawnWorld) tell(lines []byte) {
	w.t.Helper()
	decoder := event.Decoder{MeasureSMS: money.SMSMeasure}
	var facts schema.Facts
	var people schema.RecipientEvents
	var fold state.Fold
	batch, nowMS := uuid.New(), w.now.UnixMilli()
	touched := map[schema.Touch]bool{}
	var located []schema.Location
	event.Lines(lines, func(_ int, raw []byte) {
		ev, bad := decoder.Decode(raw, nowMS)
		switch {
		case bad != nil:
			w.t.Fatalf("%s: %v", raw, bad)
		case !ev.Status.OfMessage():
			people.Append(ev)
			touched[schema.Touch{Account: string(ev.Account), ID: batch, AtMS: nowMS}] = true
			return
		}
		located = append(located, schema.Location{Account: string(ev.Account), MessageID: string(ev.MessageID),
			BucketMS: ev.BucketMS, SubmittedMS: ev.SubmittedMS})
		facts.Append(ev)
		touched[schema.Touch{BucketMS: schema.ChangesMS, ID: batch, AtMS: nowMS}] = true
		touched[schema.Touch{ID: batch, AtMS: nowMS}] = true
	})
	fold.Fold(&facts, nil)
	var touches []schema.Touch
	for t := range touched {
		touches = append(touches, t)
	}
	ctx := w.t.Context()
	for _, err := range []error{facts.Insert(ctx, w.conn, batch, 0, facts.Rows()),
		people.Insert(ctx, w.conn, batch, 0, people.Rows()), schema.InsertLocated(ctx, w.conn, batch, located),
		schema.InsertChanges(ctx, w.conn, batch, &fold.Changes), schema.OpenTouches(ctx, w.conn, touches)} {
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// reference changes a list of reference data, or routes.
func (w *drawnWorld) reference() {
	w.t.Helper()
	account := pick(w.random, w.accounts)
	put := func(list, body string) {
		r := querytest.Call(w.old.Handler(), http.MethodPut, "/v1/"+list+"?account="+account, strings.NewReader(body),
			"Authorization", "Bearer "+adminKey, "Content-Type", "application/json")
		if r.Code != http.StatusOK {
			w.t.Fatalf("%s: %s", body, r.Body)
		}
	}
	price := func() string { return fmt.Sprintf("%d.%d", w.random.IntN(4), w.random.IntN(10)) }
	switch w.random.IntN(5) {
	case 0, 1:
		rows := []string{querytest.TariffRow("sms", pick(w.random, []string{"per_segment_sent", "per_message_sent"}),
			price()), querytest.TariffRow("viber", "per_message_delivered", price())}
		if w.random.IntN(2) == 0 {
			rows = append(rows, querytest.TariffRow("push", "per_message_sent", price()))
		}
		querytest.PutTariffs(w.t, w.conn, account, rows...)
	case 2:
		querytest.PutPrices(w.t, w.conn, schema.ReferenceTemplates, account, fmt.Sprintf(`{"template":%q,"sms_segments":%d,`+
			`"valid_from":"2026-01-01T00:00:00Z"}`, pick(w.random, words[1:]), 1+w.random.IntN(3)))
	case 3:
		put("error-map", fmt.Sprintf(`{"lines":[{"provider":%q,"code":%q,"class":%q}]}`, pick(w.random,
			[]string{"mts", "own", "*"}), pick(w.random, []string{"1", "2", "Unregistered"}), pick(w.random,
			schema.ClassNames())))
	default:
		execute(w.t, w.conn, "INSERT INTO routes (account, channel, provider, delivery, reads, bound, settling_days, "+
			"version) VALUES ($1, $2, $3, 1, 0, 'none', $4, $5)", pick(w.random, []string{"", account}),
			pick(w.random, []string{"sms", "viber"}), pick(w.random, []string{"own", "mts"}), 1+w.random.IntN(7),
			100+w.random.IntN(1000))
	}
}

// erase erases a number of an account.
func (w *drawnWorld) erase() {
	w.t.Helper()
	number := w.numbers[2*w.random.IntN(len(w.numbers)/2)] // a phone number
	r := querytest.Call(w.old.Handler(), http.MethodDelete, "/v1/numbers/"+url.PathEscape(number)+"?account="+
		pick(w.random, w.accounts), nil, "Authorization", "Bearer "+adminKey)
	if r.Code != http.StatusOK {
		w.t.Fatal(r.Body)
	}
}

// override sets a verdict by hand.
func (w *drawnWorld) override() {
	w.t.Helper()
	r := querytest.Call(w.old.Handler(), http.MethodPut, "/v1/numbers/"+url.PathEscape(pick(w.random, w.numbers))+
		"/override?account="+pick(w.random, w.accounts), strings.NewReader(fmt.Sprintf(`{"state":%q,"reason":"x"}`, pick(w.random,
		[]string{"dead", "alive"}))), "Authorization", "Bearer "+adminKey, "Content-Type", "application/json")
	if r.Code >= http.StatusInternalServerError {
		w.t.Fatal(r.Body)
	}
}

// aggregate publishes what follows from what was told, or begins to and dies.
func (w *drawnWorld) aggregate(die bool) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	a := aggregate.New(aggregate.Config{Exclusive: true, Poll: 20 * time.Millisecond,
		Now: func() time.Time { return w.now }, OnStep: func(step string) {
			if die && step == "computed" {
				cancel()
			}
		}}, aggregate.Deps{Conn: w.conn, Logger: slog.New(slog.DiscardHandler),
		Reject: func(context.Context, []schema.Rejection) error { return nil }})
	go func() { ended <- a.Run(ctx) }()
	for open := true; open && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if err := w.conn.QueryRow(w.t.Context(), `SELECT count() > 0 FROM
			(SELECT id FROM touched GROUP BY account, bucket, id HAVING sum(sign) > 0)`).Scan(&open); err != nil {
			w.t.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		w.t.Fatal(err)
	}
}
