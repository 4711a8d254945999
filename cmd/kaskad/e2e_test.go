package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/engine/enginetest"
	"kaskad/simulate/model"
)

// The figures of the contract: events through HTTP, Kafka, ClickHouse and the reports on channels and on savings,
// compared to the last digit with figures that a separate program computed.
func TestRun_Examples(t *testing.T) {
	enginetest.Alone(t) // it is timed
	var truth struct {
		Now     string
		Reports []struct {
			GroupBy []string `json:"group_by"`
			TZ      string
			Rows    []map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(example(t, "channels.json"), &truth); err != nil {
		t.Fatal(err)
	}
	k := newKaskad(t, "--now", truth.Now)
	k.first = true
	k.start("")
	if took := k.waitReady(); took > 10*time.Second {
		t.Errorf("ready after %v, want at most 10 s", took)
	}
	k.post(example(t, "events.ndjson"))
	k.settle(2 * time.Minute)
	for _, report := range truth.Reports {
		zone, err := time.LoadLocation(report.TZ)
		if err != nil {
			t.Fatal(err)
		}
		var got []map[string]json.RawMessage
		if err := json.Unmarshal(k.rows(model.Query{GroupBy: report.GroupBy, TZ: zone}), &got); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(report.Rows) {
			t.Fatalf("group_by=%v: %d rows, want %d", report.GroupBy, len(got), len(report.Rows))
		}
		for i, want := range report.Rows {
			for name, value := range want {
				if !sameJSON(value, got[i][name]) {
					t.Errorf("group_by=%v row %d: %s = %s, want %s", report.GroupBy, i, name, got[i][name], value)
				}
			}
		}
	}
	k.savingsExamples()
}

// sameJSON compares numbers as exact decimals and everything else by its text.
func sameJSON(x, y json.RawMessage) bool {
	a, okA := new(big.Rat).SetString(string(x))
	b, okB := new(big.Rat).SetString(string(y))
	if okA && okB {
		return a.Cmp(b) == 0
	}
	return bytes.Equal(bytes.TrimSpace(x), bytes.TrimSpace(y))
}

// What is posted shows within 5 s of the answer: the soonest of five, for a machine may have much else to do.
func TestRun_PostedShowsSoon(t *testing.T) {
	enginetest.Alone(t) // it is timed
	k := newKaskad(t)
	k.start("")
	k.waitReady()
	soonest := time.Hour
	for i := range 5 {
		at := time.Now().UTC().Format(time.RFC3339Nano)
		k.post(fmt.Appendf(nil, `{"account":"a","message_id":"m%d","submitted_at":%q,"occurred_at":%q,"channel":"sms","status":"delivered","recipient":"+79001234567"}`, i, at, at))
		answered := time.Now()
		for {
			var report struct{ Rows []struct{ Delivered int } }
			k.get("/v1/reports/channels?group_by=", &report)
			if len(report.Rows) == 1 && report.Rows[0].Delivered == i+1 {
				break
			}
			if time.Since(answered) > time.Minute {
				t.Fatalf("event %d does not show a minute after the answer", i)
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Logf("event %d shows after %v", i, time.Since(answered).Round(time.Millisecond))
		soonest = min(soonest, time.Since(answered))
	}
	if soonest > 5*time.Second {
		t.Errorf("no event shows within 5 s of the answer, the soonest after %v", soonest)
	}
	k.stop()
	k.start("")
	if took := k.waitReady(); took > 10*time.Second {
		t.Errorf("second start took %v", took)
	}
	var report struct{ Rows []struct{ Delivered int } }
	k.get("/v1/reports/channels?group_by=", &report)
	if len(report.Rows) != 1 || report.Rows[0].Delivered != 5 {
		t.Errorf("after a restart: %+v, want 5 delivered", report.Rows)
	}
}

// Days are those of the zone, also where the clocks change and where offsets are quarter hours.
func testLocalDays(t *testing.T, k *kaskad) {
	var lines strings.Builder
	type expectation struct{ zone, cohort, day, hour string }
	all := []expectation{
		// the day before clocks go back
		{"America/New_York", "2026-10-31T23:59:59.999-04:00", "2026-10-31", "2026-10-31T23:00:00-04:00"},
		{"America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-01", "2026-11-01T01:00:00-04:00"},
		// the same hour again
		{"America/New_York", "2026-11-01T01:30:00-05:00", "2026-11-01", "2026-11-01T01:00:00-05:00"},
		{"America/New_York", "2026-11-01T23:59:59.999-05:00", "2026-11-01", "2026-11-01T23:00:00-05:00"},
		{"America/New_York", "2026-11-02T00:00:00-05:00", "2026-11-02", "2026-11-02T00:00:00-05:00"},
		{"Europe/Berlin", "2026-03-28T23:59:59.999+01:00", "2026-03-28", "2026-03-28T23:00:00+01:00"},
		// clocks went forward
		{"Europe/Berlin", "2026-03-29T03:00:00+02:00", "2026-03-29", "2026-03-29T03:00:00+02:00"},
		{"Asia/Kathmandu", "2026-11-10T23:59:59.999+05:45", "2026-11-10", "2026-11-10T23:00:00+05:45"},
		{"Asia/Kathmandu", "2026-11-11T00:00:00+05:45", "2026-11-11", "2026-11-11T00:00:00+05:45"},
		{"Australia/Lord_Howe", "2026-10-04T01:45:00+10:30", "2026-10-04", "2026-10-04T01:00:00+10:30"},
	}
	for i, e := range all {
		fmt.Fprintf(&lines, `{"account":"zones","campaign":"c%d","message_id":"m%d","submitted_at":%q,"occurred_at":%q,"channel":"sms","status":"sent","recipient":"+79001234567"}`+"\n", i, i, e.cohort, e.cohort)
	}
	k.post([]byte(lines.String()))
	k.settle(2 * time.Minute)
	for i, e := range all {
		var report struct {
			Rows []struct {
				Day, Hour string
				Sent      int
			}
		}
		k.get(fmt.Sprintf("/v1/reports/channels?account=zones&group_by=day,hour&tz=%s&campaign=c%d", e.zone, i), &report)
		if len(report.Rows) != 1 || report.Rows[0].Day != e.day || report.Rows[0].Hour != e.hour ||
			report.Rows[0].Sent != 1 {
			t.Errorf("%s in %s: %+v, want %s %s", e.cohort, e.zone, report.Rows, e.day, e.hour)
		}
		// Half-open from midnight to midnight of the zone.
		k.get(fmt.Sprintf("/v1/reports/channels?account=zones&group_by=&tz=%s&campaign=c%d&day=%s&from=%s", e.zone, i,
			e.day, e.day), &report)
		if len(report.Rows) != 1 || report.Rows[0].Sent != 1 {
			t.Errorf("%s in %s: not in the day from %s: %+v", e.cohort, e.zone, e.day, report.Rows)
		}
	}
}

// Poison harms no neighbour, is shown with its bytes, survives a restart, and goes through when what was wrong is
// mended.
func TestRun_PoisonAndReplay(t *testing.T) {
	k := newKaskad(t, "--now", "2026-11-20T00:00:00Z")
	k.start("")
	k.waitReady()
	line := func(id, at string) string {
		return fmt.Sprintf(`{"account":"a","message_id":%q,"submitted_at":%q,"occurred_at":%q,"channel":"viber","status":"delivered","recipient":"+79001234567"}`, id, at, at)
	}
	// The second line is of tomorrow: wrong now, right when the clock gets there.
	early, early5 := line("m2", "2026-11-20T12:00:00Z"), line("m5", "2026-11-20T13:00:00Z")
	var s status
	k.get("/v1/status", &s)
	producer := producerTo(t, s.Kafka.Brokers)
	value := []byte(line("m1", "2026-11-19T12:00:00Z") + "\n" + early + "\nnot json \xff\n" +
		line("m3", "2026-11-19T12:00:00Z"))
	if err := producer.Produce(t.Context(), [][]byte{[]byte("k"), []byte("k")},
		[][]byte{value, []byte(line("m4", "2026-11-19T13:00:00Z") + "\n" + early5)}); err != nil {
		t.Fatal(err)
	}
	deliveredNow := func() int {
		var report struct{ Rows []struct{ Delivered int } }
		k.get("/v1/reports/channels?group_by=", &report)
		return report.Rows[0].Delivered
	}
	s = k.settle(2 * time.Minute)
	if s.Balance.Stored != 3 || s.Balance.Rejected != 3 || deliveredNow() != 3 {
		t.Fatalf("stored %d, rejected %d, delivered %d; want 3, 3, 3", s.Balance.Stored, s.Balance.Rejected,
			deliveredNow())
	}
	type letter struct {
		Reason, Field, Error, Raw, Encoding, Topic string
		Partition, Offset, Line                    int64
	}
	var letters struct{ Rows []letter }
	k.get("/v1/rejected", &letters)
	if len(letters.Rows) != 3 {
		t.Fatalf("rejected: %+v, want 3 rows", letters.Rows)
	}
	for _, l := range letters.Rows {
		switch l.Line {
		case 2:
			if l.Raw != early && l.Raw != early5 || l.Reason != "time_out_of_window" || l.Field == "" || l.Encoding != "" {
				t.Errorf("dead letter %+v, want the bytes of m2 or m5 and time_out_of_window", l)
			}
		case 3:
			if l.Encoding != "base64" || l.Raw != "bm90IGpzb24g/w==" || l.Reason != "malformed_json" {
				t.Errorf("dead letter %+v, want the bytes in base64 and malformed_json", l)
			}
		default:
			t.Errorf("dead letter %+v of a good line", l)
		}
	}
	k.stop()
	k.args = []string{"--now", "2026-11-21T00:00:00Z"}
	k.start("")
	k.waitReady()
	k.get("/v1/rejected", &letters)
	if len(letters.Rows) != 3 {
		t.Fatalf("after a restart %d dead letters, want 3", len(letters.Rows))
	}
	// One by the API, which is given its place, and the other by the command.
	replayed := func() string {
		at := letters.Rows[slices.IndexFunc(letters.Rows, func(l letter) bool { return l.Raw == early5 })]
		response, err := http.Post("http://"+k.address+"/v1/rejected/replay", "application/json",
			strings.NewReader(fmt.Sprintf(`{"places":[{"topic":%q,"partition":%d,"offset":%d,"line":%d}]}`, at.Topic,
				at.Partition, at.Offset, at.Line)))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(body))
	}
	if got := replayed(); got != `{"sent":1,"refused":0,"already":0,"remaining":0,"next_cursor":null}` {
		t.Errorf("replay answers %s", got)
	}
	if out := k.command("replay", "--data", k.dir, "--reason", "time_out_of_window", "--log-level",
		"warn"); !strings.Contains(out, "replayed 1 ") {
		t.Errorf("replay printed %q, want 1", out)
	}
	k.settle(2 * time.Minute)
	if n := deliveredNow(); n != 5 {
		t.Errorf("delivered %d after the replay, want 5", n)
	}
	if out := k.command("replay", "--data", k.dir, "--reason", "time_out_of_window", "--log-level",
		"warn"); !strings.Contains(out, "replayed 0 ") {
		t.Errorf("second replay printed %q, want 0", out)
	}
	s = k.settle(2 * time.Minute)
	if n := deliveredNow(); n != 5 || s.Balance.Consumed != 8 {
		t.Errorf("delivered %d, consumed %d after the second replay, want 5 and 8", n, s.Balance.Consumed)
	}
}

func testRefusesStrangers(t *testing.T, k *kaskad) {
	for header, value := range map[string]string{"Host": "evil.example", "Origin": "https://evil.example"} {
		request, err := http.NewRequest(http.MethodGet, "http://"+k.address+"/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		if header == "Host" {
			request.Host = value
		} else {
			request.Header.Set(header, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden && response.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%s: %s answered %d, want a refusal", header, value, response.StatusCode)
		}
	}
}

// A clock that --now sets months back must not make ClickHouse's own clock remove what waits or what was refused.
func TestRun_ClockInThePast(t *testing.T) {
	k := newKaskad(t, "--now", "2025-02-01T12:00:00Z")
	k.start("")
	k.waitReady()
	at := `"occurred_at":"2025-02-01T11:00:00Z","account":"a","channel":"sms","recipient":"+79001234567"`
	for i := range 8 {
		k.post(fmt.Appendf(nil, `{"message_id":"O%d","status":"delivered",%s}`, i, at))
	}
	var s status
	k.get("/v1/status", &s)
	if err := producerTo(t, s.Kafka.Brokers).Produce(t.Context(), [][]byte{[]byte("k")},
		[][]byte{[]byte("poison")}); err != nil {
		t.Fatal(err)
	}
	if s = k.settle(2 * time.Minute); s.Balance.Parked != 8 || s.Balance.Rejected != 1 {
		t.Errorf("%+v, want 8 parked and 1 rejected", s.Balance)
	}
	for i := range 8 {
		k.post(fmt.Appendf(nil, `{"message_id":"O%d","status":"sent","submitted_at":"2025-02-01T10:59:00Z",%s}`, i, at))
	}
	s = k.settle(2 * time.Minute)
	var report struct{ Rows []struct{ Delivered int } }
	k.get("/v1/reports/channels?group_by=", &report)
	var letters struct{ Rows []json.RawMessage }
	k.get("/v1/rejected", &letters)
	if report.Rows[0].Delivered != 8 || len(letters.Rows) != 1 || s.Balance.Parked != 0 {
		t.Errorf("delivered %d, %d dead letters, %d parked; want 8, 1, 0", report.Rows[0].Delivered, len(letters.Rows),
			s.Balance.Parked)
	}
}
