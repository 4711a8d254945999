package aggregate

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// A database that was written before there were cascades, or spend, is computed anew, and says until then how little it
// knows.
func TestAggregator_Prepare_OutdatedRollups(t *testing.T) {
	conn := connect(t)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "t", []byte(line("m", "delivered", at, submitted(at)...)), noon)
	settle(t, newAggregator(conn, noon))
	for _, query := range []string{"TRUNCATE TABLE rollup_cascades", "TRUNCATE TABLE rollup_spend",
		"ALTER TABLE generations UPDATE rollups = 4 WHERE true SETTINGS mutations_sync = 1"} {
		if err := conn.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	a := newAggregator(conn, noon)
	if err := a.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	const stated = "SELECT toUInt64(argMax(as_of_ms, at)) FROM freshness"
	if asOf := count(t, conn, stated); asOf != 0 {
		t.Fatalf("as_of is %d before cascades are computed", asOf)
	}
	settle(t, a)
	for table, sum := range map[string]string{"rollup_cascades": "messages", "rollup_spend": "attempts"} {
		if n := count(t, conn, "SELECT sum("+sum+")::UInt64 FROM "+published(table, "quarter")); n != 1 {
			t.Fatalf("%s of %s are %d, want 1", sum, table, n)
		}
	}
	if asOf := count(t, conn, stated); asOf != uint64(noon.UnixMilli()) {
		t.Fatalf("as_of is %d in the end, want now", asOf)
	}
	if err := a.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if worked, err := a.pass(t.Context()); worked || err != nil {
		t.Fatalf("what is up to date was computed again (%v, %v)", worked, err)
	}
}

// An aggregator that was silent for so long that another one took over does not publish what it computed before.
func TestAggregator_Pass_TakenOver(t *testing.T) {
	conn := connect(t)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "t", []byte(line("m", "delivered", at, submitted(at)...)), noon)
	shared := Config{Now: func() time.Time { return noon }}
	hooked := &hookedConn{Conn: conn, before: statement("begin_edition")}
	slow := New(shared, Deps{Conn: hooked, Reject: noLetters})
	if err := slow.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	hooked.do = func() {
		// As if ten seconds had passed: the other one believes that this one is gone.
		other := New(shared, Deps{Conn: conn, Reject: noLetters})
		if err := other.insertFreshness(context.Background(), 0, 0, false); err != nil {
			t.Error(err)
		}
	}
	if _, err := slow.pass(t.Context()); !errors.Is(err, errOtherOwner) {
		t.Fatalf("error %v, want %v", err, errOtherOwner)
	}
	if n := count(t, conn, "SELECT countIf(published) FROM editions"); n != 0 {
		t.Fatalf("%d editions are published by the one that was taken over", n)
	}
}

// An attempt that turns out to be another recipient's takes back what was attributed to it, also where it is not known
// what was published of it.
func TestAggregator_ColdHour_OptOutOfAnother(t *testing.T) {
	conn := connect(t)
	at := noon.Add(-2 * time.Hour)
	of := func(recipient, status string) string {
		return eventLine("m", status, at, append([]string{"channel", `"viber"`, "recipient", recipient},
			submitted(at)...)...)
	}
	load(t, conn, "1", []byte(of(`"+79001234567"`, "delivered")+eventLine("", "blocked", at.Add(time.Minute), "channel",
		`"viber"`, "recipient", `"+79001234567"`)), noon)
	a := newAggregator(conn, noon)
	settle(t, a)
	const attributed = "SELECT count() FROM (SELECT argMax(message_id, generation) AS to FROM opt_outs " +
		"GROUP BY account, recipient) WHERE to = 'm'"
	if n := count(t, conn, attributed); n != 1 {
		t.Fatalf("%d opt-outs are attributed, want one", n)
	}
	if err := a.states.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	load(t, conn, "2", []byte(of(`"+79001234568"`, "sent")), noon)
	settle(t, a)
	if n := count(t, conn, attributed); n != 0 {
		t.Errorf("%d opt-outs of another recipient are attributed", n)
	}
}

// hookedConn does something once, right before a statement.
type hookedConn struct {
	driver.Conn
	before string
	do     func()
}

func (c *hookedConn) Exec(ctx context.Context, query string, args ...any) error {
	if do := c.do; query == c.before && do != nil {
		c.do = nil
		do()
	}
	return c.Conn.Exec(ctx, query, args...)
}
