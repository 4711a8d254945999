package alerts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
	"kaskad/schema/keys"
	"kaskad/schema/schematest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// newRoom makes the room over conn, as a key of an account sees it, or of all accounts for "".
func newRoom(conn driver.Conn, account string) http.Handler {
	db, gate := querytest.DB(conn), querytest.Gate()
	room := querytest.Handler(db, gate, New(db, gate).Routes())
	caller := &answer.Caller{Account: account, All: account == "", KeyID: "k", Scopes: keys.Admin}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		room.ServeHTTP(w, r.WithContext(answer.WithCaller(r.Context(), caller)))
	})
}

func event(account, id string, seq uint64, since, until int64) alert.Event {
	e := alert.Event{Account: account, ID: id, Seq: seq, Rule: "delivery", Metric: alert.Delivery,
		Keys: []string{"channel"}, Group: alert.Group{Channel: "sms"}, Before: 0.9, Now: 1.0 / 3, Low: 0.85, High: 0.95,
		Num: 100, Den: 300, Hours: 1, SinceMS: since * alert.HourMS, UntilMS: until * alert.HourMS}
	if until != 0 {
		e.Ended = alert.EndedUnknown
	}
	return e
}

type eventsAnswer struct {
	Rows []struct {
		ID, Account, Rule, Metric string
		Channel, Provider, Ended  *string
		Before, Now               *float64
		Since                     string
		Until                     *string
	}
	NextCursor *string `json:"next_cursor"`
}

func (a *eventsAnswer) ids() string {
	var ids []string
	for _, r := range a.Rows {
		ids = append(ids, r.ID)
	}
	return strings.Join(ids, " ")
}

func get(t *testing.T, s http.Handler, query string) (a eventsAnswer) {
	t.Helper()
	querytest.Decode(t, querytest.Get(s, "/v1/alerts/events?"+query), http.StatusOK, &a)
	return a
}

// Open ones come first, then the latest; of an alert its newest row is shown; an account sees its own alone; pages hold
// what one answer does.
func TestAlerts_Events(t *testing.T) {
	conn := schematest.Conn(t)
	const hour = 490_000
	ended := event("acme", "a1", 5, hour+9, hour+10)
	other := event("beta", "b1", 7, hour+8, 0)
	silent := event("acme", "a4", 8, hour+2, 0)
	silent.Metric, silent.Rule, silent.Den = alert.Silent, "quiet", 0
	if err := alertlog.Insert(t.Context(), conn, []alert.Event{event("acme", "a1", 1, hour+9, 0),
		event("acme", "a2", 2, hour+3, 0), event("acme", "a3", 3, hour+1, hour+2), ended, other, silent}); err != nil {
		t.Fatal(err)
	}
	own, all := newRoom(conn, "acme"), newRoom(conn, "")
	for query, want := range map[string]string{"": "a2 a4 a1 a3", "open=1": "a2 a4", "open=0": "a1 a3",
		"rule=quiet": "a4", "metric=delivery&open=1": "a2", "rule=none": ""} {
		got := get(t, own, query)
		if got.ids() != want {
			t.Errorf("%s: %s, want %s", query, got.ids(), want)
		}
	}
	if got := get(t, all, ""); got.ids() != "b1 a2 a4 a1 a3" {
		t.Errorf("of all: %s", got.ids())
	}
	if w := querytest.Get(own, "/v1/alerts/events?account=beta"); w.Code != http.StatusForbidden {
		t.Errorf("a foreign account: %d %s", w.Code, w.Body)
	}
	var paged []string
	for query := "limit=1"; query != ""; {
		a := get(t, all, query)
		paged, query = append(paged, a.ids()), ""
		if a.NextCursor != nil {
			query = "limit=1&cursor=" + *a.NextCursor
		}
	}
	if got := strings.Join(paged, " "); got != "b1 a2 a4 a1 a3" {
		t.Errorf("by pages: %s", got)
	}
	rows := get(t, own, "").Rows
	if r := rows[0]; *r.Channel != "sms" || r.Provider != nil || *r.Now != 0.333333 || r.Until != nil || r.Ended != nil {
		t.Errorf("%+v", r)
	}
	if r := rows[2]; *r.Now != 0.333333 || *r.Before != 0.9 || *r.Ended != alert.EndedUnknown || *r.Until == r.Since {
		t.Errorf("%+v", r)
	}
	querytest.WantProblem(t, querytest.Get(own, "/v1/alerts/events?open=yes"), http.StatusBadRequest, "open")
	querytest.WantProblem(t, querytest.Get(own, "/v1/alerts/events?metric=x"), http.StatusBadRequest, "metric")
	w := querytest.Get(own, "/v1/alerts/events?format=csv&limit=1")
	if got := w.Body.String(); !strings.HasPrefix(got, "id,account,rule,metric,channel,provider,operator,campaign,before,now,") {
		t.Errorf("%s", got)
	}
}

// A try finds what there was, of rules that are off too, and stores nothing.
func TestAlerts_Try(t *testing.T) {
	conn := schematest.Conn(t)
	last := querytest.Now().Unix()/3600 - 2
	fell := last - 30
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO rollup_attempts (account, kind, day, edition, bucket, cohort, "+
		"channel, provider, step, attempted, sent, timed, to_deliver)")
	if err != nil {
		t.Fatal(err)
	}
	for hour := last - 40*24; hour <= last; hour++ {
		delivered := uint64(900)
		if hour >= fell && hour < fell+5 {
			delivered = 300
		}
		at := time.Unix(hour*3600, 0).UTC()
		if err := batch.Append("acme", "difference", at, uint64(1), at, at, "sms", "mts", uint8(1), int64(1000), int64(1000),
			int64(1000), map[uint16]uint64{schema.LatencyCell(4000): delivered}); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	querytest.Publish(t, conn, 1)
	own := newRoom(conn, "acme")
	const body = `{"alerts":[{"id":"d","metric":"delivery","on":false},{"id":"f","metric":"freshness"},{"id":"o","metric":"open"}]}`
	var reply struct {
		NotTried []string `json:"not_tried"`
		Rows     []struct {
			Rule, Provider, Since string
			Until, Ended          *string
			Before, Now, Low      float64
			Num, Den              int
		}
	}
	querytest.Decode(t, querytest.PostJSON(own, "/v1/alerts/try?account=acme", body), http.StatusOK, &reply)
	if len(reply.Rows) != 1 || reply.Rows[0].Rule != "d" || reply.Rows[0].Provider != "mts" ||
		reply.Rows[0].Since != answer.TimeText(fell*alert.HourMS) ||
		*reply.Rows[0].Until != answer.TimeText((fell+5)*alert.HourMS) ||
		reply.Rows[0].Before != 0.9 || reply.Rows[0].Now != 0.3 || reply.Rows[0].Low <= 0.3 ||
		reply.Rows[0].Num != 300 || reply.Rows[0].Den != 1000 || len(reply.NotTried) != 1 || reply.NotTried[0] != "f" {
		got, _ := json.Marshal(reply)
		t.Errorf("%s", got)
	}
	if events, err := alertlog.Events(t.Context(), conn, alertlog.Filter{Limit: 1}); err != nil || len(events) != 0 {
		t.Errorf("stored: %+v %v", events, err)
	}
	for target, c := range map[string]struct {
		body   string
		status int
	}{
		"?account=beta":                 {body, http.StatusForbidden},
		"?account=acme&from=2026-01-01": {body, http.StatusBadRequest},
		"?account=acme&tz=UTC":          {`{"alerts":[{"id":"d","metric":"x"}]}`, http.StatusUnprocessableEntity},
		"?account=acme&to=2026-11-19":   {`{"alerts":[{"id":"d","metric":"dead_letters"}]}`, http.StatusUnprocessableEntity},
		"":                              {`{"account":"beta","alerts":[]}`, http.StatusForbidden},
	} {
		if w := querytest.PostJSON(own, "/v1/alerts/try"+target, c.body); w.Code != c.status {
			t.Errorf("%s %s: %d %s", target, c.body, w.Code, w.Body)
		}
	}
	if w := querytest.PostJSON(newRoom(conn, ""), "/v1/alerts/try?account=acme", fmt.Sprintf(`{"alerts":[{"id":"d","metric":%q}]}`,
		alert.DeadLetters)); w.Code != http.StatusOK {
		t.Errorf("an operator: %d %s", w.Code, w.Body)
	}
}
