package lists

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
	"kaskad/schema/keys"
)

const (
	alertsPath  = "/v1/alerts?account=acme"
	firstSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
	otherSecret = "whsec_MTEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
)

// putsAlerts is the room as an admin of one account sees it, or of all for "".
func putsAlerts(conn driver.Conn, account string) http.Handler {
	room := newRoom(conn)
	caller := &answer.Caller{Account: account, All: account == "", KeyID: "k", Scopes: keys.Admin}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		room.ServeHTTP(w, r.WithContext(answer.WithCaller(r.Context(), caller)))
	})
}

func putAlerts(s http.Handler, body string) *httptest.ResponseRecorder {
	return querytest.Call(s, http.MethodPut, alertsPath, strings.NewReader(body))
}

// alertsAnswer is what GET shows.
type alertsAnswer struct {
	Version  uint64
	Alerts   []alert.Rule
	Webhooks []alert.ShownWebhook
}

func getAlerts(t *testing.T, s http.Handler, more string) (a alertsAnswer, text string) {
	t.Helper()
	w := querytest.Get(s, alertsPath+more)
	text = w.Body.String()
	querytest.Decode(t, w, http.StatusOK, &a)
	return a, text
}

// Without a list the rules by default are shown; what GET gave can be sent back; no version, dry run or history ever
// shows a secret, and who leaves it out keeps it.
func TestLists_Alerts_SecretsStay(t *testing.T) {
	conn := newConn(t)
	s := putsAlerts(conn, "acme")
	shown, _ := getAlerts(t, s, "")
	if shown.Version != 0 || len(shown.Alerts) != len(alert.Default().Alerts) || !shown.Alerts[0].On {
		t.Fatalf("%+v", shown)
	}
	const hook = `"webhooks":[{"id":"ops","url":"https://ops.example.com/x","secret":"` + firstSecret + `"}]`
	body := `{"alerts":[{"id":"d","metric":"delivery","send_to":["ops","topic"]}],` + hook + `}`
	dry := querytest.Call(s, http.MethodPut, alertsPath+"&dry_run=1", strings.NewReader(body))
	querytest.Put(t, s, alertsPath, body)
	first, text := getAlerts(t, s, "")
	// Sent back as it is.
	querytest.Put(t, s, alertsPath, text)
	second, _ := getAlerts(t, s, "")
	querytest.Put(t, s, alertsPath, strings.Replace(body, firstSecret, otherSecret, 1))
	third, _ := getAlerts(t, s, "")
	if first.Webhooks[0] != second.Webhooks[0] || first.Webhooks[0].SecretID == third.Webhooks[0].SecretID ||
		first.Webhooks[0].SecretID == "" || first.Webhooks[0].Anywhere {
		t.Errorf("%+v %+v %+v", first.Webhooks, second.Webhooks, third.Webhooks)
	}
	rules, versions, err := alertlog.ReadRules(t.Context(), conn)
	if err != nil || versions["acme"] != 3 || rules["acme"].Webhooks[0].Secret != otherSecret {
		t.Errorf("%+v %v %v", rules, versions, err)
	}
	again := querytest.Call(s, http.MethodPut, alertsPath+"&dry_run=1", strings.NewReader(body))
	_, old := getAlerts(t, s, "&version=1")
	history := querytest.Get(s, "/v1/alerts/versions?account=acme").Body.String()
	for what, text := range map[string]string{"GET": text, "version": old, "dry": dry.Body.String(),
		"dry again": again.Body.String(), "history": history} {
		if strings.Contains(text, "whsec_") || strings.Contains(text, "MDEyMzQ1") {
			t.Errorf("%s shows a secret: %s", what, text)
		}
	}
	if got := again.Body.String(); !strings.Contains(got, `"list":"webhooks","change":"changed"`) ||
		!strings.Contains(dry.Body.String(), `"added":`) {
		t.Errorf("%s\n%s", got, dry.Body)
	}
	if first.Alerts[0].MinSample != 200 || first.Alerts[0].AfterMinutes != 15 || len(first.Alerts[0].By) != 2 {
		t.Errorf("%+v", first.Alerts[0])
	}
	// An empty list turns all off.
	querytest.Put(t, s, alertsPath, `{"alerts":[]}`)
	if off, _ := getAlerts(t, s, ""); off.Version != 4 || len(off.Alerts) != 0 || len(off.Webhooks) != 0 {
		t.Errorf("%+v", off)
	}
}

// What only operators may put stays when an account's admin changes something else, and he can neither add nor redirect
// it.
func TestLists_Alerts_OperatorsAlone(t *testing.T) {
	conn := newConn(t)
	own, operator := putsAlerts(conn, "acme"), putsAlerts(conn, "")
	body := func(url, metric, name string) string {
		return `{"alerts":[{"id":"a","metric":"` + metric + `"},{"id":"b","name":"` + name + `","metric":"open"}],` +
			`"webhooks":[{"id":"ops","url":"` + url + `","secret":"` + firstSecret + `"}]}`
	}
	const inside, outside = "https://10.0.0.1/x", "https://ops.example.com/x"
	if w := putAlerts(own, body(inside, "dead_letters", "x")); w.Code != http.StatusUnprocessableEntity ||
		!strings.Contains(w.Body.String(), "of all accounts") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	querytest.Put(t, operator, alertsPath, body(inside, "dead_letters", "x"))
	if got, _ := getAlerts(t, own, ""); !got.Webhooks[0].Anywhere {
		t.Errorf("%+v", got)
	}
	querytest.Put(t, own, alertsPath, body(inside, "dead_letters", "another name"))
	if got, _ := getAlerts(t, own, ""); !got.Webhooks[0].Anywhere || got.Alerts[1].Name != "another name" {
		t.Errorf("%+v", got)
	}
	querytest.Put(t, own, alertsPath, body(outside, "dead_letters", "x"))
	if got, _ := getAlerts(t, own, ""); got.Webhooks[0].Anywhere {
		t.Errorf("%+v", got)
	}
	querytest.Put(t, own, alertsPath, strings.Replace(body(inside, "open", "x"), `"webhooks":[{`,
		`"webhooks":[{"anywhere":true,`, 1))
	if got, _ := getAlerts(t, own, ""); got.Webhooks[0].Anywhere {
		t.Errorf("he said so himself: %+v", got)
	}
	if w := querytest.Call(own, http.MethodPut, "/v1/alerts?account=beta", strings.NewReader(`{"alerts":[]}`)); w.Code !=
		http.StatusForbidden {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Every fault is named with its list, row and field, and nothing is stored.
func TestLists_Alerts_RefusedAsAWhole(t *testing.T) {
	conn := newConn(t)
	s := putsAlerts(conn, "acme")
	many := strings.TrimSuffix(strings.Repeat(`{"id":"x","metric":"open"},`, alert.MaxRules+1), ",")
	for _, c := range []struct{ alerts, webhooks, field, says string }{
		{`{"id":"A b","metric":"open"}`, "", "alerts.id", "small letters"},
		{`{"metric":"open"}`, "", "alerts.id", "small letters"},
		{`{"id":"a","metric":"open"},{"id":"a","metric":"open"}`, "", "alerts.id", "another rule"},
		{`{"id":"a","metric":"opens"}`, "", "alerts.metric", "delivery open filtered"},
		{`{"id":"a","metric":"open","bye":["channel"]}`, "", "alerts.id", "bye"},
		{`{"id":"a","metric":"open","by":["country"]}`, "", "alerts.by", "channel provider operator campaign"},
		{`{"id":"a","metric":"silent","by":["campaign"]}`, "", "alerts.by", "channel provider"},
		{`{"id":"a","metric":"open","by":["channel","channel"]}`, "", "alerts.by", "twice"},
		{`{"id":"a","metric":"silent","only":{"campaign":["x"]}}`, "", "alerts.only.campaign", "limited"},
		{`{"id":"a","metric":"open","only":{"country":["x"]}}`, "", "alerts.id", "country"},
		{`{"id":"a","metric":"open","sensitivity":"max"}`, "", "alerts.sensitivity", "low normal high"},
		{`{"id":"a","metric":"open","min_sample":3}`, "", "alerts.min_sample", "30"},
		{`{"id":"a","metric":"open","after_minutes":0}`, "", "alerts.after_minutes", "1…2880"},
		{`{"id":"a","metric":"open","limit_minutes":5}`, "", "alerts.limit_minutes", "means nothing"},
		{`{"id":"a","metric":"freshness","limit_minutes":0}`, "", "alerts.limit_minutes", "1…"},
		{`{"id":"a","metric":"freshness","min_sample":50}`, "", "alerts.min_sample", "means nothing"},
		{`{"id":"a","metric":"open","send_to":["ops"]}`, "", "alerts.send_to", "ops"},
		{`{"id":"a","metric":"open","name":"` + strings.Repeat("x", 101) + `"}`, "", "alerts.name", "longer"},
		{many, "", "alerts", "50"},
		{"", `{"id":"ops","url":"https://x.example.com"}`, "webhooks.secret", "openssl"},
		{"", `{"id":"ops","url":"https://x.example.com","secret":"s3cret"}`, "webhooks.secret", "whsec_"},
		{"", `{"id":"topic","url":"https://x.example.com","secret":"` + firstSecret + `"}`, "webhooks.id", "topic"},
		{"", `{"id":"ops","url":"http://x.example.com","secret":"` + firstSecret + `"}`, "webhooks.url", "https"},
		{"", `{"id":"ops","url":"https://u:s3cret@x.example.com","secret":"` + firstSecret + `"}`, "webhooks.url", "password"},
		{"", `{"id":"ops","url":"ftp://x","secret":"` + firstSecret + `"}`, "webhooks.url", "https://"},
		{"", `{"id":"ops","url":"https://x/#a","secret":"` + firstSecret + `"}`, "webhooks.url", "#"},
	} {
		w := putAlerts(s, `{"alerts":[`+c.alerts+`],"webhooks":[`+c.webhooks+`]}`)
		var reply struct{ Errors []rowProblem }
		if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code < 400 || w.Code > 422 ||
			len(reply.Errors) == 0 || reply.Errors[0].Parameter != c.field ||
			!strings.Contains(reply.Errors[0].Reason, c.says) {
			t.Errorf("%s%s: %d %s", c.alerts, c.webhooks, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "s3cret") || strings.Contains(w.Body.String(), firstSecret) {
			t.Errorf("a secret is repeated: %s", w.Body)
		}
	}
	for _, body := range []string{"", "[]", `{"webhooks":[]}`, `{"alerts":{}}`, `{"alerts":[]} x`, `{"alerts":[],"rules":[]}`} {
		if w := putAlerts(s, body); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if list, found, err := schema.ReadReference(t.Context(), conn, schema.ReferenceAlerts, "acme", 0); found || err != nil {
		t.Errorf("%+v %v", list, err)
	}
}
