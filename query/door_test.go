package query

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema/keys"
)

// adminKey is what servers under test have as KASKAD_ADMIN_KEY.
const adminKey = "an admin key of thirty-two letters"

// withKeys makes a server that asks for keys.
func withKeys(c *Config, _ *Deps) { c.Auth, c.AdminKey = "keys", adminKey }

// makeKey stores a key of an account, of all accounts for "", and returns it.
func makeKey(tb testing.TB, conn driver.Conn, account string, scopes keys.Scopes, change ...func(*keys.Key)) string {
	tb.Helper()
	secret, err := keys.NewSecret()
	if err != nil {
		tb.Fatal(err)
	}
	h := keys.HashOf(secret)
	k := keys.Key{ID: h.ID(), Hash: h, Account: account, All: account == "", Scopes: scopes, MadeMS: 1}
	for _, f := range change {
		f(&k)
	}
	if err := keys.Store(tb.Context(), conn, k); err != nil {
		tb.Fatal(err)
	}
	return secret
}

// everyScope is that of a key which may do everything in its account.
const everyScope = keys.Analyst | keys.Marketer | keys.CRM | keys.Ingest | keys.Admin

// bearer sends a request with a key.
func bearer(s *Server, key, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	return call(s, method, target, strings.NewReader(body), append([]string{"Authorization", "Bearer " + key},
		headers...)...)
}

// places fills in the path of a route.
func places(path string) string {
	return strings.NewReplacer(":id", foreignMessage, ":number", url.PathEscape(foreignNumber)).Replace(path)
}

// allRoutes are those of a server, by method and path.
func allRoutes(s *Server) map[string]answer.Route {
	all := map[string]answer.Route{}
	for _, r := range append(s.served(), answer.Route{Method: http.MethodGet, Path: "/", For: answer.Open}) {
		all[r.Method+" "+r.Path] = r
	}
	return all
}

// bodyOf is a body that a route takes, of an account.
func bodyOf(route answer.Route, account string) string {
	switch route.Method + " " + route.Path {
	case "POST /v1/events":
		return querytest.AcmeEvent("m1", 1, "sms", "sent", testNow.Format(time.RFC3339),
			fmt.Sprintf(`"submitted_at":%q`, testNow.Format(time.RFC3339)), fmt.Sprintf(`"account":%q`, account))
	case "POST /v1/keys":
		return fmt.Sprintf(`{"account":%q,"scopes":["analyst"]}`, account)
	case "PUT /v1/tariffs":
		return fmt.Sprintf(`{"account":%q,"tariffs":[]}`, account)
	case "PUT /v1/templates":
		return fmt.Sprintf(`{"account":%q,"templates":[]}`, account)
	case "PUT /v1/number-rules":
		return fmt.Sprintf(`{"account":%q,"number_rules":{}}`, account)
	case "PUT /v1/error-map":
		return fmt.Sprintf(`{"account":%q,"error_map":[]}`, account)
	case "PUT /v1/alerts", "POST /v1/alerts/try":
		return fmt.Sprintf(`{"account":%q,"alerts":[]}`, account)
	case "PUT /v1/views":
		return `{"views":[]}`
	case "POST /v1/numbers/check":
		return fmt.Sprintf(`{"numbers":[%q]}`, foreignNumber)
	case "PUT /v1/numbers/:number/override":
		return `{"state":"active","why":"because"}`
	case "POST /v1/forecasts/from-history":
		return `{"channel":"push","channel_price":"0.36","billing":"per_message_delivered","sms_price":"2"}`
	}
	return "{}"
}

// The scopes of issue and README, route by route: what is not named here is for admins of all accounts.
var scopesOf = map[string]string{
	"GET /openapi.json": "open", "GET /docs": "open", "GET /docs/:file": "open",
	"GET /healthz": "open", "GET /readyz": "open", "GET /": "open", "POST /v1/session": "open",
	"GET /v1/session": "analyst marketer crm ingest admin", "DELETE /v1/session": "analyst marketer crm ingest admin",
	"POST /v1/events":          "ingest admin",
	"GET /v1/reports/channels": "marketer analyst admin", "GET /v1/reports/penetration": "marketer analyst admin",
	"GET /v1/reports/groups":  "marketer analyst admin",
	"GET /v1/reports/compare": "marketer analyst admin", "GET /v1/reports/latency": "marketer analyst admin",
	"GET /v1/overview":         "marketer analyst crm admin",
	"GET /v1/reports/failures": "marketer analyst admin", "GET /v1/reports/segment-waste": "marketer analyst admin",
	"POST /v1/forecasts/savings": "marketer analyst admin", "POST /v1/forecasts/from-history": "marketer analyst admin",
	"GET /v1/forecasts/break-even": "marketer analyst admin", "POST /v1/sms/segments": "marketer analyst admin",
	"GET /v1/messages": "marketer analyst crm admin", "GET /v1/numbers/:number/messages": "crm admin",
	"GET /v1/messages/:id": "marketer analyst crm admin", "GET /v1/definitions": "marketer analyst crm admin",
	"GET /v1/reports/savings": "analyst admin", "GET /v1/reports/spend": "analyst admin",
	"GET /v1/reports/dead-spend": "analyst admin", "GET /v1/reports/overlap": "marketer analyst admin",
	"GET /v1/tariffs": "analyst admin", "GET /v1/tariffs/versions": "analyst admin",
	"GET /v1/templates": "analyst admin", "GET /v1/templates/versions": "analyst admin",
	"GET /v1/error-map": "analyst admin", "GET /v1/error-map/versions": "analyst admin",
	"GET /v1/error-map/unmapped": "analyst admin",
	"GET /v1/number-rules":       "analyst admin", "GET /v1/number-rules/versions": "analyst admin",
	"GET /v1/alerts": "analyst admin", "GET /v1/alerts/versions": "analyst admin", "PUT /v1/alerts": "admin",
	"GET /v1/alerts/events": "marketer analyst admin", "POST /v1/alerts/try": "analyst admin",
	"PUT /v1/tariffs": "admin", "PUT /v1/templates": "admin", "PUT /v1/error-map": "admin", "PUT /v1/number-rules": "admin",
	"GET /v1/numbers/dead": "crm admin", "GET /v1/numbers/:number": "crm admin", "GET /v1/numbers/changes": "crm admin",
	"GET /v1/numbers/counts": "crm admin", "GET /v1/numbers/best-channel/counts": "crm admin",
	"GET /v1/numbers/best-channel": "crm admin", "POST /v1/numbers/check": "crm admin", "GET /v1/numbers/check": "crm admin",
	"PUT /v1/numbers/:number/override": "crm admin", "DELETE /v1/numbers/:number/override": "crm admin",
	"GET /v1/audience/subscribed": "crm admin", "GET /v1/audience/unsubscribed": "crm admin",
	"GET /v1/audience/uninstalled": "crm admin", "GET /v1/audience/blocked": "crm admin",
	"GET /v1/audience/complained": "crm admin",
	"DELETE /v1/numbers/:number":  "admin", "GET /v1/erasures": "admin", "GET /v1/audit": "admin",
	"GET /v1/views": "marketer analyst crm admin", "PUT /v1/views": "marketer analyst crm admin",
	"POST /v1/keys": "admin", "GET /v1/keys": "admin", "DELETE /v1/keys/:id": "admin",
}

// Every route says who may use it, and lets in exactly those whom the contract names.
func TestServer_Door_Scopes(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn, withKeys)
	of := map[string]string{}
	for i, name := range keys.Names {
		of[name] = makeKey(t, conn, "own", 1<<i)
	}
	of["admin of all"] = makeKey(t, conn, "", keys.Admin)
	for name, route := range allRoutes(s) {
		if route.For == answer.Closed {
			t.Errorf("%s does not say who may use it", name)
		}
		want := scopesOf[name]
		body := bodyOf(route, "own")
		for _, method := range []string{route.Method, http.MethodHead} {
			if method == http.MethodHead && route.Method != http.MethodGet {
				continue
			}
			w := call(s, method, places(route.Path), strings.NewReader(body))
			if open := w.Code != http.StatusUnauthorized; open != (want == "open") && name != "POST /v1/session" {
				t.Errorf("%s %s without a key: %d", method, name, w.Code)
			}
		}
		for scope, key := range of {
			if name == "DELETE /v1/keys/:id" || want == "open" {
				continue
			}
			target := places(route.Path)
			if scope != "admin of all" {
				target += "?zz=1" // who is let in is told that there is no such parameter: it need not be computed
			}
			w := bearer(s, key, route.Method, target, body)
			let := w.Code != http.StatusForbidden && w.Code != http.StatusUnauthorized
			may := scope == "admin of all" || slices.Contains(strings.Fields(want), scope)
			if let != may {
				t.Errorf("%s with scope %s: %d %s", name, scope, w.Code, w.Body)
			}
			if !let {
				wantProblem(t, w, http.StatusForbidden, "", "needs")
			}
			cached := w.Header().Get("Cache-Control")
			if let && target != places(route.Path) && cached == "no-store" {
				cached = "private" // of a refusal nothing is kept at all
			}
			if !strings.Contains(cached, "private") || w.Header().Get("Vary") != "Authorization, Cookie" {
				t.Errorf("%s: Cache-Control %q, Vary %q", name, cached, w.Header().Get("Vary"))
			}
		}
	}
	for name := range scopesOf {
		if _, served := allRoutes(s)[name]; !served {
			t.Errorf("%s is not served", name)
		}
	}
}

// Whatever a statement asks for, ClickHouse leaves out the rows of accounts that are not the caller's.
func TestDB_Settings_OtherAccounts(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn)
	var tables []string
	if err := conn.QueryRow(t.Context(), "SELECT groupArray(table) FROM system.columns WHERE database = currentDatabase() "+
		"AND name = 'account'").Scan(&tables); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"attempts", "attempts_by_recipient", "number_health", "number_changes",
		"rollup_attempts", "recipient_events", "rollup_spend", "opt_outs"} {
		if !slices.Contains(tables, table) {
			t.Fatal(table)
		}
		for _, account := range []string{`it's "\`, "b"} {
			execute(t, conn, "INSERT INTO "+table+" (account) SETTINGS max_partitions_per_insert_block = 0 VALUES ($1)", account)
		}
		ctx := answer.WithCaller(t.Context(), &answer.Caller{Account: `it's "\`})
		var accounts []string
		if err := conn.QueryRow(s.db.Settings(ctx), "SELECT groupUniqArray(account) FROM "+table+" AS x").
			Scan(&accounts); err != nil || !slices.Equal(accounts, []string{`it's "\`}) {
			t.Errorf("%s: %q %v", table, accounts, err)
		}
	}
}

// An ingest key writes events of its own account alone, line by line.
func TestServer_Door_Events(t *testing.T) {
	conn := newConn(t)
	var produced [][]byte
	s := newServer(t, conn, withKeys, func(_ *Config, d *Deps) {
		d.Producer = producerFunc(func(_ context.Context, _, values [][]byte) error {
			produced = append(produced, values...)
			return nil
		})
	})
	key := makeKey(t, conn, "own", keys.Ingest)
	at := testNow.Format(time.RFC3339)
	line := func(account string) string {
		return querytest.AcmeEvent("m1", 1, "sms", "sent", at, fmt.Sprintf(`"submitted_at":%q,"account":%q`, at, account))
	}
	var reply eventsAnswer
	decode(t, bearer(s, key, http.MethodPost, "/v1/events", line("own")+"\n"+line("other")+"\n"+line("own")),
		http.StatusAccepted, &reply)
	if reply.Accepted != 2 || len(reply.Rejected) != 1 || reply.Rejected[0].Line != 2 ||
		!strings.Contains(reply.Rejected[0].Error, "account") || len(produced) != 2 {
		t.Errorf("%+v, produced %d", reply, len(produced))
	}
	if bytes.Contains(bytes.Join(produced, nil), []byte("other")) {
		t.Error("an event of another account was produced")
	}
	decode(t, bearer(s, adminKey, http.MethodPost, "/v1/events", line("other")), http.StatusAccepted, &reply)
}

// Unknown, expired and revoked keys are told alike, ten times a minute from an address.
func TestServer_Door_WrongKeys(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn, withKeys)
	good := makeKey(t, conn, "own", keys.Analyst)
	wrong := map[string]string{
		"unknown": "kaskad_unknown",
		"expired": makeKey(t, conn, "own", keys.Analyst, func(k *keys.Key) { k.ExpiresMS = time.Now().UnixMilli() - 1 }),
		"revoked": makeKey(t, conn, "own", keys.Analyst, func(k *keys.Key) { k.RevokedMS = 1 }),
		"longer":  good + "a",
		"nearly":  good[:len(good)-1],
	}
	answers := map[string]bool{}
	for name, key := range wrong {
		w := bearer(s, key, http.MethodGet, "/v1/definitions", "")
		wantProblem(t, w, http.StatusUnauthorized, "", "key")
		if answers[w.Body.String()] = true; w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %v", name, w.Header())
		}
		if strings.Contains(w.Body.String(), key) {
			t.Errorf("%s: the answer says the key", name)
		}
	}
	if len(answers) != 1 {
		t.Errorf("wrong keys are told apart: %v", slices.Collect(maps.Keys(answers)))
	}
	for range 5 {
		wantProblem(t, bearer(s, "kaskad_x", http.MethodGet, "/v1/definitions", ""), http.StatusUnauthorized, "")
	}
	w := bearer(s, "kaskad_x", http.MethodGet, "/v1/definitions", "")
	wantProblem(t, w, http.StatusTooManyRequests, "", "address")
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantProblem(t, querytest.PostJSON(handler(s), "/v1/session", `{"key":"kaskad_y"}`), http.StatusTooManyRequests, "")
	if w := bearer(s, good, http.MethodGet, "/v1/definitions", ""); w.Code != http.StatusOK {
		t.Errorf("a good key from the same address: %s", w.Body)
	}
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic " + good, good} {
		wantProblem(t, get(s, "/v1/definitions", "Authorization", header), http.StatusUnauthorized, "", "Bearer")
	}
}

// ClickHouse bounds a statement by the scopes of the key that it is for.
func TestDB_Settings_Limits(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn)
	of := func(scopes keys.Scopes) (rows, memory, seconds uint64) {
		ctx := answer.WithCaller(t.Context(), &answer.Caller{Account: "own", Scopes: scopes})
		if err := conn.QueryRow(s.db.SettingsFor(ctx, 15*time.Minute), "SELECT toUInt64(getSetting('max_rows_to_read')), "+
			"toUInt64(getSetting('max_memory_usage')), toUInt64(toFloat64(getSetting('max_execution_time')))").
			Scan(&rows, &memory, &seconds); err != nil {
			t.Fatal(err)
		}
		return rows, memory, seconds
	}
	adminRows, adminMemory, adminSeconds := of(keys.Admin)
	if adminRows != 0 || adminSeconds != 900 {
		t.Errorf("an admin reads %d rows in %d s", adminRows, adminSeconds)
	}
	before := uint64(0)
	for _, scopes := range []keys.Scopes{keys.Ingest, keys.Marketer, keys.Marketer | keys.CRM} {
		rows, memory, seconds := of(scopes)
		if rows <= before || memory == 0 || memory == adminMemory || seconds == 0 || seconds > 900 {
			t.Errorf("%s: %d rows, %d bytes, %d s", scopes, rows, memory, seconds)
		}
		before = rows
	}
	ctx := answer.WithCaller(t.Context(), &answer.Caller{Account: "own", Scopes: keys.Ingest})
	var n uint64
	err := conn.QueryRow(s.db.Settings(ctx), "SELECT sum(number) FROM numbers(20000000)").Scan(&n)
	if p := answer.AsProblem(err); err == nil || p.Status != http.StatusServiceUnavailable ||
		!strings.Contains(p.Detail, "rows") {
		t.Errorf("%v", err)
	}
}
