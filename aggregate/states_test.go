package aggregate

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// How many states there are is counted once, and known from then on without a look at all of them.
func TestAggregator_Settle_KnowsHowManyStates(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-3 * time.Hour)
	for i, lines := range []string{line("m", "sent", at, submitted(at)...),
		line("n", "sent", at, submitted(at)...) + line("m", "delivered", at), line("m", "read", at),
		line("k", "sent", at.Add(-time.Hour), submitted(at.Add(-time.Hour))...)} {
		load(t, conn, fmt.Sprint(i), []byte(lines), noon)
		settle(t, a)
		stored := count(t, conn, "SELECT count() FROM message_states")
		if keys, known := a.states.Count(); !known || keys != stored {
			t.Fatalf("after %d batches %d states are known, and %d are stored", i+1, keys, stored)
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
	if err := a.states.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	for hour, cold := range a.states.Hours {
		if !cold {
			t.Errorf("%v is not cold", hour)
		}
	}
	if len(a.states.Hours) != hours {
		t.Errorf("%d hours are known, want %d", len(a.states.Hours), hours)
	}
	load(t, conn, "t", []byte(facts.String()), noon)
	settle(t, a)
	mustSee(t, conn, want)
}
