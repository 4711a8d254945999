package aggregate

import (
	"testing"
	"time"

	"kaskad/schema"
)

// Facts that vanish without a trace, for whatever reason, are noticed by the first pass that would publish less: the
// hour is named before that is published, the topic is to be read again, and the name goes when the facts are back.
func TestAggregator_Pass_NamesWhatIsLost(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-48 * time.Hour)
	var facts string
	for _, id := range []string{"m1", "m2"} {
		facts += line(id, "sent", at, submitted(at)...) + line(id, "delivered", at.Add(time.Second), submitted(at)...)
	}
	load(t, conn, "t", []byte(facts), noon)
	settle(t, a)
	for i, vanish := range []string{
		"DELETE FROM attempts WHERE message_id = 'm1'",
		// The attempt is still there, its delivery is not.
		"ALTER TABLE attempts UPDATE delivered_ms = 9999999999999 WHERE message_id = 'm1' SETTINGS mutations_sync = 1",
		"TRUNCATE TABLE attempts",
	} {
		if lost := losses(t, a); len(lost.Hours) > 0 {
			t.Fatalf("before %s: %+v", vanish, lost)
		}
		if err := conn.Exec(t.Context(), vanish); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second pass finds the hour that low already, and keeps its name
			touchAll(t, conn)
			settle(t, a)
			lost := losses(t, a)
			if len(lost.Hours) != 1 || lost.Hours[0].Account != "a" ||
				!lost.Hours[0].Bucket.Equal(at.Truncate(time.Hour)) || lost.Hours[0].Published != 2 ||
				lost.Rereading != uint64(i+1) {
				t.Fatalf("after %s: %+v", vanish, lost)
			}
		}
		if n := count(t, conn, "SELECT count() FROM rereads WHERE from_ms > 0 AND from_ms <= "+
			"toUnixTimestamp64Milli(now64(3))"); n != uint64(i+1) {
			t.Errorf("%s: %d orders to read again, want %d", vanish, n, i+1)
		}
		load(t, conn, "t", []byte(facts), noon)
		settle(t, a)
		if lost := losses(t, a); len(lost.Hours) > 0 {
			t.Errorf("%s: the facts are back, and still %+v", vanish, lost.Hours)
		}
	}
}

func losses(t *testing.T, a *Aggregator) *schema.Losses {
	t.Helper()
	lost, err := schema.ReadLosses(t.Context(), a.deps.Conn)
	if err != nil {
		t.Fatal(err)
	}
	return lost
}
