package messages

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema/keys"
	"kaskad/schema/schematest"
)

// oddFactsSQL stores attempts of every kind: parts, prices by currency and part, several codes, texts that are not
// UTF-8, messages without a cohort. Most fields of most rows are empty, as they are in production.
const oddFactsSQL = `
INSERT INTO events (account, bucket, message_id, step, status, occurred_ms, submitted_ms, id_ms, channel, provider,
	campaign, template, sender, app, operator, traffic, trigger, recipient_country, said_country, contact, segments,
	sms_segments, part, parts, error_code, permanent, price_micros, currency, billable)
SELECT ['acme', 'it''s "\\', 'c'][1 + m % 3], toDateTime('2026-11-18 10:00:00', 'UTC') + 3600 * (m % 5),
	concat('m-', toString(m)), 1 + r % 3, [1, 2, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 20][1 + r % 13] AS kind,
	1794996000000 + r % 7200000, if(m % 17 = 0, 0, 1794996000000 + 3600000 * (m % 5)), if(m % 11 = 0, 1794996000000, 0),
	['sms', 'viber', 'whatsapp', 'push', 'email'][1 + r % 5], if(r % 4 = 0, 'mts', ''),
	if(m % 2 = 0, concat('c-', toString(m % 400)), ''), if(m % 31 = 0, 't', ''), if(r % 37 = 0, unhex('C3'), ''),
	if(r % 41 = 0, 'app', ''), if(r % 43 = 0, 'op', ''), if(r % 3 = 0, 'promo', ''), if(r % 3 > 0, 'first', 'expired'),
	concat('+7900', leftPad(toString(m % 900), 7, '0'), unhex('00'), 'RU'), if(r % 47 = 0, 'KZ', ''),
	if(m % 3 = 0, concat('user-', toString(m % 700), if(m % 9 = 0, unhex('FF'), '')), ''), if(r % 5 = 0, 2, 0),
	if(r % 7 = 0, 3, 0), if(kind IN (4, 8, 10) AND r % 6 = 0, 1 + r % 200, 0) AS of_part, if(of_part > 0, 200, 0),
	if(kind IN (8, 9, 10, 11) AND r % 2 = 0, toString(r % 5), ''), r % 97 = 0, if(r % 19 = 0, r % 5000000, 0),
	if(r % 19 = 0, ['RUB', 'USD'][1 + r % 2], ''), r % 53 = 0
FROM (SELECT intDiv(number, 4) AS m, cityHash64(number) AS r FROM numbers(24000))`

// An export is the same read by columns as by rows, whatever facts say, and however they lie on disk.
func TestMessages_List_ColumnsAsRows(t *testing.T) {
	conn, columns := schematest.ConnColumns(t)
	querytest.Execute(t, conn, oddFactsSQL)
	querytest.Execute(t, conn, campaignCells)
	querytest.Execute(t, conn, campaignDialogs)
	querytest.Execute(t, conn, `INSERT INTO attempts_by_recipient (account, recipient, person, bucket, message_id, step,
			generation, cohort_ms)
		SELECT account, splitByChar(char(0), recipient_country)[1], contact, bucket, message_id, step, 1,
			least(submitted_ms, id_ms)
		FROM attempts FINAL`)
	querytest.Publish(t, conn, 1)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.5"),
		querytest.TariffRow("viber", "per_conversation_24h", "1.25"))
	read := func(h http.Handler, query string) string {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/v1/messages?limit=all&format=ndjson"+query, nil)
		r = r.WithContext(answer.WithCaller(r.Context(), &answer.Caller{All: true, Scopes: keys.CRM}))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", query, w.Code, w.Body)
		}
		return w.Body.String()
	}
	byRows, byColumns := newRoom(t, conn), newRoom(t, conn, withColumns(columns))
	for _, laid := range []string{"SELECT 1", "OPTIMIZE TABLE attempts FINAL"} {
		querytest.Execute(t, conn, laid)
		for query, least := range map[string]int{"": 4000, "&campaign=c-2": 10, "&account=" + url.QueryEscape(`it's "\`): 1000,
			"&recipient=%2B79000000007": 5, "&contact=user-3": 1, "&from=2026-11-18T12:00:00Z": 1000} {
			want, got := read(byRows, query), read(byColumns, query)
			if lines := strings.Count(want, "\n"); lines < least {
				t.Errorf("%s: %d lines, want %d at least", query, lines, least)
			}
			if got != want {
				t.Errorf("%s after %s: %d lines by columns, %d by rows: %s", query, laid, strings.Count(got, "\n"),
					strings.Count(want, "\n"), firstDifference(got, want))
			}
		}
	}
}

// firstDifference shows the first line that two texts do not share.
func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] + "\nwant " + b[i]
		}
	}
	return "one ends where the other goes on"
}
