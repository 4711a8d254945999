package schema_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"kaskad/schema"
	"kaskad/schema/schematest"
)

// A block is inserted with the memory of the block before: whole or in part, after one that was larger or that was
// refused, every row arrives as it was appended.
func TestFacts_Insert_KeepsMemory(t *testing.T) {
	conn := schematest.Conn(t)
	for _, statement := range []string{
		"CREATE TABLE arrived ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM events LIMIT 0",
		"CREATE MATERIALIZED VIEW events_to_arrived TO arrived AS SELECT * FROM events",
		"ALTER TABLE arrived ADD CONSTRAINT refused CHECK sender != 'refused'",
	} {
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	var facts schema.Facts
	id := 0
	for round, rows := range []int{3, 300, 0, 70_000, 5, 2000} {
		facts.Reset()
		var want []string
		for i := range rows {
			id++
			ev := schema.Event{Account: []byte("acme"), MessageID: fmt.Appendf(nil, "message %07d", id),
				Campaign: fmt.Appendf(nil, "campaign %d", i%1000), Channel: "sms", Status: schema.Sent,
				Step:      uint8(1 + i%9),
				Recipient: fmt.Appendf(nil, "+7900%07d", i), Country: "RU", OccurredMS: int64(id), BucketMS: 3_600_000,
				Segments: uint16(i % 7), Template: fmt.Appendf(nil, "template %d", i), Billable: -1}
			if i%2 == 1 {
				ev.Campaign, ev.Contact = nil, []byte("somebody")
			}
			if round == 3 && i == 1234 {
				ev.Sender = []byte("refused")
			}
			facts.Append(&ev)
			want = append(want, fmt.Sprintf("%s %s %s %d %s %d %s %s", ev.MessageID, ev.Campaign, ev.Template, ev.Step,
				ev.Recipient, ev.Segments, ev.Contact, ev.Channel))
		}
		batch := uuid.New()
		insert := func(lo, hi int) error { return facts.Insert(t.Context(), conn, batch, lo, hi) }
		if round == 3 {
			if err := insert(0, rows); err == nil {
				t.Fatal("a row was accepted that a constraint refuses")
			}
			if err := insert(1235, rows); err != nil {
				t.Fatal(err)
			}
			if err := insert(0, 1234); err != nil {
				t.Fatal(err)
			}
			want = slices.Delete(want, 1234, 1235)
		} else if err := insert(0, rows); err != nil {
			t.Fatal(err)
		}
		got := readStrings(t, conn, "SELECT concat(message_id, ' ', campaign, ' ', template, ' ', toString(step), ' ', "+
			"splitByChar(char(0), recipient_country)[1], ' ', toString(segments), ' ', contact, ' ', channel) FROM "+
			"arrived "+
			"WHERE batch = $1 ORDER BY message_id", batch)
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: %d rows arrived, which are not the %d that were sent", round, len(got), len(want))
		}
	}
}

// Texts of columns with few different ones arrive as they are, however many they are after all.
func TestInsertColumns_LowCardinality(t *testing.T) {
	conn := schematest.Conn(t)
	if err := conn.Exec(t.Context(), "CREATE TABLE arrived (n UInt32, few LowCardinality(String), many "+
		"LowCardinality(String), plain String) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, rows := range []int{1, 300, 70_000} {
		n, few, many, plain := make([]uint32, rows), make([]string, rows), make([]string, rows), make([]string, rows)
		var want []string
		for i := range rows {
			n[i] = uint32(total + i)
			if i%5 > 0 {
				few[i] = fmt.Sprintf("few %d", i%5)
			}
			many[i], plain[i] = fmt.Sprintf("many %d", i*7%(rows/2+1)), fmt.Sprintf("plain %d", i)
			want = append(want, few[i]+"|"+many[i]+"|"+plain[i])
		}
		if err := schema.InsertColumns(t.Context(), conn, "INSERT INTO arrived (n, few, many, plain)", 0, rows,
			[]any{n, few, many, plain}); err != nil {
			t.Fatal(err)
		}
		got := readStrings(t, conn, "SELECT concat(few, '|', many, '|', plain) FROM arrived WHERE n >= $1 ORDER BY n",
			total)
		if !slices.Equal(got, want) {
			t.Fatalf("%d rows arrived, which are not the %d that were sent", len(got), len(want))
		}
		total += rows
	}
}
