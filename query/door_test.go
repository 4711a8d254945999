package query

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/erasure"
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

const (
	foreignAccount, foreignMark = "zzforeign", "zzforeign"
	foreignNumber               = "+79998887766"
	foreignMessage              = "zzforeign-message"
)

// foreignData stores something of two accounts wherever accounts have data: what the foreign one has bears its mark.
func foreignData(t *testing.T, conn driver.Conn) {
	t.Helper()
	at := testNow.Add(-30 * time.Hour).Truncate(time.Hour)
	var cells []cell
	var rows []folded
	for i, account := range []string{"own", foreignAccount} {
		number, mark := foreignNumber, foreignMark
		if account == "own" {
			number, mark = "+79001112233", "mine"
		}
		c := cell{account: account, bucket: at, cohort: at, generation: 1, channel: "sms", provider: mark,
			campaign: mark, template: mark, sender: mark, operator: mark, step: 1, counts: [14]int64{1, 1, 1},
			minMS: at.UnixMilli(), maxMS: at.UnixMilli()}
		cells = append(cells, c)
		rows = append(rows, folded{cell: c, recipient: number, contact: "user:" + mark, message: mark + "-message",
			cohortMS: at.UnixMilli(), startMS: at.UnixMilli(), deliveredMS: at.UnixMilli() + 1, sent: true,
			delivered: true, segments: 1, smsSegments: 1})
		execute(t, conn, "INSERT INTO number_health (account, number, version, state, rule, since_ms) VALUES "+
			"($1, $2, 1, 'dead', 'hard', 1000), ($1, $3, 1, 'dead', 'hard', 1000)", account, number, number[:11]+"7")
		execute(t, conn, "INSERT INTO number_changes (account, number, seq, `from`, `to`, rule) VALUES "+
			"($1, $2, $3, 'active', 'dead', 'hard'), ($1, $2, $4, 'active', 'dead', 'hard')", account, number,
			uint64(1+2*i), uint64(2+2*i))
		execute(t, conn, "INSERT INTO recipient_events (account, recipient, status, channel, app, occurred_ms, contact) "+
			"SELECT $1, $2, status, 'push', $3, $4, $3 FROM (SELECT arrayJoin([$5, $6, $7]) AS status)", account, number,
			mark, at.UnixMilli(), uint8(schema.Subscribed), uint8(schema.Blocked), uint8(schema.Complained))
		execute(t, conn, "INSERT INTO routes (account, channel, provider, delivery, reads, bound, settling_days, version) "+
			"VALUES ($1, 'sms', $2, 1, 0, 'none', 3, 1)", account, mark)
		querytest.PutPrices(t, conn, schema.ReferenceTariffs, account, querytest.TariffRow("sms", "per_segment_sent",
			"2.00", "provider", mark))
		querytest.PutPrices(t, conn, schema.ReferenceTemplates, account, fmt.Sprintf(`{"template":%q,"sms_segments":2,`+
			`"valid_from":"2026-01-01T00:00:00Z","valid_to":null}`, mark))
		querytest.StoreEvents(t, conn, querytest.AcmeEvent(mark+"-message", 1, "sms", "delivered",
			at.Format(time.RFC3339), fmt.Sprintf(`"account":%q,"recipient":%q,"campaign":%q,"contact":%q,"submitted_at":%q`,
				account, number, mark, "user:"+mark, at.Format(time.RFC3339))))
		if _, err := erasure.Request(t.Context(), conn, &erasure.Key{1}, account, number+"9", mark, testNow); err != nil {
			t.Fatal(err)
		}
		makeKey(t, conn, account, keys.Analyst, func(k *keys.Key) { k.Note = mark })
	}
	insertCells(t, conn, cells)
	insertFolded(t, conn, rand.New(rand.NewPCG(1, 1)), rows)
	publish(t, conn, cells)
}

// tells tells whether an answer says anything of the foreign account, besides what was asked.
func tells(w *httptest.ResponseRecorder, asked string) bool {
	all := w.Body.String() + fmt.Sprint(w.Header())
	for _, mark := range []string{foreignMark, foreignNumber[1:]} {
		if strings.Contains(all, mark) && !strings.Contains(asked, mark) {
			return true
		}
	}
	return false
}

// parameters are the names that a route takes, as it says itself.
func parameters(s *Server, route answer.Route) []string {
	w := bearer(s, adminKey, route.Method, places(route.Path)+"?zz=1", "{}")
	var p answer.Problem
	if json.Unmarshal(w.Body.Bytes(), &p) != nil || len(p.Errors) == 0 {
		return nil
	}
	_, names, _ := strings.Cut(p.Errors[0].Reason, "must be one of ")
	return strings.Fields(names)
}

// namesPeople are parameters that numbers stand in.
var namesPeople = []string{"number", "recipient", "contact", "search", "why"}

// A key of one account gets nothing of another by any route, parameter, cursor, header or body.
func TestServer_Door_ForeignAccount(t *testing.T) {
	conn := newConn(t)
	foreignData(t, conn)
	s := newServer(t, conn, withKeys, func(c *Config, d *Deps) {
		c.ErasureKey = &erasure.Key{1}
		d.Producer = producerFunc(func(context.Context, [][]byte, [][]byte) error { return nil })
	})
	s.stop.Do(func() { close(s.gate.Stopping) }) // nobody waits for a verdict that no aggregator gives
	own, foreign := makeKey(t, conn, "own", everyScope), makeKey(t, conn, foreignAccount, everyScope)
	var seen []string
	walked := 0
	for name, route := range allRoutes(s) {
		if route.For == answer.Open || route.Method == http.MethodDelete && route.Path == "/v1/session" {
			continue
		}
		path := places(route.Path)
		ask := func(key, query, body string, headers ...string) *httptest.ResponseRecorder {
			if query != "" {
				query = "?" + query
			}
			walked++
			return bearer(s, key, route.Method, path+query, body, headers...)
		}
		body := bodyOf(route, "own")
		foreignBody := bodyOf(route, foreignAccount)
		check := func(what string, w *httptest.ResponseRecorder, asked string) {
			t.Helper()
			if w.Code >= 500 && w.Code != http.StatusServiceUnavailable || tells(w, asked) {
				t.Errorf("%s, %s: %d tells of another account: %s %v", name, what, w.Code, w.Body, w.Header())
			}
		}
		// What others get, its owner gets: otherwise there would be nothing to see.
		if route.Method == http.MethodGet && route.For != answer.ForAdminsOfAll {
			if w := ask(foreign, "", ""); w.Code == http.StatusOK && tells(w, "") {
				seen = append(seen, name)
			}
		}
		asked := ""
		if strings.Contains(route.Path, ":") {
			asked = places(route.Path) + foreignNumber
		}
		check("as it is", ask(own, "", body), asked+body)
		for _, account := range []string{foreignAccount, "nobody"} {
			w := ask(own, "account="+account, body)
			wantProblem(t, w, http.StatusForbidden, "")
			check("account", w, asked)
			wantProblem(t, ask(own, "account=own&account="+account, body), http.StatusForbidden, "")
		}
		if foreignBody != body {
			w := ask(own, "", foreignBody)
			if w.Code != http.StatusForbidden && name != "POST /v1/events" {
				t.Errorf("%s with a body of another account: %d %s", name, w.Code, w.Body)
			}
			check("body", w, asked+foreignBody)
		}
		for _, parameter := range parameters(s, route) {
			for _, value := range []string{foreignMark, foreignNumber} {
				q := url.Values{parameter: {value}}.Encode()
				// Of its own lists an account says what it likes.
				if parameter == "account" || parameter == "why" && value == foreignMark {
					continue
				}
				// What names a person may be a number; of the others make test-long alone tries both.
				if value == foreignNumber && !enginetest.Long() && !slices.Contains(namesPeople, parameter) {
					continue
				}
				check(q, ask(own, q, body), asked+value)
			}
		}
		if route.Method != http.MethodDelete { // an erasure takes its time
			check("headers", ask(own, "", body, "X-Account", foreignAccount, "Kaskad-Account", foreignAccount,
				"X-Forwarded-User", foreignAccount, "If-Match", `"1"`, "If-None-Match", `"1"`, "Cookie",
				"kaskad="+foreignAccount+"; account="+foreignAccount, "X-Original-URL", "/v1/keys?account="+foreignAccount,
				"X-HTTP-Method-Override", "GET"), asked+body)
		}
		// Cursors that others were given.
		for _, given := range [][2]string{{foreign, "limit=1"}, {adminKey, "limit=1"},
			{adminKey, "limit=1&account=" + foreignAccount}, {adminKey, "limit=1&group_by=account"},
			{foreign, "limit=1&group_by=account,campaign"}} {
			if route.Method != http.MethodGet {
				continue
			}
			var page pageAnswer
			w := ask(given[0], given[1], "")
			if w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &page) != nil || page.NextCursor == nil {
				continue
			}
			for _, q := range []string{"limit=1", given[1], "limit=1&account=own", "limit=1&account=" + foreignAccount} {
				q += "&cursor=" + url.QueryEscape(*page.NextCursor)
				if w := ask(own, q, ""); w.Code == http.StatusOK || tells(w, q) {
					t.Errorf("%s?%s takes a cursor of another account: %d %s", name, q, w.Code, w.Body)
				}
			}
		}
	}
	if slices.Sort(seen); len(seen) < 14 || walked < 500 {
		t.Errorf("only %v show what their account has, and %d requests were sent", seen, walked)
	}
	// Keys of others are not there.
	var list pageAnswer
	decode(t, bearer(s, adminKey, http.MethodGet, "/v1/keys?account="+foreignAccount, ""), http.StatusOK, &list)
	for _, row := range list.Rows {
		wantProblem(t, bearer(s, own, http.MethodDelete, "/v1/keys/"+row["id"].(string), ""), http.StatusNotFound, "")
	}
	if w := bearer(s, foreign, http.MethodGet, "/v1/keys", ""); w.Code != http.StatusOK {
		t.Errorf("a key was revoked by another account: %s", w.Body)
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
