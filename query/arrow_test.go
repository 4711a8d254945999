package query

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"kaskad/query/answer"
	"kaskad/schema/event"
)

// arrowStream packs events as a gateway that batches would: columns of text, and a timestamp.
func arrowStream(tb testing.TB, events []map[string]string, at time.Time) string {
	tb.Helper()
	names := []string{"account", "message_id", "channel", "status", "recipient", "sms_text", "campain"}
	var fields []arrow.Field
	for _, n := range names {
		fields = append(fields, arrow.Field{Name: n, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	millis := &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}
	fields = append(fields, arrow.Field{Name: "occurred_at", Type: millis})
	builder := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer builder.Release()
	for _, event := range events {
		for i, n := range names {
			column := builder.Field(i).(*array.StringBuilder)
			if v, found := event[n]; found {
				column.Append(v)
			} else {
				column.AppendNull()
			}
		}
		builder.Field(len(names)).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMilli()))
	}
	record := builder.NewRecord()
	defer record.Release()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(record.Schema()))
	if err := w.Write(record); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

func TestServer_Events_Arrow(t *testing.T) {
	good := map[string]string{"account": "acme", "message_id": "m1", "channel": "sms", "status": "sent",
		"recipient": "+79001234567"}
	texted := map[string]string{"account": "acme", "message_id": "m2", "channel": "sms", "status": "sent",
		"recipient": "+79001234567", "sms_text": "secret secret secret!", "campain": "autumn"}
	bad := map[string]string{"account": "acme", "message_id": "m3", "channel": "smoke", "status": "sent",
		"recipient": "+79001234567"}
	stream := arrowStream(t, []map[string]string{good, bad, texted}, testNow.Add(-time.Hour))
	for _, contentType := range []string{"application/vnd.apache.arrow.stream", "", "application/octet-stream"} {
		s, to := newIntake(t)
		w := post(s, stream, "Content-Type", contentType)
		var reply eventsAnswer
		decode(t, w, http.StatusAccepted, &reply)
		if reply.Accepted != 2 || len(reply.Rejected) != 1 || reply.Rejected[0].Line != 2 ||
			!strings.HasPrefix(reply.Rejected[0].Error, "channel: ") {
			t.Errorf("%q: %s", contentType, w.Body)
		}
		if len(reply.UnknownFields) != 1 || reply.UnknownFields["campain"] != 1 {
			t.Errorf("%q: unknown fields %v", contentType, reply.UnknownFields)
		}
		if len(to.values) != 2 || to.keys[0] != "acme\x00m1" || to.keys[1] != "acme\x00m2" ||
			!strings.Contains(to.values[0], `"m1"`) ||
			strings.Contains(to.values[1], "secret") || !strings.Contains(to.values[1], `"sms_segments":2`) {
			t.Errorf("%q: produced %q %q", contentType, to.keys, to.values)
		}
	}
	s, to := newIntake(t)
	for _, broken := range []string{stream[:len(stream)/2], "\xff\xff\xff\xff\x10\x00\x00\x00nonsense",
		stream[:40] + strings.Repeat("\x7f", 400)} {
		wantProblem(t, post(s, broken, "Content-Type", "application/vnd.apache.arrow.stream"), http.StatusBadRequest,
			"")
	}
	wantProblem(t, post(s, goodEvent, "Content-Type", "application/vnd.apache.arrow.stream"), http.StatusBadRequest, "")
	// What unpacks to more than the limit is refused as a whole.
	in := &intake{decoder: &event.Decoder{}, nowMS: testNow.UnixMilli()}
	if err := in.read([]byte(stream), true, 100); answer.AsProblem(err).Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a stream of more than 100 bytes of JSON: %v", err)
	}
	if len(to.values) != 0 {
		t.Errorf("%d events of broken streams were accepted", len(to.values))
	}
}
