package aggregate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/aggregate/join"
	"kaskad/engine/enginetest"
)

func TestAggregator_Join_OrphanBeforeAndAfter(t *testing.T) {
	at := noon.Add(-3 * time.Hour)
	orphan := func(id string) string { return line(id, "delivered", at.Add(time.Second)) }
	full := func(id string) string { return line(id, "sent", at, submitted(at)...) }
	conn := connect(t)
	a := newAggregator(conn, noon)
	for i, lines := range []string{
		orphan("orphan first") + full("orphan last") + orphan("together") + full("together") + orphan("twice"),
		full("orphan first") + orphan("orphan last") + full("twice"), orphan("twice"), full("twice")} {
		load(t, conn, fmt.Sprint(i), []byte(lines), noon)
		settle(t, a)
	}
	mustSee(t, conn, totals{Attempted: 4, Sent: 4, Delivered: 4, Num1m: 4, Den1m: 4})
	if n := count(t, conn, "SELECT count() FROM orphans FINAL WHERE (topic, partition, offset, line) NOT IN "+
		"(SELECT topic, partition, offset, line FROM orphan_ends)"); n != 0 {
		t.Errorf("%d orphans are open", n)
	}
	// They change their messages, and have no hour computed whole that is published.
	if n := count(t, conn, "SELECT count() FROM whole_attempts"); n != 0 {
		t.Errorf("%d cells were compared with what is published", n)
	}
}

// What a joined event changes follows from all that it says: figures are those that facts give, which the test's end
// compares.
func TestAggregator_Join_OrphanSaysAll(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-3 * time.Hour)
	says := []string{"provider", `"p"`, "campaign", `"c"`, "template", `"t"`, "sender", `"s"`, "operator", `"o"`,
		"traffic", `"promo"`, "trigger", `"expired"`, "contact", `"k"`, "segments", "2", "price", `"1.5"`, "currency",
		`"RUB"`, "billable", "false", "step", "2"}
	var first, orphans strings.Builder
	for _, id := range []string{"m", "n"} {
		first.WriteString(line(id, "sent", at, submitted(at)...))
		for i, status := range []string{"sent", "delivered", "read", "replied"} {
			orphans.WriteString(line(id, status, at.Add(time.Duration(i)*time.Minute), says...))
		}
		orphans.WriteString(line(id, "rejected", at.Add(time.Hour), append(says, "error_code", `"7"`, "permanent",
			"true")...))
	}
	load(t, conn, "first", []byte(first.String()), noon)
	settle(t, a)
	load(t, conn, "orphans", []byte(orphans.String()), noon)
	settle(t, a)
	mustSee(t, conn, totals{Attempted: 4, Sent: 4, Delivered: 2, Pending: 2, Num1m: 2, Den1m: 4})
	mustRepeat(t, conn, a)
}

// Another account's message of the same id is another message.
func TestAggregator_Join_OrphanStaysInItsAccount(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-3 * time.Hour)
	load(t, conn, "1", []byte(line("m", "sent", at, submitted(at)...)), noon)
	load(t, conn, "2", []byte(strings.Replace(line("m", "delivered", at), `"a"`, `"b"`, 1)), noon)
	settle(t, a)
	mustSee(t, conn, totals{Attempted: 1, Sent: 1, Pending: 1, Den1m: 1})
}

func TestAggregator_Join_OrphanExpires(t *testing.T) {
	conn := connect(t)
	at := noon.Add(-3 * time.Hour)
	raw := line("m", "delivered", at)
	load(t, conn, "t", []byte(raw), noon)
	settle(t, newAggregator(conn, noon.Add(join.Age-time.Second)))
	if n := count(t, conn, "SELECT count() FROM rejected"); n != 0 {
		t.Fatalf("%d dead letters before its time", n)
	}
	for range 2 {
		settle(t, newAggregator(conn, noon.Add(join.Age+time.Second)))
	}
	var reason, bytes string
	if err := conn.QueryRow(t.Context(), "SELECT reason, raw FROM rejected FINAL").Scan(&reason, &bytes); err != nil {
		t.Fatal(err)
	}
	if reason != "no_cohort" || bytes != strings.TrimSpace(raw) {
		t.Errorf("dead letter %q %q", reason, bytes)
	}
	// It is a dead letter now: its message comes too late.
	load(t, conn, "late", []byte(line("m", "sent", at, submitted(at)...)), noon)
	settle(t, newAggregator(conn, noon.Add(join.Age+time.Minute)))
	if got := visible(t, conn); got.Delivered != 0 || got.Sent != 1 {
		t.Errorf("%+v, want the expired orphan left out", got)
	}
}

// Events of one message that disagree on submitted_at are one message with the earliest cohort, in whatever order they
// come, and however many passes look at them in between.
func TestAggregator_Join_SplitMessage(t *testing.T) {
	h := func(n int) time.Time { return noon.Add(time.Duration(-n) * time.Hour) }
	part := func(i int, id string) string {
		switch i {
		case 0:
			return line(id, "sent", h(4), submitted(h(4))...)
		case 1:
			return line(id, "delivered", h(4).Add(30*time.Second), submitted(h(5))...)
		case 2:
			return line(id, "read", h(4).Add(time.Minute), submitted(h(6))...)
		}
		return line(id, "clicked", h(4).Add(2*time.Minute)) // an orphan
	}
	// A message for each order; the bits of between are the rounds after which everything is settled.
	orders := permutations(4)
	n := uint64(len(orders))
	for _, between := range []int{0b101, 0b010, 0b000, 0b111}[:enginetest.World(t, 2, 2, 4)] {
		conn := connect(t)
		a := newAggregator(conn, noon)
		for round := range 4 {
			var lines strings.Builder
			for i, order := range orders {
				lines.WriteString(part(order[round], fmt.Sprint("m", i)))
			}
			load(t, conn, fmt.Sprint(round), []byte(lines.String()), noon)
			if between>>round&1 == 1 {
				settle(t, a)
			}
		}
		settle(t, a)
		mustSee(t, conn, totals{Attempted: n, Sent: n, Delivered: n, Num1m: n, Den1m: n})
		var cohort time.Time
		if err := conn.QueryRow(t.Context(), `SELECT max(cohort) FROM (SELECT cohort, sum(attempted) AS n FROM `+
			published("rollup_attempts", "quarter")+` GROUP BY cohort HAVING n != 0)`).Scan(&cohort); err != nil {
			t.Fatal(err)
		}
		if !cohort.Equal(h(6)) {
			t.Fatalf("settled between %03b: cohort %v, want the earliest, %v, for all", between, cohort, h(6))
		}
		if got := count(t, conn, "SELECT uniqExact(account, message_id) FROM split_messages"); got != n {
			t.Fatalf("settled between %03b: %d split messages, want %d", between, got, n)
		}
	}
}

// permutations are all orders of the numbers below n.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(p), at, n-1))
		}
	}
	return all
}

// Disagreement within an hour moves nothing, and is counted all the same.
func TestAggregator_Join_SplitWithinTheHour(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-3 * time.Hour)
	load(t, conn, "1", []byte(line("m", "sent", at, submitted(at)...)+line("n", "sent", at, submitted(at)...)), noon)
	load(t, conn, "2", []byte(line("m", "delivered", at, submitted(at.Add(20*time.Minute))...)+line("n", "delivered",
		at, submitted(at)...)), noon)
	settle(t, a)
	if n := count(t, conn, "SELECT uniqExact(account, message_id) FROM split_messages"); n != 1 {
		t.Errorf("%d split messages, want 1", n)
	}
	if n := count(t, conn, "SELECT count() FROM splits"); n != 0 {
		t.Errorf("%d messages are left out of a bucket, want 0", n)
	}
	mustSee(t, conn, totals{Attempted: 2, Sent: 2, Delivered: 2, Num1m: 2, Den1m: 2})
}
