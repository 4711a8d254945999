package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema"
)

func TestServer_Status_Balance(t *testing.T) {
	conn := newConn(t)
	ctx := t.Context()
	ledger := []schema.Ledger{{Partition: 0, Offset: 100, Consumed: 100, Stored: 80, Rejected: 10, Parked: 6, Empty: 4},
		{Partition: 1, Offset: 100, Consumed: 7, Stored: 6, Parked: 1}}
	for _, err := range []error{
		schema.InsertLedger(ctx, conn, "kaskad", "kaskad.events",
			[]schema.Ledger{{Partition: 0, Offset: 50, Consumed: 50, Stored: 50}}, 1),
		schema.InsertLedger(ctx, conn, "kaskad", "kaskad.events", ledger, 2),
		schema.InsertLedger(ctx, conn, "other", "kaskad.events", ledger, 2),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	// Seven events were parked; one was read twice, two were joined since, one expired.
	for range 2 {
		querytest.StoreEvents(t, conn, querytest.AcmeEvent("a", 1, "sms", "sent", "2026-11-18T10:00:00Z"),
			querytest.AcmeEvent("a", 1, "sms", "delivered", "2026-11-18T10:00:00Z"),
			querytest.AcmeEvent("b", 1, "sms", "sent", "2026-11-18T10:00:00Z"),
			querytest.AcmeEvent("c", 1, "sms", "sent", "2026-11-18T10:00:00Z"),
			querytest.AcmeEvent("d", 1, "sms", "sent", "2026-11-18T10:00:00Z"),
			querytest.AcmeEvent("e", 1, "sms", "sent", "2026-11-18T10:00:00Z"),
			querytest.AcmeEvent("f", 1, "sms", "sent", "2026-11-18T10:00:00Z"))
	}
	execute(t, conn, "INSERT INTO orphan_ends VALUES ('kaskad.events', 1, 0, 1, 'joined'), ('kaskad.events', 1, 1, "+
		"1, 'joined'), ('kaskad.events', 1, 2, 1, 'expired')")
	execute(t, conn, "INSERT INTO orphan_ends VALUES ('kaskad.events', 1, 0, 1, 'joined')")
	// Beyond the ledger: still in flight.
	execute(t, conn, "INSERT INTO orphan_ends VALUES ('kaskad.events', 1, 100, 1, 'joined'), ('kaskad.events', 2, 0, "+
		"1, 'joined')")
	execute(t, conn, "INSERT INTO split_messages VALUES ('acme', 'x'), ('acme', 'x'), ('zeta', 'x')")
	execute(t, conn, "INSERT INTO shared_attempts VALUES ('acme', 'x', 1), ('acme', 'x', 1), ('acme', 'x', 2), "+
		"('zeta', 'x', 1)")
	execute(t, conn, `INSERT INTO touched VALUES ('acme', 3600, '00000000-0000-0000-0000-000000000001', 1, 1), ('acme', 3600, '00000000-0000-0000-0000-000000000002', 1, 1),
		('acme', 7200, '00000000-0000-0000-0000-000000000003', 1, 1), ('acme', 7200, '00000000-0000-0000-0000-000000000003', 1, -1),
		('', 0, '00000000-0000-0000-0000-000000000004', 1, 1)`)
	// Messages changed in a bucket that is touched besides, and in two others; one batch is done, one not announced
	// yet.
	execute(t, conn, `INSERT INTO touched VALUES ('', 3600, '00000000-0000-0000-0000-000000000005', 1, 1), ('', 3600, '00000000-0000-0000-0000-000000000006', 1, 1),
		('', 3600, '00000000-0000-0000-0000-000000000007', 1, 1), ('', 3600, '00000000-0000-0000-0000-000000000007', 1, -1)`)
	execute(t, conn, `INSERT INTO changes (batch, account, bucket, message_id) VALUES
		('00000000-0000-0000-0000-000000000005', 'acme', 3600, 'a'), ('00000000-0000-0000-0000-000000000005', 'acme', 10800, 'b'),
		('00000000-0000-0000-0000-000000000005', 'acme', 10800, 'c'), ('00000000-0000-0000-0000-000000000006', 'acme', 10800, 'b'),
		('00000000-0000-0000-0000-000000000006', 'zeta', 3600, 'a'), ('00000000-0000-0000-0000-000000000007', 'acme', 14400, 'd'),
		('00000000-0000-0000-0000-000000000008', 'acme', 18000, 'e')`)
	execute(t, conn, "INSERT INTO freshness (as_of_ms, pending_buckets, at) VALUES (1, 9, now64(3) - 5), ($1, 2, "+
		"now64(3))", testNow.Add(-1500*time.Millisecond).UnixMilli())
	execute(t, conn, "INSERT INTO audits (at, account, day, hours, differences) VALUES ('2026-11-18 23:00:00', "+
		"'acme', '2026-11-18', 24, 0), ('2026-11-19 23:00:00', 'acme', '2026-11-17', 3, 3), ('2026-01-01 00:00:00', "+
		"'acme', '2026-11-17', 9, 9)")
	s := newServer(t, conn, func(c *Config, d *Deps) {
		c.Fixed = false
		d.Lag = func(context.Context) (int64, error) { return 42, nil }
		d.InFlight = func() (uint64, uint64) { return 3, 3 }
		d.Disk = func() Disk { return Disk{1, 9, "warning"} }
	})
	want := `{"kafka":{"brokers":["127.0.0.1:9092"],"topic":"kaskad.events","dead_letter_topic":"kaskad.rejected"},` +
		`"lag_events":42,"lag_seconds":1.5,"as_of":"2026-11-19T23:59:58.500Z",` +
		`"balance":{"consumed":110,"stored":88,"rejected":11,"parked":4,"in_flight":3,"empty":4},` +
		`"pending_buckets":4,"pending_numbers":0,"split_messages":2,"shared_messages":3,` +
		`"losses":{"broken_parts":[],"hours":[],"rereading":0},` +
		`"audit":{"hours":27,"at":"2026-11-19T23:00:00.000Z","differences":3},` +
		`"now":"2026-11-20T00:00:00.000Z","engine":{"version":"26.7","embedded":true},` +
		`"disk":{"free_bytes":1,"total_bytes":9,"state":"warning"}}`
	if got := strings.TrimSpace(get(s, "/v1/status").Body.String()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	// What is not known is null, and one missing part withholds nothing else.
	bare := newServer(t, conn, func(c *Config, d *Deps) {
		c.EngineVersion = ""
		d.Lag = func(context.Context) (int64, error) { return 0, errors.New("no broker") }
	})
	var reply statusAnswer
	decode(t, get(bare, "/v1/status"), http.StatusOK, &reply)
	if reply.LagEvents != nil || reply.Engine.Version == "" || *reply.AsOf != "2026-11-20T00:00:00.000Z" ||
		*reply.LagSeconds != "0" {
		t.Errorf("bare: %+v", reply)
	}
	if b := reply.Balance; b.Consumed != b.Stored+b.Rejected+b.Parked+b.InFlight+b.Empty {
		t.Errorf("the balance does not hold: %+v", b)
	}
}

type pinger struct {
	records
	err error
}

func (p *pinger) Ping(context.Context) error { return p.err }

func TestServer_Ready(t *testing.T) {
	options, err := clickhouse.ParseDSN(enginetest.ClickHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	producer := &pinger{}
	s := newServer(t, conn, func(c *Config, d *Deps) { c.Fixed, d.Producer = false, producer })
	wantProblem(t, get(s, "/readyz"), http.StatusServiceUnavailable, "", "kaskad migrate",
		"attempts, attempts_by_recipient, audits, broken_parts, builds")
	wantProblem(t, get(s, "/v1/reports/channels"), http.StatusServiceUnavailable, "", "kaskad migrate")
	db := clickhouse.OpenDB(options)
	defer db.Close()
	if _, err := schema.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, get(s, "/readyz"), http.StatusServiceUnavailable, "", "not published anything yet")
	// All tables are there, and not yet the columns of the last migration.
	_, latest, err := schema.Reached(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	execute(t, conn, fmt.Sprintf("DELETE FROM goose_db_version WHERE version_id = %d SETTINGS "+
		"lightweight_deletes_sync = 2", latest))
	wantProblem(t, get(s, "/readyz"), http.StatusServiceUnavailable, "", "is being migrated")
	execute(t, conn, fmt.Sprintf("INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, 1)", latest))
	execute(t, conn, "INSERT INTO freshness (as_of_ms, at) VALUES (1, now64(3) - 40)")
	wantProblem(t, get(s, "/readyz"), http.StatusServiceUnavailable, "", "silent for 4")
	execute(t, conn, "INSERT INTO freshness (as_of_ms) VALUES (1)")
	if w := get(s, "/readyz"); w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"status":"ready"}` {
		t.Errorf("ready: %d %s", w.Code, w.Body)
	}
	producer.err = errors.New("connection refused")
	wantProblem(t, get(s, "/readyz"), http.StatusServiceUnavailable, "", "kafka does not answer")

	gone, err := clickhouse.Open(&clickhouse.Options{Addr: []string{"127.0.0.1:1"}, DialTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s = newServer(t, gone)
	wantProblem(t, get(s, "/readyz"), http.StatusServiceUnavailable, "", "ClickHouse does not answer")
	wantProblem(t, get(s, "/v1/reports/channels"), http.StatusServiceUnavailable, "", "cannot be reached")
	if w := get(s, "/healthz"); w.Code != http.StatusOK {
		t.Errorf("health without ClickHouse: %d", w.Code)
	}
}

// A query that takes too long ends, and says what helps.
func TestServer_Channels_TooSlow(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn, func(c *Config, _ *Deps) { c.QueryTime = time.Nanosecond })
	wantProblem(t, get(s, "/v1/reports/channels"), http.StatusServiceUnavailable, "", "took too long")
}

func TestServer_Definitions_Complete(t *testing.T) {
	s := newServer(t, newConn(t))
	var reply struct {
		definitions
		GroupBy []string           `json:"group_by"`
		Routes  []store.Capability `json:"routes"`
	}
	decode(t, get(s, "/v1/definitions"), http.StatusOK, &reply)
	var fields []string
	for _, m := range reply.Metrics {
		if m.Formula == "" || m.Over == "" || m.Null == "" ||
			(m.Kind == "rate") != (m.Numerator != "" && m.Denominator != "") {
			t.Errorf("%s lacks something: %+v", m.Name, m)
		}
		fields = append(fields, m.Fields...)
	}
	want := reportNamed(t, "channels").Columns()
	if !slices.Equal(slices.Sorted(slices.Values(fields)), slices.Sorted(slices.Values(want))) {
		t.Errorf("defined are %v\nreported are %v", fields, want)
	}
	if !slices.Equal(reply.GroupBy, rollup.ChannelKeys.Names()) {
		t.Errorf("group_by: %v", reply.GroupBy)
	}
	lines := map[string]store.Capability{}
	for _, r := range reply.Routes {
		lines[r.Channel+"/"+r.Provider] = r
	}
	for _, channel := range schema.Channels.Names() {
		if _, found := lines[channel+"/*"]; !found {
			t.Errorf("no route of %s", channel)
		}
	}
	if r := lines["viber/*"]; !r.Delivery || !r.Reads || *r.Bound != "lower" || r.SettlingDays != 14 {
		t.Errorf("viber: %+v", r)
	}
	if r := lines["push/fcm"]; r.Delivery || r.Reads || r.Bound != nil {
		t.Errorf("fcm: %+v", r)
	}
	// The file has no member that nobody reads.
	raw, err := os.ReadFile("definitions.json")
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	var all definitions
	if err := decoder.Decode(&all); err != nil {
		t.Error(err)
	}
}

func TestServer_Metrics_Requests(t *testing.T) {
	s := newServer(t, noConn{})
	get(s, "/healthz")
	get(s, "/healthz")
	get(s, "/nowhere/79001234567")
	if got := metricOf(t, s, `kaskad_query_request_seconds_count{method="GET",route="/healthz",status="200"}`); got != "2" {
		t.Errorf("healthz counts %q", got)
	}
	if got := metricOf(t, s, `kaskad_query_request_seconds_count{method="GET",route="none",status="404"}`); got != "1" {
		t.Errorf("unknown paths count %q", got)
	}
}

// While something is pending, who asks again within a second is told the same; that nothing is left is counted anew.
func TestServer_Status_Remembered(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn)
	pending := func() uint64 {
		t.Helper()
		var reply statusAnswer
		decode(t, get(s, "/v1/status"), http.StatusOK, &reply)
		return reply.PendingBuckets
	}
	touch := func(hour, sign int) {
		t.Helper()
		execute(t, conn, "INSERT INTO touched VALUES ('acme', $1, '00000000-0000-0000-0000-000000000005', 1, $2)",
			hour*3600, sign)
	}
	for i, step := range []struct {
		hour, sign int
		age        time.Duration // of what was counted last
		want       uint64
	}{
		{0, 0, 0, 0},
		{2, 1, 0, 1},
		{3, 1, 0, 1},
		{4, 1, recounted, 3},
		{2, -1, 0, 3},
		{3, -1, recounted / 2, 3},
		{4, -1, recounted, 0},
		{5, 1, 0, 1},
	} {
		if step.hour > 0 {
			touch(step.hour, step.sign)
		}
		if counted := s.counted.Load(); counted != nil {
			counted.at = time.Now().Add(-step.age)
		}
		if got := pending(); got != step.want {
			t.Errorf("step %d: %d hours are pending, want %d", i, got, step.want)
		}
	}
}

// While a backlog is worked off a count that takes long serves for longer; not where the last event may have been
// stored since, where nobody knows, or where figures are new.
func TestServer_Status_Remembered_Backlog(t *testing.T) {
	const took = recounted / 10 // which serves for two seconds
	none, some := int64(0), int64(9)
	for i, c := range []struct {
		behind        time.Duration
		pending       int
		lag, inFlight int64 // when it was counted
		now           *int64
		age           time.Duration
		told          bool
	}{
		{time.Minute, 1, some, 3, &some, recounted + recounted/4, true},
		{time.Minute, 1, some, 3, &some, 2 * recounted, false},
		{time.Minute, 1, none, 0, &none, recounted, true},
		{time.Minute, 1, none, 3, &none, recounted, false},
		{time.Minute, 1, some, 0, &none, recounted, false},
		{time.Minute, 1, some, 0, nil, recounted, false},
		{time.Minute, 0, some, 0, &some, recounted, false},
		{backlogAge / 2, 1, some, 0, &some, recounted, false},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			conn := newConn(t)
			lag := &c.lag
			s := newServer(t, conn, func(config *Config, d *Deps) {
				config.Fixed = false
				d.Lag = func(context.Context) (int64, error) {
					if lag == nil {
						return 0, errors.New("no broker")
					}
					return *lag, nil
				}
				d.InFlight = func() (uint64, uint64) { return 3, uint64(c.inFlight) }
			})
			execute(t, conn, "INSERT INTO freshness (as_of_ms, pending_buckets) VALUES ($1, $2)",
				testNow.Add(-c.behind).UnixMilli(), c.pending)
			execute(t, conn, "INSERT INTO touched VALUES ('acme', 3600, '00000000-0000-0000-0000-000000000005', 1, 1)")
			var first, second statusAnswer
			decode(t, get(s, "/v1/status"), http.StatusOK, &first)
			counted := s.counted.Load()
			counted.at, counted.took = time.Now().Add(-c.age), took
			execute(t, conn, "INSERT INTO touched VALUES ('acme', 7200, '00000000-0000-0000-0000-000000000005', 1, 1)")
			lag = c.now
			decode(t, get(s, "/v1/status"), http.StatusOK, &second)
			if told := second.PendingBuckets == first.PendingBuckets; told != c.told {
				t.Errorf("told again: %v, want %v", told, c.told)
			}
		})
	}
}

// Of a backlog is said that it is large, and not counted to its end for each question.
func TestServer_Status_Backlog(t *testing.T) {
	conn := newConn(t)
	execute(t, conn, "INSERT INTO touched VALUES ('', 3600, '00000000-0000-0000-0000-000000000005', 1, 1)")
	execute(t, conn, "INSERT INTO changes (batch, account, bucket, message_id) SELECT "+
		"'00000000-0000-0000-0000-000000000005', 'acme', 3600 * (1 + number), toString(number) FROM numbers(120000)")
	var reply statusAnswer
	decode(t, get(newServer(t, conn), "/v1/status"), http.StatusOK, &reply)
	if reply.PendingBuckets != 5000 {
		t.Errorf("%d hours are pending, want 5000 of 120000", reply.PendingBuckets)
	}
}
