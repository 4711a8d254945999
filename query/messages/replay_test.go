package messages

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/ingest"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
)

// topic is a Sender that keeps what it is given, or fails.
type topic struct {
	mu   sync.Mutex
	sent map[string]int
	err  error
}

func (s *topic) Produce(_ context.Context, _, values [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	for _, v := range values {
		s.sent[string(v)]++
	}
	return nil
}

// replays is the room over conn with letters that go to a topic.
func replays(tb testing.TB, conn driver.Conn, to *topic) http.Handler {
	tb.Helper()
	return newRoomWith(tb, conn, Letters{
		Count: func(ctx context.Context, f schema.LetterFilter) (uint64, uint64, error) {
			return ingest.CountLetters(ctx, conn, f)
		},
		Replay: func(ctx context.Context, f schema.LetterFilter) (schema.Replayed, error) {
			return ingest.Replay(ctx, conn, to, f, querytest.Now)
		}})
}

// bury stores dead letters; every third is still wrong.
func bury(tb testing.TB, conn driver.Conn, n int) {
	tb.Helper()
	letters := make([]schema.Rejection, n)
	for i := range letters {
		raw := querytest.AcmeEvent(fmt.Sprint("m", i), 1, "sms", "sent", "2026-11-19T10:00:00Z")
		if i%3 == 2 {
			raw = `{"account":"acme"}`
		}
		letters[i] = schema.Rejection{Place: schema.Place{Topic: "kaskad.events", Partition: int32(i % 4),
			Offset: int64(i), Line: 1}, Err: schema.FieldError{Reason: schema.ReasonUnknownValue, Field: "channel",
			Rule: "is unknown"}, Raw: []byte(raw), AtMS: testNow.UnixMilli() - int64(i)}
	}
	if err := schema.InsertRejected(tb.Context(), conn, letters); err != nil {
		tb.Fatal(err)
	}
}

type replayAnswer struct {
	Sent, Refused, Already, Remaining int
	NextCursor                        *string `json:"next_cursor"`
}

func replayBy(s http.Handler, body string) *httptest.ResponseRecorder {
	return querytest.PostJSON(s, "/v1/rejected/replay", body)
}

// A run goes on by its cursor until nothing remains, and says what it has done; the next one sends nothing.
func TestMessages_Replay_Run(t *testing.T) {
	conn := newConn(t)
	bury(t, conn, 30)
	to := &topic{sent: map[string]int{}}
	s := replays(t, conn, to)
	var got replayAnswer
	querytest.Decode(t, replayBy(s, `{"places":[{"topic":"kaskad.events","partition":0,"offset":0,"line":1}]}`),
		http.StatusOK, &got)
	if got != (replayAnswer{Sent: 1}) || len(to.sent) != 1 {
		t.Errorf("one letter: %+v", got)
	}
	sent, refused, body := 0, 0, `{"reason":"unknown_value","field":"channel","limit":8`
	for _, remaining := range []int{21, 13, 5, 0} {
		cursor := ""
		if got.NextCursor != nil {
			cursor = fmt.Sprintf(`,"cursor":%q`, *got.NextCursor)
		}
		querytest.Decode(t, replayBy(s, body+cursor+"}"), http.StatusOK, &got)
		sent, refused = sent+got.Sent, refused+got.Refused
		if got.Remaining != remaining || got.Already != 1 || (got.NextCursor == nil) != (remaining == 0) {
			t.Errorf("%+v, want %d remaining", got, remaining)
		}
		if remaining == 13 {
			wrong := replayBy(s, fmt.Sprintf(`{"reason":"unknown_value","cursor":%q}`, *got.NextCursor))
			querytest.WantProblem(t, wrong, http.StatusBadRequest, "cursor", "another query")
		}
	}
	if sent != 19 || refused != 10 || len(to.sent) != 20 {
		t.Errorf("%d sent, %d refused, %d in the topic", sent, refused, len(to.sent))
	}
	querytest.Decode(t, replayBy(s, `{}`), http.StatusOK, &got)
	if got != (replayAnswer{Refused: 10, Already: 20}) {
		t.Errorf("once more: %+v", got)
	}
	for letter, times := range to.sent {
		if times != 1 {
			t.Errorf("%s is sent %d times", letter, times)
		}
	}
	// The list tells what was sent, and finds the others.
	var list struct {
		Rows []struct {
			Offset     int
			ReplayedAt *string `json:"replayed_at"`
		}
	}
	for query, rows := range map[string]int{"": 30, "?replayed=yes": 20, "?replayed=no": 10, "?field=status": 0,
		"?field=status&field=channel&replayed=no": 10} {
		querytest.Decode(t, querytest.Get(s, "/v1/rejected"+query), http.StatusOK, &list)
		if len(list.Rows) != rows {
			t.Errorf("%s: %d rows, want %d", query, len(list.Rows), rows)
		}
		for _, r := range list.Rows {
			if again := r.Offset%3 != 2; (r.ReplayedAt != nil) != again ||
				again && *r.ReplayedAt != answer.TimeText(testNow.UnixMilli()) {
				t.Errorf("%s: %d is replayed at %v", query, r.Offset, r.ReplayedAt)
			}
		}
	}
	querytest.WantProblem(t, querytest.Get(s, "/v1/rejected?replayed=1"), http.StatusBadRequest, "replayed", "yes or no")
	const reasons = "reason,field,letters,replayed,first_at,last_at\r\n" +
		"unknown_value,channel,30,20,2026-11-19T23:59:59.971Z,2026-11-20T00:00:00.000Z\r\n"
	if got := querytest.Get(s, "/v1/rejected/reasons?format=csv").Body.String(); got != reasons {
		t.Errorf("reasons: %s", got)
	}
}

// Several who replay at once send each letter once.
func TestMessages_Replay_AtOnce(t *testing.T) {
	conn := newConn(t)
	bury(t, conn, 30)
	to := &topic{sent: map[string]int{}}
	s := replays(t, conn, to)
	var sent atomic.Int64
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			var got replayAnswer
			w := replayBy(s, `{}`)
			if w.Code == http.StatusServiceUnavailable {
				return // its turn did not come
			}
			querytest.Decode(t, w, http.StatusOK, &got)
			sent.Add(int64(got.Sent))
		})
	}
	group.Wait()
	if sent.Load() != 20 || len(to.sent) != 20 {
		t.Errorf("%d are sent, %d letters", sent.Load(), len(to.sent))
	}
	for letter, times := range to.sent {
		if times != 1 {
			t.Errorf("%s is sent %d times", letter, times)
		}
	}
}

// While Kafka is away, or its disk is full, nothing is marked, and the same request again does it all.
func TestMessages_Replay_KafkaAway(t *testing.T) {
	conn := newConn(t)
	bury(t, conn, 3)
	to := &topic{sent: map[string]int{}, err: fmt.Errorf("produce: %w", answer.ErrUnavailable)}
	s := replays(t, conn, to)
	querytest.WantProblem(t, replayBy(s, `{}`), http.StatusServiceUnavailable, "", "send the request again")
	to.err = fmt.Errorf("produce: %w", answer.ErrDiskFull)
	querytest.WantProblem(t, replayBy(s, `{}`), http.StatusInsufficientStorage, "")
	to.err = nil
	var got replayAnswer
	if querytest.Decode(t, replayBy(s, `{}`), http.StatusOK, &got); got != (replayAnswer{Sent: 2, Refused: 1}) {
		t.Errorf("%+v", got)
	}
	querytest.WantProblem(t, replayBy(newRoom(t, conn), `{}`), http.StatusServiceUnavailable, "", "--kafka")
}

func TestMessages_Replay_Refused(t *testing.T) {
	conn := newConn(t)
	to := &topic{sent: map[string]int{}}
	s := replays(t, conn, to)
	for body, parameter := range map[string]string{
		`{"reason":"unknown"}`: "reason", `{"from":"2026-11-20"}`: "from", `{"to":"soon"}`: "to", `{"limit":0}`: "limit",
		`{"limit":2001}`: "limit", `{"places":[]}`: "places", `{"places":[{"topic":"x","offset":1}]}`: "places[0]",
		`{"cursor":"x"}`: "cursor", `{"cursor":""}`: "cursor",
		`{"from":"2026-11-20T00:00:00Z","to":"2026-11-20T00:00:00Z"}`: "to",
	} {
		querytest.WantProblem(t, replayBy(s, body), http.StatusBadRequest, parameter)
	}
	for _, body := range []string{"", "[]", "null", `{"reasons":["x"]}`, `{} x`, `{"limit":"5"}`, "{\"field\":\"\xff\"}"} {
		querytest.WantProblem(t, replayBy(s, body), http.StatusBadRequest, "", "must be one JSON object")
	}
	querytest.WantProblem(t, querytest.PostJSON(s, "/v1/rejected/replay?reason=bad_time", "{}"), http.StatusBadRequest,
		"reason")
}
