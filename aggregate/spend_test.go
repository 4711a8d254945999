package aggregate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// spendCells prints the visible cells of attempts with what their leg, code and shape say, by account and in order.
func spendCells(t *testing.T, conn driver.Conn) map[string][]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT r.account, concat(formatDateTime(r.cohort, '%H:%i'), ' ', r.campaign, ' ', r.template, ' ', toString(r.step), ' ', l.channel,
			' code ', toString(r.code), ' computed ', toString(r.computed_segments), ' message ', toString(r.message_segments), '/', r.message_template,
			' in [', l.currencies, '] ', toString(r.reported), ' of ', toString(length(s.legs)),
			if(has(s.legs, r.leg) AND has(s.codes, r.code) AND s.sms_segments = r.message_segments, '', ' NOT OF ITS SHAPE'), ': ', toString(sum(r.attempts)))
		FROM (SELECT account, cohort, campaign, template, step, leg, code, computed_segments, shape, message_segments, message_template,
			sumMap(reported) AS reported, sum(attempts) AS attempts FROM `+published("rollup_spend", "quarter")+` GROUP BY ALL HAVING attempts != 0) AS r LEFT JOIN (SELECT * FROM legs FINAL) AS l ON l.account = r.account AND l.leg = r.leg
		LEFT JOIN (SELECT * FROM shapes FINAL) AS s ON s.account = r.account AND s.shape = r.shape
		GROUP BY r.account, r.cohort, r.campaign, r.template, r.step, l.channel, r.code, r.computed_segments, r.message_segments, r.message_template, l.currencies, r.reported, s.legs,
			r.leg, s.codes, s.sms_segments ORDER BY ALL`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	cells := map[string][]string{}
	for rows.Next() {
		var account, cell string
		if err := rows.Scan(&account, &cell); err != nil {
			t.Fatal(err)
		}
		cells[account] = append(cells[account], cell)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return cells
}

// Every attempted step is in one cell, with dimensions of its own and what its message's price depends on.
func TestAggregator_Spend_Cells(t *testing.T) {
	at := noon.Add(-20 * time.Hour)
	send := func(id, status string, members ...string) string {
		return line(id, status, at, append(submitted(at), members...)...)
	}
	cases := map[string]struct {
		events []string
		want   []string
	}{
		"alike": {[]string{send("m", "sent", "campaign", `"c"`), send("n", "sent", "campaign", `"c"`)},
			[]string{"04:00 c  1 sms code 1 computed 0 message 0/ in [] {} of 1: 2"}},
		"segments of the provider and of the text": {
			[]string{send("m", "delivered", "segments", "3", "sms_segments", "2", "template", `"t"`)},
			[]string{"04:00  t 1 sms code 771 computed 2 message 2/ in [] {} of 1: 1"}},
		"segments of what is no SMS, or was not sent": {
			[]string{send("m", "rejected", "segments", "3", "sms_segments", "2"),
				send("n", "sent", "channel", `"viber"`, "segments", "3", "sms_segments", "2"),
				send("o", "sent", "sms_segments", "2")},
			[]string{"04:00   1 sms code 1 computed 0 message 2/ in [] {} of 1: 1",
				"04:00   1 sms code 776 computed 0 message 2/ in [] {} of 1: 1",
				"04:00   1 viber code 769 computed 0 message 2/ in [] {} of 1: 1"}},
		"steps with names of their own": {
			[]string{send("m", "undelivered", "channel", `"viber"`, "campaign", `"a"`, "template", `"z"`),
				send("m", "delivered", "step", "2", "campaign", `"b"`, "template", `"y"`)},
			[]string{"04:00 a z 1 viber code 9 computed 0 message 0/z in [] {} of 2: 1",
				"04:00 b y 2 sms code 3 computed 0 message 0/z in [] {} of 2: 1"}},
		"segments of another step": {
			[]string{send("m", "sent", "segments", "1", "sms_segments", "1", "template", `"t"`),
				send("m", "sent", "step", "2", "segments", "1", "sms_segments", "4", "template", `"t"`)},
			[]string{"04:00  t 1 sms code 257 computed 1 message 4/ in [] {} of 2: 1",
				"04:00  t 2 sms code 257 computed 4 message 4/ in [] {} of 2: 1"}},
		"a skipped step": {[]string{send("m", "skipped", "channel", `"push"`), send("m", "sent", "step", "2")},
			[]string{"04:00   2 sms code 1 computed 0 message 0/ in [] {} of 1: 1"}},
		"prices in two currencies, and of parts": {
			[]string{send("m", "sent", "price", `"1.50"`, "currency", `"RUB"`),
				send("m", "delivered", "price", `"0.01"`, "currency", `"EUR"`),
				send("n", "sent", "price", `"1.50"`, "currency", `"RUB"`, "part", "1", "parts", "2"),
				send("n", "sent", "price", `"1.25"`, "currency", `"RUB"`, "part", "2", "parts", "2"),
				send("o", "sent", "price", `"0"`, "currency", `"RUB"`)},
			[]string{"04:00   1 sms code 1 computed 0 message 0/ in [RUB] {'RUB':2750000} of 1: 2",
				"04:00   1 sms code 3 computed 0 message 0/ in [EUR,RUB] {'EUR':10000,'RUB':1500000} of 1: 1"}},
		"prices of steps": {
			[]string{send("m", "sent", "price", `"1000000000"`, "currency", `"RUB"`),
				send("m", "sent", "step", "2", "price", `"2"`, "currency", `"RUB"`)},
			[]string{"04:00   1 sms code 1 computed 0 message 0/ in [RUB] {'RUB':1000000000000000} of 2: 1",
				"04:00   2 sms code 1 computed 0 message 0/ in [RUB] {'RUB':2000000} of 2: 1"}},
		"a quarter hour later": {[]string{line("m", "sent", at, submitted(at.Add(15*time.Minute))...),
			send("n", "sent")},
			[]string{"04:00   1 sms code 1 computed 0 message 0/ in [] {} of 1: 1",
				"04:15   1 sms code 1 computed 0 message 0/ in [] {} of 1: 1"}},
		"not located": {[]string{line("m", "sent", at)}, nil},
	}
	conn := connect(t)
	for name, c := range cases {
		events := strings.ReplaceAll(strings.Join(c.events, ""), `"account":"a"`, fmt.Sprintf(`"account":%q`, name))
		load(t, conn, name, []byte(events), noon)
	}
	settle(t, newAggregator(conn, noon))
	got := spendCells(t, conn)
	for name, c := range cases {
		if !slices.Equal(got[name], c.want) {
			t.Errorf("%s: cells\n%s\nwant\n%s", name, strings.Join(got[name], "\n"), strings.Join(c.want, "\n"))
		}
	}
}
