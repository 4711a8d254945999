package aggregate

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// One statement does what two do, of a log of any size that is written as a block.
func TestAggregator_ApplyStates_OneBlock(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	const contents = "SELECT sum(cityHash64(key, state)) FROM message_states"
	for edition, rows := range map[uint64]int{10: 1, 20: 3, 30: 70_000} {
		log := stateLog{}
		for i := range rows {
			log.add(fmt.Sprintf("key %d of %d", i, edition), strings.Repeat("state ", i%60))
		}
		if err := log.end(t.Context(), a, edition); err != nil {
			t.Fatal(err)
		}
		if log.blocks != 1 {
			t.Fatalf("%d rows are %d blocks", rows, log.blocks)
		}
		var sums [2]uint64
		for i, oneBlock := range []bool{false, true} {
			if err := a.truncate(t.Context(), "message_states"); err != nil {
				t.Fatal(err)
			}
			if err := a.applyStates(t.Context(), edition, oneBlock); err != nil {
				t.Fatal(err)
			}
			sums[i] = count(t, conn, contents)
		}
		if n := count(t, conn, "SELECT count() FROM message_states"); n != uint64(rows)+1 || sums[0] != sums[1] {
			t.Errorf("%d rows, want %d and what says that they are applied; sums %v", n, rows, sums)
		}
	}
}

// How many states there are is counted once, and known from then on without a look at all of them.
func TestAggregator_Settle_KnowsHowManyStates(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-3 * time.Hour)
	for i, lines := range []string{line("m", "sent", at, submitted(at)...),
		line("n", "sent", at, submitted(at)...) + line("m", "delivered", at), line("m", "read", at),
		line("k", "sent", at.Add(-time.Hour), submitted(at.Add(-time.Hour))...)} {
		load(t, conn, fmt.Sprint(i), []byte(lines), noon)
		a.settling.next = time.Time{}
		settle(t, a)
		if n := count(t, conn, "SELECT count() FROM message_states"); !a.settling.known || a.settling.atMost != n {
			t.Fatalf("after %d batches %d states are known, and %d are stored", i+1, a.settling.atMost, n)
		}
	}
}

// Facts and states are lost together: hours of which no fact is left are cold, too. Else a change of one, as from a
// topic that is read again, would count on top of what is published of it.
func TestAggregator_ForgetStates_LostFacts(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	var facts strings.Builder
	const hours = 5
	for i := range hours {
		at := noon.Add(-time.Duration(48+i) * time.Hour)
		id := fmt.Sprintf("m%d", i)
		facts.WriteString(line(id, "sent", at, submitted(at)...))
		facts.WriteString(line(id, "delivered", at.Add(time.Second), submitted(at)...))
	}
	load(t, conn, "t", []byte(facts.String()), noon)
	settle(t, a)
	want := visible(t, conn)
	if want.Delivered != hours {
		t.Fatalf("%+v is published, want %d deliveries", want, hours)
	}
	if err := conn.Exec(t.Context(), "TRUNCATE TABLE attempts"); err != nil {
		t.Fatal(err)
	}
	if err := a.forgetStates(t.Context()); err != nil {
		t.Fatal(err)
	}
	for hour, cold := range a.hours {
		if !cold {
			t.Errorf("%v is not cold", hour)
		}
	}
	if len(a.hours) != hours {
		t.Errorf("%d hours are known, want %d", len(a.hours), hours)
	}
	load(t, conn, "t", []byte(facts.String()), noon)
	settle(t, a)
	mustSee(t, conn, want)
}
