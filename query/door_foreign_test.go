package query

import (
	"context"
	"encoding/json"
	"fmt"
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
