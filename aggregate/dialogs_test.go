package aggregate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"pgregory.net/rapid"

	"kaskad/aggregate/conversations"
	"kaskad/schema"
)

// naiveUnits decides units from the words of docs/definitions.md section 4: it goes through the moments one by one, and
// for every delivery it looks at all messages of the customer.
func naiveUnits(dialogs []conversations.Dialog) map[string][2]bool {
	type event struct {
		at      int64
		inbound bool
		id      string
		step    uint8
	}
	var events []event
	for _, d := range dialogs {
		if !d.Inbound {
			events = append(events, event{d.DeliveredMS, false, d.MessageID, d.Step})
		}
		for _, at := range d.RepliesMS {
			events = append(events, event{at, true, d.MessageID, d.Step})
		}
	}
	before := func(x, y event) bool {
		switch {
		case x.at != y.at:
			return x.at < y.at
		case x.inbound != y.inbound:
			return x.inbound
		case x.id != y.id:
			return x.id < y.id
		}
		return x.step < y.step
	}
	// Insertion sort: short, and not the library's.
	for i := range events {
		for j := i; j > 0 && before(events[j], events[j-1]); j-- {
			events[j], events[j-1] = events[j-1], events[j]
		}
	}
	units := map[string][2]bool{}
	var ends []int64 // of all windows so far; the latest counts
	for _, e := range events {
		open := false
		for _, end := range ends {
			open = open || e.at < end
		}
		if e.inbound || !open {
			ends = append(ends, e.at+86_400_000)
		}
		if e.inbound {
			continue
		}
		covered := false
		for _, r := range events {
			covered = covered || r.inbound && r.at <= e.at && e.at < r.at+86_400_000
		}
		units[fmt.Sprint(e.id, "/", e.step)] = [2]bool{!open, !covered}
	}
	return units
}

func TestWalk_AsNaive(t *testing.T) {
	border := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	rapid.Check(t, func(r *rapid.T) {
		hour := int64(3_600_000)
		at := rapid.Custom(func(r *rapid.T) int64 {
			// Whole and half windows apart, so that borders are hit, and a millisecond beside them.
			return border + rapid.Int64Range(-8, 8).Draw(r, "half days")*12*hour + rapid.Int64Range(-1, 1).Draw(r, "ms")
		})
		var dialogs []conversations.Dialog
		for i := range rapid.IntRange(1, 12).Draw(r, "attempts") {
			d := conversations.Dialog{MessageID: fmt.Sprint("m", i/2), Step: uint8(1 + i%2),
				DeliveredMS: at.Draw(r, "delivered"), Mine: true}
			for range rapid.IntRange(0, 2).Draw(r, "replies") {
				d.RepliesMS = append(d.RepliesMS, max(at.Draw(r, "replied"), d.DeliveredMS))
			}
			dialogs = append(dialogs, d)
		}
		if rapid.Bool().Draw(r, "wrote") {
			dialogs = append(dialogs, conversations.Dialog{Inbound: true, DeliveredMS: schema.Never,
				RepliesMS: []int64{at.Draw(r, "first"), at.Draw(r, "second")}})
		}
		want := naiveUnits(dialogs)
		if moved := conversations.Walk(dialogs); moved != nil {
			r.Fatalf("attempts of the pass itself are said to have moved: %v", moved)
		}
		for _, d := range dialogs {
			if d.Inbound {
				continue
			}
			if got := [2]bool{d.Conversation, d.Outside}; got != want[fmt.Sprint(d.MessageID, "/", d.Step)] {
				r.Fatalf("%s/%d: (conversation, outside) = %v, want %v", d.MessageID, d.Step, got,
					want[fmt.Sprint(d.MessageID, "/", d.Step)])
			}
		}
		again := rapid.Permutation(dialogs).Draw(r, "order")
		again = slices.Clone(again)
		flipped := rapid.IntRange(0, len(again)-1).Filter(func(i int) bool { return !again[i].Inbound }).Draw(r,
			"flipped")
		for i := range again {
			again[i].Mine = false
		}
		again[flipped].Conversation = !again[flipped].Conversation
		if moved := conversations.Walk(again); len(moved) != 1 || moved[0] != &again[flipped] {
			r.Fatalf("walked again with one wrong unit, %d attempts moved", len(moved))
		}
	})
}

// However the events of a dialog are split into passes, the published units are those of all events known by then.
func TestAggregator_Dialogs_LateEventsMoveUnits(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	random := rand.New(rand.NewPCG(7, 7))
	start := time.Date(2026, 10, 28, 0, 0, 0, 0, time.UTC)
	type attempt struct {
		conversations.Dialog
		person int
	}
	var attempts []*attempt
	var lines []func() string
	for i := range 90 {
		x := &attempt{person: random.IntN(4),
			Dialog: conversations.Dialog{MessageID: fmt.Sprint("m", i), Step: 1, DeliveredMS: schema.Never}}
		at := start.Add(time.Duration(random.IntN(7*24*3600)) * time.Second)
		members := append(submitted(at), "channel", []string{`"whatsapp"`, `"viber"`}[x.person%2], "sender", `"Shop"`,
			"recipient", fmt.Sprintf(`"+7900123456%d"`, x.person))
		write := func(status string, occurred time.Time) string {
			return eventLine(x.MessageID, status, occurred, members...)
		}
		delivered := at.Add(time.Duration(random.IntN(30*3600)) * time.Second)
		lines = append(lines, func() string {
			x.DeliveredMS = min(x.DeliveredMS, delivered.UnixMilli())
			return write("delivered", delivered)
		})
		for range max(0, random.IntN(5)-2) {
			replied := delivered.Add(time.Duration(random.IntN(20*3600)) * time.Second)
			lines = append(lines, func() string {
				// A reply proves the delivery.
				x.RepliesMS, x.DeliveredMS = append(x.RepliesMS, replied.UnixMilli()),
					min(x.DeliveredMS, replied.UnixMilli())
				return write("replied", replied)
			})
		}
		attempts = append(attempts, x)
	}
	// What customers write besides, some of it before they ever got a message.
	wrote := make([]conversations.Dialog, 4)
	for range 18 {
		person, at := random.IntN(4), start.Add(time.Duration(random.IntN(8*24*3600)-24*3600)*time.Second)
		lines = append(lines, func() string {
			wrote[person].Inbound, wrote[person].RepliesMS = true, append(wrote[person].RepliesMS, at.UnixMilli())
			return eventLine("", "inbound", at, "channel", []string{`"whatsapp"`, `"viber"`}[person%2], "sender",
				`"Shop"`, "recipient", fmt.Sprintf(`"+7900123456%d"`, person))
		})
	}
	random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	for round := 0; len(lines) > 0; round++ {
		n := min(len(lines), 1+random.IntN(60))
		var batch []byte
		for _, write := range lines[:n] {
			batch = append(batch, write()...)
		}
		lines = lines[n:]
		load(t, conn, fmt.Sprint("round", round), batch, noon)
		settle(t, a)

		want := map[string][2]bool{}
		for person := range 4 {
			var dialogs []conversations.Dialog
			for _, x := range attempts {
				if x.person == person && x.DeliveredMS < schema.Never {
					dialogs = append(dialogs, x.Dialog)
				}
			}
			if wrote[person].Inbound {
				dialogs = append(dialogs, wrote[person])
			}
			for id, units := range naiveUnits(dialogs) {
				want[id] = units
			}
		}
		got, cells := publishedUnits(t, conn)
		var conversations, outside uint64
		for id, units := range want {
			if got[id] != units {
				t.Fatalf("round %d: %s: (conversation, outside) = %v, want %v", round, id, got[id], units)
			}
			conversations, outside = conversations+uint64(bit(units[0])), outside+uint64(bit(units[1]))
		}
		if len(got) != len(want) || cells != [2]uint64{conversations, outside} {
			t.Fatalf("round %d: %d dialogs published, want %d; cells hold %v units, want %d and %d", round, len(got),
				len(want), cells, conversations, outside)
		}
	}
}

// publishedUnits reads the units of every attempt, and their sums as the cells of cascades have them.
func publishedUnits(t *testing.T, conn driver.Conn) (units map[string][2]bool, cells [2]uint64) {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT message_id, step, latest.1 = 1, latest.2 = 1 FROM
		(SELECT message_id, step, argMax((conversation, outside, gone), generation) AS latest FROM dialogs_by_person
			WHERE generation NOT IN (SELECT edition FROM editions GROUP BY edition HAVING NOT max(published))
			GROUP BY account, channel, sender, recipient, bucket, message_id, step)
		WHERE latest.3 = 0`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	units = map[string][2]bool{}
	for rows.Next() {
		var id string
		var step uint8
		var u [2]bool
		if err := rows.Scan(&id, &step, &u[0], &u[1]); err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprint(id, "/", step)
		if _, twice := units[key]; twice {
			t.Fatalf("%s is published twice", key)
		}
		units[key] = u
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), `SELECT sum(messages * arrayCount(c -> bitTest(c, 4), s.codes))::UInt64, sum(messages * arrayCount(c -> bitTest(c, 5), s.codes))::UInt64
		FROM `+published("rollup_cascades", "quarter")+` AS r INNER JOIN (SELECT * FROM shapes FINAL) AS s ON s.account = r.account AND s.shape = r.shape`).Scan(&cells[0], &cells[1]); err != nil {
		t.Fatal(err)
	}
	return units, cells
}

// An attempt whose cohort is unknown waits: it opens no window until another attempt of its message tells when that was
// submitted.
func TestAggregator_Dialogs_WaitForCohort(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-100 * time.Hour)
	// The time inside this id is years before the event, so it gives a bucket and no cohort.
	const odd = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
	load(t, conn, "t", []byte(dialogLine(odd, "delivered", at)+
		dialogLine("m", "delivered", at.Add(time.Hour), submitted(at)...)), noon)
	settle(t, a)
	if got, _ := publishedUnits(t, conn); len(got) != 1 || got["m/1"] != [2]bool{true, true} {
		t.Fatalf("units %v, want m/1 alone, with a conversation", got)
	}
	load(t, conn, "u", []byte(line(odd, "sent", at.Add(time.Minute), append(submitted(at), "step", "2")...)), noon)
	settle(t, a)
	if got, _ := publishedUnits(t, conn); len(got) != 2 || got[odd+"/1"] != [2]bool{true, true} ||
		got["m/1"] != [2]bool{false, true} {
		t.Fatalf("units %v, want the conversation with %s", got, odd)
	}
}

// dialogLine writes an event of an attempt on Viber.
func dialogLine(id, status string, occurred time.Time, members ...string) string {
	return eventLine(id, status, occurred,
		append([]string{"channel", `"viber"`, "recipient", `"+79001234567"`}, members...)...)
}

// Rows of dialogs that were replaced go when they are many or have waited for long, those of editions that died each
// time, and what counts stays.
func TestAggregator_Upkeep_DropsReplacedDialogs(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-5 * time.Hour)
	settle(t, a)
	for i := range 3 {
		load(t, conn, fmt.Sprint(i), []byte(dialogLine("m", "delivered", at.Add(-time.Duration(i)*time.Minute),
			submitted(at.Add(-time.Hour))...)), noon)
		settle(t, a)
	}
	rows := func() uint64 {
		return count(t, conn, "SELECT count() FROM dialogs") + 100*count(t, conn,
			"SELECT count() FROM dialogs_by_person")
	}
	drop := func(now time.Time) {
		t.Helper()
		dropReplaced(t, a, now)
	}
	if rows() != 303 {
		t.Fatalf("%d rows, want three in each table", rows())
	}
	later := time.Now().Add(2 * DefaultRetention)
	drop(later)
	if rows() != 101 {
		t.Fatalf("%d rows, want one in each table: the others were replaced", rows())
	}
	for _, dead := range []string{"INSERT INTO editions (edition, published) VALUES (7, false)",
		"INSERT INTO dialogs SELECT * REPLACE (7 AS generation) FROM dialogs"} {
		if err := conn.Exec(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
	}
	drop(later.Add(time.Minute))
	if rows() != 101 {
		t.Errorf("%d rows, want one in each table: the other's edition died", rows())
	}
}
