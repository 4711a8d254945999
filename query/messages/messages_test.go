package messages

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/law"
)

func TestMessages_One_Cascade(t *testing.T) {
	conn := newConn(t)
	const submitted = `"submitted_at":"2026-11-18T10:00:00.500Z"`
	id := "m/1 ю" // A slash and more in an id.
	querytest.StoreEvents(t, conn,
		querytest.AcmeEvent(id, 1, "push", "accepted", "2026-11-18T10:00:01Z", submitted,
			`"provider":"fcm","app":"shop","recipient":"device:0123456789","contact":"user:abcdefghij"`),
		querytest.AcmeEvent(id, 1, "push", "expired", "2026-11-18T10:05:00Z", submitted, `"error_code":"0042"`),
		querytest.AcmeEvent(id, 2, "sms", "queued", "2026-11-18T10:05:00.100Z", submitted,
			`"trigger":"unread","sms_segments":3`),
		querytest.AcmeEvent(id, 2, "sms", "sent", "2026-11-18T10:05:01Z", submitted,
			`"segments":3,"price":"7.5","currency":"RUB","provider":"mts"`),
		querytest.AcmeEvent(id, 2, "sms", "delivered", "2026-11-18T10:05:10Z", submitted, `"part":1,"parts":3`),
		querytest.AcmeEvent(id, 2, "sms", "undelivered", "2026-11-18T10:05:11Z", submitted, `"part":2,"parts":3`),
		querytest.AcmeEvent(id, 2, "sms", "delivered", "2026-11-18T10:05:12Z", submitted, `"part":2,"parts":3`),
		querytest.AcmeEvent(id, 2, "sms", "failed", "2026-11-18T10:05:13Z", submitted,
			`"part":3,"parts":3,"permanent":true`),
		querytest.AcmeEvent(id, 3, "voice", "skipped", "2026-11-18T10:06:00Z", submitted),
		// Twice, and of another account with the same id in another test.
		querytest.AcmeEvent(id, 1, "push", "accepted", "2026-11-18T10:00:01Z", submitted),
	)
	s := newRoom(t, conn)
	w := querytest.Get(s, "/v1/messages/m%2F1%20%D1%8E?account=acme")
	var reply map[string]any
	querytest.Decode(t, w, http.StatusOK, &reply)
	var want map[string]any
	decoder := json.NewDecoder(strings.NewReader(`{"message_id":"m/1 ю","account":"acme","cohort":"2026-11-18T10:00:00.500Z","as_of":"2026-11-20T00:00:00.000Z","delivered":false,"read":false,"steps":[
		{"step":1,"channel":"push","provider":"fcm","recipient":"device:01234***89","contact":"user:abcde***ij","country":"","campaign":"","template":"","sender":"","app":"shop","operator":"",
		 "traffic":"","trigger":"","attempted":true,"machine_opened":false,"bounced":false,"not_billed":false,"sent":true,"delivered":false,"read":false,"clicked":false,"replied":false,"failed":true,"pending":false,"skipped":false,"skewed":false,
		 "start":"2026-11-18T10:00:01.000Z","delivered_at":null,"read_at":null,"time_to_deliver":null,"time_to_read":null,"time_to_reply":null,
		 "times":{"accepted":"2026-11-18T10:00:01.000Z","expired":"2026-11-18T10:05:00.000Z"},"parts":null,"segments":0,"sms_segments":0,"error_code":"42","reason":"unknown","permanent":false,"reported_prices":[],"units":null,"cost":null,"currency":"","tariff":null,"unpriced_reason":"no_tariff"},
		{"step":2,"channel":"sms","provider":"mts","recipient":"+7900*****67","contact":"","country":"RU","campaign":"","template":"","sender":"","app":"","operator":"",
		 "traffic":"","trigger":"unread","attempted":true,"machine_opened":false,"bounced":false,"not_billed":false,"sent":true,"delivered":false,"read":false,"clicked":false,"replied":false,"failed":true,"pending":false,"skipped":false,"skewed":false,
		 "start":"2026-11-18T10:05:01.000Z","delivered_at":null,"read_at":null,"time_to_deliver":null,"time_to_read":null,"time_to_reply":null,
		 "times":{"queued":"2026-11-18T10:05:00.100Z","sent":"2026-11-18T10:05:01.000Z"},"parts":{"parts":3,"delivered":[1,2],"failed":[3]},"segments":3,"sms_segments":3,
		 "error_code":"","reason":"unknown","permanent":true,"reported_prices":[{"currency":"RUB","price":"7.50"}],"units":null,"cost":null,"currency":"","tariff":null,"unpriced_reason":"no_tariff"},
		{"step":3,"channel":"voice","provider":"","recipient":"+7900*****67","contact":"","country":"RU","campaign":"","template":"","sender":"","app":"","operator":"",
		 "traffic":"","trigger":"","attempted":false,"machine_opened":false,"bounced":false,"not_billed":false,"sent":false,"delivered":false,"read":false,"clicked":false,"replied":false,"failed":false,"pending":false,"skipped":true,"skewed":false,
		 "start":null,"delivered_at":null,"read_at":null,"time_to_deliver":null,"time_to_read":null,"time_to_reply":null,
		 "times":{"skipped":"2026-11-18T10:06:00.000Z"},"parts":null,"segments":0,"sms_segments":0,"error_code":"","reason":"","permanent":false,"reported_prices":[],"units":null,"cost":null,"currency":"","tariff":null,"unpriced_reason":""}],
		"timeline":[{"at":"2026-11-18T10:00:01.000Z","step":1,"channel":"push","status":"accepted"},{"at":"2026-11-18T10:05:00.000Z","step":1,"channel":"push","status":"expired"},
		 {"at":"2026-11-18T10:05:00.100Z","step":2,"channel":"sms","status":"queued"},{"at":"2026-11-18T10:05:01.000Z","step":2,"channel":"sms","status":"sent"},
		 {"at":"2026-11-18T10:06:00.000Z","step":3,"channel":"voice","status":"skipped"}],"parked":[]}`))
	decoder.UseNumber()
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(reply, want) {
		t.Errorf("got %s", w.Body)
	}
	if strings.Contains(w.Body.String(), "+79001234567") || strings.Contains(w.Body.String(), "0123456789") {
		t.Error("a recipient is shown in full")
	}
	// The last part arrives.
	querytest.StoreEvents(t, conn, querytest.AcmeEvent(id, 2, "sms", "delivered", "2026-11-18T10:05:20.250Z", submitted,
		`"part":3,"parts":3`))
	var delivered messageAnswer
	querytest.Decode(t, querytest.Get(s, "/v1/messages/m%2F1%20%D1%8E"), http.StatusOK, &delivered)
	step := delivered.Steps[1]
	if !delivered.Delivered || !step.Delivered || step.Failed || *step.DeliveredAt != "2026-11-18T10:05:20.250Z" ||
		*step.TimeToDeliver != "19.25" || len(step.Parts.Failed) != 0 {
		t.Errorf("after the last part: %+v", step)
	}
	if last := delivered.Timeline[len(delivered.Timeline)-2]; last.Status != "delivered" ||
		last.At != *step.DeliveredAt {
		t.Errorf("timeline: %+v", delivered.Timeline)
	}
}

func TestMessages_One_Places(t *testing.T) {
	conn := newConn(t)
	const withTime = "01a1a8c8-f88e-7ddf-837b-235096e0a668"
	idTime := answer.TimeText(schema.IDTime([]byte(withTime)))
	querytest.StoreEvents(t, conn,
		// The time in the id is the cohort.
		querytest.AcmeEvent(withTime, 1, "sms", "delivered", "2026-11-05T04:30:25Z"),
		// Another account's message of the same id.
		querytest.AcmeEvent("shared", 1, "sms", "sent", "2026-11-18T10:00:00Z",
			`"submitted_at":"2026-11-18T10:00:00Z"`),
		querytest.AcmeEvent("shared", 1, "sms", "sent", "2026-11-18T10:00:00Z", `"submitted_at":"2026-11-18T10:00:00Z"`,
			`"account":"zeta"`),
		// Two events that disagree on submitted_at lie in two buckets.
		querytest.AcmeEvent("split", 1, "sms", "sent", "2026-11-18T10:00:00Z", `"submitted_at":"2026-11-18T10:00:00Z"`),
		querytest.AcmeEvent("split", 1, "sms", "delivered", "2026-11-18T10:00:09Z",
			`"submitted_at":"2026-11-17T10:00:00Z"`),
		// Nobody knows when it was submitted.
		querytest.AcmeEvent("parked", 1, "sms", "delivered", "2026-11-18T10:00:09Z", `"provider":"mts"`),
		querytest.AcmeEvent("scanned", 1, "email", "read", "2026-11-18T10:00:09Z", `"machine":true`),
		querytest.AcmeEvent("half", 1, "sms", "delivered", "2026-11-18T10:00:09Z"),
		querytest.AcmeEvent("half", 1, "sms", "sent", "2026-11-18T10:00:00Z", `"submitted_at":"2026-11-18T10:00:00Z"`),
	)
	s := newRoom(t, conn)
	message := func(id string) (m messageAnswer) {
		t.Helper()
		querytest.Decode(t, querytest.Get(s, "/v1/messages/"+id), http.StatusOK, &m)
		return m
	}
	if m := message(withTime); *m.Cohort != idTime || len(m.Steps) != 1 || *m.Steps[0].Start != idTime {
		t.Errorf("id with a time: %+v", m)
	}
	querytest.WantProblem(t, querytest.Get(s, "/v1/messages/shared"), http.StatusBadRequest, "account",
		"more than one account")
	if m := message("shared?account=zeta"); m.Account != "zeta" || len(m.Steps) != 1 {
		t.Errorf("shared: %+v", m)
	}
	if m := message("split"); *m.Cohort != "2026-11-17T10:00:00.000Z" || len(m.Steps) != 1 || !m.Delivered ||
		*m.Steps[0].TimeToDeliver != "9" {
		t.Errorf("split: %+v", m)
	}
	if m := message("parked"); m.Cohort != nil || len(m.Steps) != 0 || len(m.Parked) != 1 ||
		m.Parked[0].Status != "delivered" || m.Parked[0].Provider != "mts" ||
		m.Parked[0].OccurredAt != "2026-11-18T10:00:09.000Z" || m.Parked[0].ParkedAt != "2026-11-20T00:00:00.000Z" {
		t.Errorf("parked: %+v", m)
	}
	// A status that is stored and that no event names.
	if m := message("scanned"); len(m.Parked) != 1 || m.Parked[0].Status != "machine_open" {
		t.Errorf("scanned: %+v", m)
	}
	if m := message("half"); len(m.Steps) != 1 || len(m.Parked) != 1 || m.Delivered {
		t.Errorf("half: %+v", m)
	}
	// The parked event was joined.
	querytest.Execute(t, conn, "INSERT INTO orphan_ends SELECT topic, partition, offset, line, 'joined' FROM orphans "+
		"WHERE "+
		"message_id = 'half'")
	if m := message("half"); len(m.Parked) != 0 {
		t.Errorf("joined: %+v", m)
	}
	querytest.WantProblem(t, querytest.Get(s, "/v1/messages/nobody"), http.StatusNotFound, "")
	querytest.WantProblem(t, querytest.Get(s, "/v1/messages/shared?account=nobody"), http.StatusNotFound, "")
	querytest.WantProblem(t, querytest.Get(s, "/v1/messages/shared?account="), http.StatusBadRequest, "account")
	querytest.WantProblem(t, querytest.Get(s, "/v1/messages/"+strings.Repeat("x", 129)), http.StatusBadRequest,
		"message_id", "128")
}

func TestLatency(t *testing.T) {
	for _, c := range []struct {
		start, end int64
		skewed     bool
		want       string
	}{
		{1000, 3500, false, "2.5"},
		{1000, 900, false, "0"}, // a little before the start is not before it
		{1000, 900, true, "null"},
		{schema.Never, 900, false, "null"},
		{1000, schema.Never, false, "null"},
	} {
		got, err := json.Marshal(latency(law.Outcome{StartMS: c.start, Skewed: c.skewed}, c.end))
		if err != nil || string(got) != c.want {
			t.Errorf("from %d to %d, skewed %t: %s, %v; want %s", c.start, c.end, c.skewed, got, err, c.want)
		}
	}
}
