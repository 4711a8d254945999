package event

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"kaskad/schema"
)

// arrowStream writes record batches, each made of one JSON row per line.
func arrowStream(t *testing.T, fields []arrow.Field, batches ...string) []byte {
	t.Helper()
	layout := arrow.NewSchema(fields, nil)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(layout))
	for _, rows := range batches {
		record, _, err := array.RecordFromJSON(memory.DefaultAllocator, layout, strings.NewReader("["+rows+"]"))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(record); err != nil {
			t.Fatal(err)
		}
		record.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var dictionary = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String}

var eventColumnsOfArrow = []arrow.Field{
	{Name: "account", Type: dictionary}, {Name: "message_id", Type: arrow.BinaryTypes.String},
	{Name: "submitted_at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
	{Name: "occurred_at", Type: arrow.FixedWidthTypes.Timestamp_ns},
	{Name: "channel", Type: dictionary, Nullable: true},
	{Name: "status", Type: dictionary}, {Name: "recipient", Type: arrow.BinaryTypes.LargeString},
	{Name: "step", Type: arrow.PrimitiveTypes.Uint8, Nullable: true},
	{Name: "permanent", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "price", Type: &arrow.Decimal128Type{Precision: 20, Scale: 8}, Nullable: true},
	{Name: "currency", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "sms_segments", Type: arrow.PrimitiveTypes.Uint16, Nullable: true},
	{Name: "sms_over_by", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "colour", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
}

func TestArrowLines_Rows(t *testing.T) {
	stream := arrowStream(t, eventColumnsOfArrow,
		`{"account":"acme","message_id":"a \"quoted\" id","submitted_at":"2026-11-19 10:00:00.123456","occurred_at":"2026-11-19 10:00:01.999999999","channel":"sms","status":"delivered","recipient":"+79001234567","step":2,"permanent":true,"price":"2.5","currency":"RUB","sms_segments":2,"sms_over_by":7,"colour":1.5},
		 {"account":"acme","message_id":"b","occurred_at":"2026-11-19 10:00:01","status":"sent","recipient":"user:1"}`,
		`{"account":"other","message_id":"c","occurred_at":"2026-11-19 10:00:01","channel":"push","status":"sent","recipient":"user:1"}`)
	if !IsArrow(stream) {
		t.Fatal("is not recognised")
	}
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).UnixMilli()
	var d Decoder
	var lines []int
	var got []schema.Event
	var errs []*schema.FieldError
	n, err := ArrowLines(stream, func(line int, raw []byte) {
		lines = append(lines, line)
		ev, err := d.Decode(raw, now)
		errs = append(errs, err)
		if err != nil {
			got = append(got, schema.Event{})
			return
		}
		got = append(got, *ev)
		if line == 1 {
			if id := string(ev.MessageID); id != `a "quoted" id` {
				t.Errorf("message_id %s", id)
			}
			if ev.PriceMicros != 2_500_000 || string(ev.Currency) != "RUB" || ev.Step != 2 || !ev.Permanent ||
				ev.UnknownFields != 1 ||
				ev.SMSMeasure != schema.PackSMSMeasure(schema.SMSMeasure{Segments: 2, OverBy: 7}) {
				t.Errorf("event %+v", ev)
			}
		}
	})
	if err != nil || n != 3 || len(lines) != 3 || lines[2] != 3 {
		t.Fatalf("%d rows, lines %v, %v", n, lines, err)
	}
	if want := time.Date(2026, 11, 19, 10, 0, 0, 123_000_000, time.UTC).UnixMilli(); got[0].SubmittedMS != want {
		t.Errorf("submitted_at %d, want %d", got[0].SubmittedMS, want)
	}
	if want := time.Date(2026, 11, 19, 10, 0, 1, 999_000_000, time.UTC).UnixMilli(); got[0].OccurredMS != want {
		t.Errorf("occurred_at %d, want %d", got[0].OccurredMS, want)
	}
	if errs[0] != nil || errs[1] == nil || errs[1].Field != "channel" || errs[2] != nil {
		t.Errorf("errors %v", errs)
	}
}

func TestArrowLines_ErrType(t *testing.T) {
	for _, field := range []arrow.Field{
		{Name: "price", Type: arrow.PrimitiveTypes.Float64}, {Name: "account", Type: arrow.BinaryTypes.Binary},
		{Name: "step", Type: &arrow.Decimal128Type{Precision: 5}},
		{Name: "account", Type: arrow.FixedWidthTypes.Timestamp_ms},
	} {
		field.Nullable = true
		n, err := ArrowLines(arrowStream(t, []arrow.Field{field}, "{\""+field.Name+"\":null}"),
			func(int, []byte) { t.Error("a row was yielded") })
		if err == nil || n != 0 || !strings.Contains(err.Error(), field.Name) {
			t.Errorf("%s: %d rows, %v", field.Name, n, err)
		}
	}
}

// A broken stream is an error, never a panic and never endless memory.
func TestArrowLines_ErrBroken(t *testing.T) {
	stream := arrowStream(t, eventColumnsOfArrow,
		`{"account":"acme","message_id":"b","occurred_at":"2026-11-19 10:00:01","status":"sent","recipient":"user:1"}`,
		`{"account":"acme","message_id":"c","occurred_at":"2026-11-19 10:00:01","status":"sent","recipient":"user:1"}`)
	random := rand.New(rand.NewPCG(1, 2))
	broken := 0
	for range 5000 {
		damaged := bytes.Clone(stream)
		for range 1 + random.IntN(4) {
			damaged[4+random.IntN(len(damaged)-4)] = byte(random.IntN(256))
		}
		if random.IntN(4) == 0 {
			damaged = damaged[:random.IntN(len(damaged))]
		}
		if _, err := ArrowLines(damaged, func(int, []byte) {}); err != nil {
			broken++
		}
	}
	if broken < 500 {
		t.Errorf("only %d of 5000 damaged streams were found broken", broken)
	}
}

func TestArrowLines_Decimal(t *testing.T) {
	for text, want := range map[string]string{"2.50000000": "2.50000000", "0.12345678": "0.12345678",
		"-1.00000000": "-1.00000000"} {
		n, err := decimal128.FromString(text, 38, 8)
		if err != nil {
			t.Fatal(err)
		}
		got := string(decimalValue("price", func(int) string { return n.ToString(8) })(nil, 0))
		if got != `"`+want+`"` {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestFields_AreKnown(t *testing.T) {
	for _, f := range Fields {
		var d Decoder
		_, _ = d.Decode([]byte(`{"`+f+`":null}`), 0)
		if d.ev.UnknownFields != 0 {
			t.Errorf("the decoder does not know %s", f)
		}
	}
}

// A small stream may say that it unpacks to any size.
func TestArrowLines_ErrTooLarge(t *testing.T) {
	layout := arrow.NewSchema([]arrow.Field{{Name: "account", Type: arrow.BinaryTypes.String}}, nil)
	b := array.NewStringBuilder(memory.DefaultAllocator)
	long := strings.Repeat("x", 1<<20)
	for range 600 {
		b.Append(long)
	}
	column := b.NewArray()
	record := array.NewRecord(layout, []arrow.Array{column}, 600)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(layout), ipc.WithZstd())
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 1<<20 {
		t.Fatalf("the stream has %d bytes, which is not small", out.Len())
	}
	n, err := ArrowLines(out.Bytes(), func(int, []byte) {})
	if n != 0 || err == nil || !strings.Contains(err.Error(), "512 MB") {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestArrowLines_ErrTooManyRows(t *testing.T) {
	layout := arrow.NewSchema([]arrow.Field{{Name: "account", Type: arrow.Null}}, nil)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(layout))
	if err := w.Write(array.NewRecord(layout, []arrow.Array{array.NewNull(1_000_000_000)}, 1_000_000_000)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	n, err := ArrowLines(out.Bytes(), func(int, []byte) {})
	if n != MaxArrowRows || err == nil {
		t.Errorf("%d rows, %v", n, err)
	}
}
