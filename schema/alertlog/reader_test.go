package alertlog

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/schema/alert"
	"kaskad/schema/errormap"
	"kaskad/schema/schematest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// asOf is a Friday.
var asOf = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

var lastHour = asOf.Unix()/3600 - 1

// cell is a row of rollup_attempts.
type cell struct {
	account, kind, channel, provider, operator, campaign string
	edition                                              uint64
	hour                                                 int64
	step                                                 uint8
	windowEnd                                            int64 // Unix seconds, 0 for long ago
	attempted, sent, failed, timed                       int64
	toDeliver, toRead                                    map[uint16]uint64
}

func publish(t testing.TB, conn driver.Conn, editions ...uint64) {
	t.Helper()
	for _, e := range editions {
		execute(t, conn, fmt.Sprintf("INSERT INTO editions (edition, published) VALUES (%d, false), (%d, true)", e, e))
	}
}

func execute(t testing.TB, conn driver.Conn, statement string) {
	t.Helper()
	if err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func insert(t testing.TB, conn driver.Conn, cells ...cell) {
	t.Helper()
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO rollup_attempts (account, kind, day, edition, bucket, "+
		"cohort, channel, provider, operator, campaign, step, window_end, attempted, sent, failed, timed, to_deliver, "+
		"to_read)")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		second := c.hour * 3600
		if c.kind == "" {
			c.kind = "difference"
		}
		if c.step == 0 {
			c.step = 1
		}
		if err := batch.Append(c.account, c.kind, time.Unix(second, 0).UTC(), c.edition, second, second+900, c.channel,
			c.provider, c.operator, c.campaign, c.step, c.windowEnd, c.attempted, c.sent, c.failed, c.timed,
			c.toDeliver, c.toRead); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

func newReader(conn driver.Conn) *Reader {
	return &Reader{Conn: conn,
		Maps: func(ctx context.Context) (*errormap.Maps, error) { return errormap.Read(ctx, conn) }}
}

// rule is one as an account puts it.
func rule(t testing.TB, text string) *alert.Rule {
	t.Helper()
	rules, err := alert.ReadJSON([]byte(`{"alerts":[` + text + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return &rules.Alerts[0]
}

// totals are the counts of an hour by group, as somebody adds them up who knows no statement.
type totals map[string]alert.Count

// read is what the reader says of an hour.
func read(t testing.TB, r *Reader, w Want, hour int64) totals {
	t.Helper()
	groups, err := r.Read(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	all := totals{}
	for account, of := range groups {
		for g, s := range of {
			if n := s.Total(hour, 1); n != (alert.Count{}) {
				all[account+" "+name(g)] = n
			}
		}
	}
	return all
}

func name(g alert.Group) string {
	return fmt.Sprintf("%s/%s/%s/%s", g.Channel, g.Provider, g.Operator, g.Campaign)
}

// Counts are those of what is published: builds and later differences, of no edition that died, of the accounts, groups
// and windows that are asked for.
func TestReader_Read_WhatIsPublished(t *testing.T) {
	conn := schematest.Conn(t)
	publish(t, conn, 1, 2, 3, 5)
	execute(t, conn, "INSERT INTO editions (edition, published) VALUES (4, false)")
	execute(t, conn, "INSERT INTO builds (account, day, build, cells) VALUES "+
		"('acme', '2026-11-18', 3, 1), ('acme', '2026-11-18', 4, 1)")
	within := map[uint16]uint64{schema.LatencyCell(60_000): 70, schema.LatencyCell(15 * 60_000): 5,
		schema.LatencyCell(3 * 3600_000): 10}
	taken := map[uint16]uint64{schema.LatencyCell(60_000): ^uint64(0)} // one less
	built := lastHour - 26
	insert(t, conn,
		cell{account: "acme", edition: 2, hour: lastHour, channel: "sms", provider: "mts", timed: 100, toDeliver: within},
		cell{account: "acme", edition: 5, hour: lastHour, channel: "sms", provider: "mts", timed: -1, toDeliver: taken},
		cell{account: "acme", edition: 4, hour: lastHour, channel: "sms", provider: "mts", timed: 999, toDeliver: within},
		cell{account: "acme", edition: 9, hour: lastHour, channel: "sms", provider: "mts", timed: 999, toDeliver: within},
		cell{account: "acme", edition: 2, hour: lastHour, channel: "sms", provider: "mts", operator: "b", step: 2, timed: 10, toDeliver: within},
		// its window is not over
		cell{account: "acme", edition: 2, hour: lastHour, channel: "sms", provider: "mts", timed: 50, toDeliver: within, windowEnd: asOf.Unix() - 600},
		cell{account: "acme", edition: 2, hour: lastHour, channel: "sms", provider: "smsc", timed: 30},
		cell{account: "beta", edition: 2, hour: lastHour, channel: "sms", provider: "mts", timed: 3, toDeliver: within},
		cell{account: "other", edition: 2, hour: lastHour, channel: "sms", provider: "mts", timed: 7},
		// of a day that was built
		cell{account: "acme", edition: 2, hour: built, channel: "sms", provider: "mts", timed: 400, toDeliver: within},
		cell{account: "acme", edition: 3, kind: "quarter", hour: built, channel: "sms", provider: "mts", timed: 400, toDeliver: within},
		cell{account: "acme", edition: 3, kind: "day", hour: built, channel: "sms", provider: "mts", timed: 4000, toDeliver: within},
		cell{account: "acme", edition: 4, kind: "quarter", hour: built, channel: "sms", provider: "mts", timed: 1, toDeliver: within},
		cell{account: "acme", edition: 5, hour: built, channel: "sms", provider: "mts", timed: 2, toDeliver: within})
	r := newReader(conn)
	for _, c := range []struct {
		rule string
		hour int64
		want totals
	}{
		{`{"id":"r","metric":"delivery"}`, lastHour, totals{"acme sms/mts//": {Num: 149, Den: 109}, "acme sms/smsc//": {Num: 0, Den: 30},
			"beta sms/mts//": {Num: 75, Den: 3}}},
		{`{"id":"r","metric":"delivery"}`, built, totals{"acme sms/mts//": {Num: 150, Den: 402}}},
		{`{"id":"r","metric":"delivery","after_minutes":240}`, lastHour,
			totals{"acme sms/mts//": {Num: 169, Den: 109}, "acme sms/smsc//": {Num: 0, Den: 30}, "beta sms/mts//": {Num: 85, Den: 3}}},
		{`{"id":"r","metric":"delivery","by":[],"only":{"provider":["mts"]}}`, lastHour,
			totals{"acme ///": {Num: 149, Den: 109}, "beta ///": {Num: 75, Den: 3}}},
		{`{"id":"r","metric":"delivery","by":["operator"]}`, lastHour,
			totals{"acme ///": {Num: 74, Den: 129}, "acme //b/": {Num: 75, Den: 10}, "beta ///": {Num: 75, Den: 3}}},
	} {
		one := rule(t, c.rule)
		for _, days := range []map[int64]bool{nil, alert.DaysOf(lastHour)} {
			w := Want{Rule: one, Accounts: []string{"acme", "beta"}, First: lastHour - alert.PastHours, Last: lastHour,
				Days: days, AsOfMS: asOf.UnixMilli()}
			if got := read(t, r, w, c.hour); !maps.Equal(got, c.want) {
				t.Errorf("%s at %d: %v, want %v", c.rule, c.hour, got, c.want)
			}
		}
	}
	accounts, err := r.Accounts(t.Context(), lastHour-100)
	if err != nil || !slices.Equal(accounts, []string{"acme", "beta", "other"}) {
		t.Errorf("%v %v", accounts, err)
	}
}

// Every metric reads what it says: opens of what was delivered, silence of first steps alone, failures by their class.
func TestReader_Read_Metrics(t *testing.T) {
	conn := schematest.Conn(t)
	publish(t, conn, 1)
	minute := map[uint16]uint64{schema.LatencyCell(60_000): 70}
	insert(t, conn,
		cell{account: "acme", edition: 1, hour: lastHour, channel: "viber", provider: "mts", attempted: 110, sent: 100, failed: 10, timed: 100, toDeliver: minute,
			toRead: map[uint16]uint64{schema.LatencyCell(60_000): 20, schema.LatencyCell(7200_000): 9}},
		cell{account: "acme", edition: 1, hour: lastHour, channel: "viber", provider: "mts", step: 2, campaign: "c", attempted: 5, sent: 5, timed: 5})
	for _, f := range []struct {
		code   string
		failed int64
	}{{"own-spam", 4}, {"own-block", 3}, {"nobody-knows", 2}, {"", 1}} {
		execute(t, conn, fmt.Sprintf("INSERT INTO rollup_failures (account, kind, day, edition, bucket, cohort, channel, "+
			"provider, step, error_code, failed) VALUES ('acme', 'difference', '2026-11-19', 1, %d, %d, 'viber', 'mts', 1, "+
			"'%s', %d)", lastHour*3600, lastHour*3600, f.code, f.failed))
	}
	if _, err := schema.InsertReference(t.Context(), conn, schema.ReferenceErrorMap, "acme", "test", 2,
		[]byte(`{"lines":[{"provider":"mts","code":"own-spam","class":"spam_filtered"},`+
			`{"provider":"mts","code":"own-block","class":"blocked_by_user"}],"aliases":[]}`), asOf); err != nil {
		t.Fatal(err)
	}
	execute(t, conn, fmt.Sprintf("INSERT INTO rejected (topic, partition, offset, line, reason, at_ms) VALUES "+
		"('t', 0, 1, 0, 'x', %d), ('t', 0, 1, 0, 'x', %d), ('t', 0, 2, 0, 'x', %d)", lastHour*3600_000+5,
		lastHour*3600_000+5, lastHour*3600_000+6))
	r := newReader(conn)
	for metric, want := range map[string]totals{
		`"open"`: {"acme viber///": {Num: 20, Den: 70}}, `"silent"`: {"acme viber/mts//": {Num: 110, Den: 0}},
		`"filtered"`: {"acme viber/mts//": {Num: 4, Den: 115}}, `"blocked"`: {"acme viber/mts//": {Num: 3, Den: 115}},
		`"unmapped"`: {"acme viber/mts//": {Num: 2, Den: 10}}, `"dead_letters"`: {"acme ///": {Num: 2, Den: 0}},
		`"delivery","by":["campaign"]`: {"acme ///": {Num: 70, Den: 100}, "acme ///c": {Num: 0, Den: 5}},
	} {
		w := At(rule(t, `{"id":"r","metric":`+metric+`}`), []string{"acme"}, lastHour, asOf.UnixMilli())
		if got := read(t, r, w, lastHour); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", metric, got, want)
		}
	}
}

// What a try finds is what judging hour by hour finds, each from what is read for it alone.
func TestTry_AsHourByHour(t *testing.T) {
	conn := schematest.Conn(t)
	publish(t, conn, 1)
	random := rand.New(rand.NewPCG(7, 7))
	// An hour is a question of its own.
	days := int64(enginetest.World(t, 4, 14, 14))
	first, fell, rose := lastHour-days*24, lastHour-60, lastHour-30
	var cells []cell
	for hour := lastHour - alert.PastHours - 20*24; hour <= lastHour; hour++ {
		for _, provider := range []string{"mts", "smsc"} {
			n := 400 + random.Int64N(200)
			delivered := n * 9 / 10
			if provider == "mts" && hour >= fell && hour < rose {
				delivered = n / 2
			}
			cells = append(cells, cell{account: "acme", edition: 1, hour: hour, channel: "sms", provider: provider,
				timed: n, toDeliver: map[uint16]uint64{schema.LatencyCell(5000): uint64(delivered)}})
		}
	}
	insert(t, conn, cells...)
	r, one := newReader(conn), rule(t, `{"id":"r","metric":"delivery"}`)
	tried, err := Try(t.Context(), r, one, "acme", first, lastHour, asOf.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	state := alert.NewState()
	byHour := map[string]alert.Event{}
	for hour := first; hour <= lastHour; hour++ {
		groups, err := r.Read(t.Context(), At(one, []string{"acme"}, hour, asOf.UnixMilli()))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range one.Walk("acme", 0, groups["acme"], hour, state) {
			state.Note(&e)
			byHour[e.ID] = e
		}
	}
	if len(tried.Events) != 1 || len(byHour) != 1 || len(tried.Unpriced) > 0 ||
		!reflect.DeepEqual(tried.Events[0], byHour[tried.Events[0].ID]) {
		t.Fatalf("%+v, by hour %+v", tried, byHour)
	}
	e := tried.Events[0]
	if e.Provider != "mts" || e.SinceMS != fell*alert.HourMS || e.UntilMS != rose*alert.HourMS ||
		e.Ended != alert.EndedCalm || e.Now > 0.6 || e.Before < 0.85 || e.Low < 0.6 {
		t.Errorf("%+v", e)
	}
}
