package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kaskad/cmd/kaskad/commandtest"
	"kaskad/cmd/kaskad/output"
)

// statusStub answers as a server does that consumes 300 events from look to look.
type statusStub struct {
	looks  atomic.Int64
	refuse atomic.Bool
	down   atomic.Bool
}

func (s *statusStub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/v1/status":
		w.WriteHeader(http.StatusNotFound)
	case s.refuse.Load():
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"detail":"the key's scopes do not suffice: an admin key of all accounts is needed"}`)
	case s.down.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"detail":"ClickHouse cannot be reached; try again"}`)
	default:
		n := s.looks.Add(1)
		fmt.Fprint(w, statusBody(300*n))
	}
}

func statusBody(consumed int64) string {
	return fmt.Sprintf(`{"kafka":{"brokers":["b1:9092","b2:9092"],"topic":"kaskad.events"},`+
		`"balance":{"consumed":%d,"stored":%d,"rejected":3,"parked":2,"in_flight":1,"empty":0},"lag_events":12345,`+
		`"lag_seconds":0.42,"as_of":"2026-11-20T00:00:00.123Z","pending_buckets":7,"pending_numbers":0,`+
		`"now":"2026-11-20T00:00:00.543Z","engine":{"version":"26.7.2.1","embedded":true},`+
		`"disk":{"free_bytes":1073741824,"total_bytes":10737418240,"state":"ok"},"losses":{"hours":[]},`+
		`"audit":{"hours":9,"at":null,"differences":0}}`, consumed, consumed-6)
}

func TestStatus_Lines(t *testing.T) {
	lines := func(change func(*shownStatus)) string {
		var seen shownStatus
		if err := json.Unmarshal([]byte(statusBody(1_000_006)), &seen); err != nil {
			t.Fatal(err)
		}
		change(&seen)
		return strings.Join((&statusWatch{server: &API{address: "http://kaskad"}}).lines(&seen), "\n")
	}
	const want = `kaskad at http://kaskad, 2026-11-20T00:00:00Z
  lag         12 345 events in the topic
  reports     0.42 s behind, as of 2026-11-20T00:00:00Z
  throughput  –
  waiting     7 buckets to publish, 0 numbers to judge
  consumed    1 000 006
              = 1 000 000 stored + 3 rejected + 2 parked + 1 in flight + 0 empty
  lost        none
  audit       9 hours compared with facts, 0 differences
  disk        ok, 1 024 of 10 240 MB free
  services    ClickHouse 26.7.2.1, embedded; Kafka b1:9092, b2:9092, topic kaskad.events`
	if got := lines(func(*shownStatus) {}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	got := lines(func(s *shownStatus) {
		s.LagEvents, s.LagSeconds, s.AsOf, s.Disk = nil, nil, nil, nil
		s.Balance.Stored--
		s.Losses.Hours = make([]json.RawMessage, 2)
		s.Kafka.Topic = "a\x1b[2Jb"
	})
	for _, words := range []string{"lag         – events", "nothing is published yet", "≠ 999 999 stored",
		"does not balance", "2 hours: see `kaskad reread`", "not measured here", "topic a\ufffd[2Jb"} {
		if !strings.Contains(got, words) {
			t.Errorf("%q is missing in\n%s", words, got)
		}
	}
}

// Throughput is that of the last looks, and forgets what another process counted.
func TestStatus_Throughput(t *testing.T) {
	stub := &statusStub{}
	server := httptest.NewServer(stub)
	defer server.Close()
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	w := &statusWatch{server: &API{address: server.URL}, now: func() time.Time { return now }}
	look := func() {
		t.Helper()
		if _, _, err := w.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.Add(2 * time.Second)
	}
	look()
	if got := w.throughput(); got != output.Unknown {
		t.Errorf("after one look: %s", got)
	}
	look()
	look()
	if got := w.throughput(); got != "150 events/s over 4s  ██" {
		t.Errorf("got %q", got)
	}
	now = now.Add(2 * time.Second) // one look was left out
	look()
	if got := w.throughput(); got != "113 events/s over 8s  ██▄" {
		t.Errorf("got %q", got)
	}
	for range 2 * statusSpan {
		look()
	}
	if got := w.throughput(); got != "150 events/s over 1m0s  "+strings.Repeat("█", statusSpan) {
		t.Errorf("got %q", got)
	}
	stub.looks.Store(0)
	look()
	if got := w.throughput(); got != output.Unknown {
		t.Errorf("after a restart: %q", got)
	}
}

// Piped it is one answer of the API; errors say what is wrong.
func TestStatus_Piped(t *testing.T) {
	stub := &statusStub{}
	server := httptest.NewServer(stub)
	defer server.Close()
	at := "--url=" + server.URL
	if out := commandtest.Must(t, "", "status", at); out != statusBody(300)+"\n" {
		t.Errorf("got %s", out)
	}
	if out := commandtest.Must(t, "", "status", at, "--format", "text"); !strings.HasPrefix(out,
		"kaskad at "+server.URL) {
		t.Errorf("got %s", out)
	}
	stub.refuse.Store(true)
	for word, args := range map[string][]string{"admin key of all accounts": {at}, "without --once": {at, "--once",
		"--watch"}, "100ms or more": {at, "--every", "1ms"}, "say --url": {"--data", t.TempDir()}} {
		if _, problems, code := commandtest.Run(t, "", append([]string{"status"}, args...)...); code != 1 ||
			!strings.Contains(problems, word) {
			t.Errorf("%q: exit %d: %s", args, code, problems)
		}
	}
}

// Lines are drawn over those before, however many there were, and cut where the terminal ends.
func TestLiveFrame_Draw(t *testing.T) {
	var out bytes.Buffer
	f := &liveFrame{out: &out}
	f.begin()
	f.draw([]string{"one", "two", strings.Repeat("x", 100)})
	f.draw([]string{"three"})
	f.end()
	want := "\x1b[?25l\rone\x1b[K\r\n\rtwo\x1b[K\r\n\r" + strings.Repeat("x", 79) + "…\x1b[K\r\n\x1b[J" +
		"\x1b[3A\rthree\x1b[K\r\n\x1b[J\x1b[?25h"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
