package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"kaskad/ingest"
	"kaskad/simulate/model"
)

// request sends a request and returns the status and the body.
func (k *kaskad) request(method, path, contentType string, body []byte) (int, []byte) {
	k.t.Helper()
	request, err := http.NewRequest(method, "http://"+k.address+path, bytes.NewReader(body))
	if err != nil {
		k.t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		k.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		k.t.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, answer
}

// get decodes the answer of a GET into to.
func (k *kaskad) get(path string, to any) {
	k.t.Helper()
	status, body := k.request(http.MethodGet, path, "", nil)
	if status != http.StatusOK {
		k.t.Fatalf("GET %s: %d %s", path, status, body)
	}
	if err := json.Unmarshal(body, to); err != nil {
		k.t.Fatalf("GET %s: %v: %s", path, err, body)
	}
}

type status struct {
	Kafka struct {
		Brokers []string `json:"brokers"`
	} `json:"kafka"`
	Balance struct {
		Consumed, Stored, Rejected, Parked, Empty uint64
		InFlight                                  uint64 `json:"in_flight"`
	} `json:"balance"`
	LagEvents      int64  `json:"lag_events"`
	PendingBuckets uint64 `json:"pending_buckets"`
	SplitMessages  uint64 `json:"split_messages"`
	AsOf           string `json:"as_of"`
	Now            time.Time
	Audit          struct {
		Differences uint64 `json:"differences"`
	} `json:"audit"`
	Losses struct {
		Hours []json.RawMessage `json:"hours"`
	} `json:"losses"`
}

func (s status) check(t testing.TB) {
	t.Helper()
	b := s.Balance
	if b.Consumed != b.Stored+b.Rejected+b.Parked+b.InFlight+b.Empty {
		t.Errorf("balance does not hold: %+v", b)
	}
	if len(s.Losses.Hours) > 0 {
		t.Errorf("hours are said to be lost: %s", s.Losses.Hours)
	}
}

func (s status) settled() bool {
	return s.LagEvents == 0 && s.Balance.InFlight == 0 && s.PendingBuckets == 0
}

// settle waits until nothing is left to do: nothing in the topic, nothing in flight, no bucket touched.
func (k *kaskad) settle(limit time.Duration) status {
	k.t.Helper()
	var s status
	for began := time.Now(); ; {
		if time.Since(began) > limit {
			// Its log tells then what all goroutines wait for.
			_ = k.cmd.Process.Signal(syscall.SIGQUIT)
			<-k.ended
			k.t.Fatalf("not settled after %v: %+v", limit, s)
		}
		asked := time.Now()
		k.get("/v1/status", &s)
		s.check(k.t)
		if s.settled() {
			return s
		}
		rest(asked)
	}
}

// rest waits before a question that was asked then is asked again: it costs kaskad some queries, which must not keep it
// from what is waited for.
func rest(asked time.Time) { time.Sleep(max(100*time.Millisecond, 5*time.Since(asked))) }

// rows asks for a channel report and returns its rows, page by page.
func (k *kaskad) rows(q model.Query) json.RawMessage {
	k.t.Helper()
	return k.reportRows("channels", q)
}

// reportRows asks for a report and returns its rows, page by page.
func (k *kaskad) reportRows(report string, q model.Query) json.RawMessage {
	k.t.Helper()
	values := url.Values{"group_by": {strings.Join(q.GroupBy, ",")}, "limit": {"10000"}}
	if q.TZ != nil {
		values.Set("tz", q.TZ.String())
	}
	if !q.From.IsZero() {
		values.Set("from", q.From.Format(time.RFC3339))
		values.Set("to", q.To.Format(time.RFC3339))
	}
	for name, list := range q.Filters {
		values[name] = list
	}
	var all []json.RawMessage
	for {
		var page struct {
			Rows       []json.RawMessage `json:"rows"`
			NextCursor *string           `json:"next_cursor"`
		}
		k.get("/v1/reports/"+report+"?"+values.Encode(), &page)
		all = append(all, page.Rows...)
		if page.NextCursor == nil {
			break
		}
		values.Set("cursor", *page.NextCursor)
	}
	encoded, err := json.Marshal(append([]json.RawMessage{}, all...))
	if err != nil {
		k.t.Fatal(err)
	}
	return encoded
}

// mustEqual compares reports with the model's.
func (k *kaskad) mustEqual(m *model.Model, queries []model.Query) {
	k.t.Helper()
	for _, q := range queries {
		want, err := m.ChannelReport(q)
		if err != nil {
			k.t.Fatal(err)
		}
		if err := model.Compare(want, k.rows(q)); err != nil {
			k.t.Errorf("group_by=%v tz=%v filters=%v: %v", q.GroupBy, q.TZ, q.Filters, err)
		}
	}
}

// post sends NDJSON and fails unless all of it is accepted.
func (k *kaskad) post(lines []byte) {
	k.t.Helper()
	status, body := k.request(http.MethodPost, "/v1/events", "application/x-ndjson", lines)
	var answer struct {
		Accepted int               `json:"accepted"`
		Rejected []json.RawMessage `json:"rejected"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusAccepted || len(answer.Rejected) > 0 {
		k.t.Fatalf("POST /v1/events: %d %.500s", status, body)
	}
}

func example(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "simulate", "model", "testdata", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// producerTo writes to the topic of a running kaskad, past its HTTP API.
func producerTo(t testing.TB, brokers []string) *ingest.Producer {
	t.Helper()
	producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	return producer
}

func join(lines [][]byte) []byte { return append(bytes.Join(lines, []byte("\n")), '\n') }

var accountMember = regexp.MustCompile(`"account":\s*"`)

// renameAccount puts a prefix before the account of an event.
func renameAccount(line []byte, prefix string) []byte {
	at := accountMember.FindIndex(line)
	if at == nil {
		return bytes.Clone(line)
	}
	return bytes.Join([][]byte{line[:at[1]], line[at[1]:]}, []byte(prefix))
}

// accountsOf lists the accounts of a model's report.
func accountsOf(m *model.Model) []string {
	rows, err := m.ChannelReport(model.Query{GroupBy: []string{"account"}})
	if err != nil {
		return nil
	}
	var names []string
	for _, r := range rows {
		names = append(names, r.Keys[0].String())
	}
	return names
}
