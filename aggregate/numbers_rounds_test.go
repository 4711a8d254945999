package aggregate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/aggregate/health"
	"kaskad/schema"
)

// A round that failed goes on where it was: it forgets nothing that was announced of the numbers that are left, and
// states no newer as_of than holds for all.
func TestNumbers_AnnouncedAndPartlyStored(t *testing.T) {
	conn := connect(t)
	const first = "+79000000000"
	start := noon.Add(-20 * 24 * time.Hour)
	load(t, conn, "a", []byte(delivered("m0", number, start)), noon)
	decideAll(t, newAggregator(conn, noon))
	load(t, conn, "b", []byte(failed("m1", number, "c1", "1", start.Add(24*time.Hour))+
		failed("m2", number, "c2", "1", start.Add(48*time.Hour))+delivered("o0", first, start)), noon)
	broken := errors.New("died")
	failing := &failingConn{Conn: conn, statement: "INSERT INTO number_health (", err: broken}
	b := New(Config{Exclusive: true, Now: func() time.Time { return noon.Add(time.Hour) }},
		Deps{Conn: failing, Reject: noLetters})
	b.verdicts.AtOnce = 2
	settle(t, b)
	b.lastWorked.Store(0) // slices are as large as they may be
	began, beganAsOf := b.ready.Load(), b.lastAsOfMS.Load()
	// First with both numbers, whose verdicts are announced, then with one at a time, which stores the first.
	for passes := range 2 {
		failing.passes = passes
		if err := b.verdicts.TakeOver(t.Context()); err != nil {
			t.Fatal(err)
		}
		if looked, err := b.verdicts.Round(t.Context()); !errors.Is(err, broken) || looked != 2 {
			t.Fatalf("round: %d numbers, %v, want it to die with the second", looked, err)
		}
	}
	mustBe(t, conn, first, health.StateActive, "")
	mustBe(t, conn, number, health.StateActive, "")
	mustAnnounce(t, conn, number, "unknown>active 10-31T00:00", "active>suspect 11-01T00:00",
		"suspect>dead 11-02T00:00 hard")
	failing.statement = "nothing fails any more"
	load(t, conn, "d", []byte(line("m1", "delivered", start.Add(3*24*time.Hour), submitted(start.Add(24*time.Hour))...)+
		line("m2", "delivered", start.Add(4*24*time.Hour), submitted(start.Add(48*time.Hour))...)), noon)
	b.cfg.Now = func() time.Time { return noon.Add(2 * time.Hour) }
	settle(t, b)
	for i, want := range []struct {
		done uint64
		asOf int64
	}{{began, beganAsOf}, {b.ready.Load(), b.lastAsOfMS.Load()}} {
		if err := b.verdicts.TakeOver(t.Context()); err != nil {
			t.Fatal(err)
		}
		if looked, err := b.verdicts.Round(t.Context()); err != nil || looked != 1 {
			t.Fatalf("round %d: %d numbers, want the one that is left: %v", i, looked, err)
		}
		if done := count(t, conn, "SELECT max(generation) FROM numbers_done"); done != want.done {
			t.Errorf("round %d: decided up to %d, want %d", i, done, want.done)
		}
		if asOf := count(t, conn, "SELECT toUInt64(argMax(as_of_ms, generation)) FROM numbers_done"); int64(
			asOf) != want.asOf {
			t.Errorf("round %d: as of %d, want %d", i, asOf, want.asOf)
		}
	}
	if began == b.ready.Load() || beganAsOf == b.lastAsOfMS.Load() {
		t.Errorf("nothing was touched after the round began")
	}
	mustEndAlive(t, conn, number)
}

// While a pass is answering something, however long it takes, a turn decides a small slice; when nothing else is to be
// done, all that is left.
func TestNumbers_SmallSlicesInStream(t *testing.T) {
	conn := connect(t)
	var events string
	for i := range 5 {
		events += delivered(fmt.Sprint("m", i), fmt.Sprintf("+7900000000%d", i), noon.Add(-48*time.Hour))
	}
	load(t, conn, "a", []byte(events), noon)
	a := newAggregator(conn, noon)
	settle(t, a)
	a.verdicts.AtOnce = 32 // of which a slice in a stream takes two at first
	a.lastWorked.Store(0)
	for i, step := range []struct {
		working bool
		least   uint64
		most    uint64
	}{{true, 1, 3}, {false, 5, 5}} {
		a.working.Store(step.working)
		if err := a.verdicts.Turn(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if n := count(t, conn, "SELECT count() FROM number_health"); n < step.least || n > step.most {
			t.Errorf("turn %d: %d verdicts, want %d to %d", i, n, step.least, step.most)
		}
	}
}

// A round whose end could not be stated looks at nothing again, however small its slices are.
func TestNumbers_EndNotStated(t *testing.T) {
	conn := connect(t)
	load(t, conn, "a", []byte(delivered("m0", number, noon.Add(-48*time.Hour))+
		delivered("m1", "+79007654321", noon.Add(-48*time.Hour))), noon)
	broken := errors.New("away")
	failing := &failingConn{Conn: conn, statement: "INSERT INTO numbers_done", err: broken}
	a := New(Config{Exclusive: true, Now: func() time.Time { return noon }}, Deps{Conn: failing, Reject: noLetters})
	a.verdicts.AtOnce = 1
	settle(t, a)
	if err := a.verdicts.TakeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if looked, err := a.verdicts.Round(t.Context()); !errors.Is(err, broken) || looked != 2 {
		t.Fatalf("round: %d numbers, %v, want that its end cannot be stated", looked, err)
	}
	failing.statement = "nothing fails any more"
	if looked, err := a.verdicts.Round(t.Context()); err != nil || looked > 0 {
		t.Fatalf("it looks at %d numbers again: %v", looked, err)
	}
	if done := count(t, conn, "SELECT max(generation) FROM numbers_done"); done != a.ready.Load() {
		t.Errorf("decided up to %d, want %d", done, a.ready.Load())
	}
	mustBe(t, conn, number, health.StateActive, "")
}

// However few numbers are decided at a time, each that was touched is looked at once, of an account that is to be
// decided anew all of them, and no other.
func TestNumbers_Slices(t *testing.T) {
	conn := connect(t)
	start := noon.Add(-48 * time.Hour)
	var lines strings.Builder
	const each = 7
	accounts := []string{"a", "b", "c"}
	for _, account := range accounts {
		for i := range each {
			to := fmt.Sprint("+7916000000", i)
			lines.WriteString(strings.ReplaceAll(delivered(fmt.Sprint(account, i), to, start), `"account":"a"`,
				fmt.Sprintf(`"account":%q`, account)))
		}
	}
	load(t, conn, "a", []byte(lines.String()), noon)
	counting := &evidenceConn{Conn: conn}
	a := New(Config{Exclusive: true, Now: func() time.Time { return noon }}, Deps{Conn: counting, Reject: noLetters})
	settle(t, a)
	if err := a.verdicts.TakeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, ask := range []struct {
		account string
		numbers []string
		looked  int
	}{
		{"", nil, len(accounts) * each},
		{"b", nil, each},
		{"c", []string{"+79160000003"}, 1},
		{"a", []string{"+79160000006", "+79160000001", "+79160000000"}, 3},
	} {
		for _, atOnce := range []int{1, 2, 3, 1000} {
			a.verdicts.AtOnce = atOnce
			of := []string{ask.account}
			if ask.account == "" {
				of = accounts
			}
			for _, account := range of {
				if _, err := schema.AskVerdicts(t.Context(), conn, account, ask.numbers, noon); err != nil {
					t.Fatal(err)
				}
			}
			settle(t, a)
			counting.n = 0
			if looked, err := a.verdicts.Round(t.Context()); err != nil || looked != ask.looked {
				t.Errorf("%q %q, %d at once: %d numbers, want %d: %v", ask.account, ask.numbers, atOnce, looked,
					ask.looked, err)
			}
			if sliced := counting.n > 1; sliced != (atOnce < ask.looked) {
				t.Errorf("%q %q, %d at once: %d slices", ask.account, ask.numbers, atOnce, counting.n)
			}
		}
	}
	if n := count(t, conn, "SELECT count() FROM number_health FINAL"); n != uint64(len(accounts)*each) {
		t.Errorf("%d verdicts, want %d", n, len(accounts)*each)
	}
}

// failingConn refuses inserts into a table, after it has let some of them pass.
type failingConn struct {
	driver.Conn
	statement string
	passes    int
	err       error
}

func (c *failingConn) PrepareBatch(ctx context.Context, statement string,
	options ...driver.PrepareBatchOption) (driver.Batch, error) {
	if c.fails(statement) {
		return nil, c.err
	}
	return c.Conn.PrepareBatch(ctx, statement, options...)
}

func (c *failingConn) Exec(ctx context.Context, statement string, parameters ...any) error {
	if c.fails(statement) {
		return c.err
	}
	return c.Conn.Exec(ctx, statement, parameters...)
}

func (c *failingConn) fails(statement string) bool {
	if !strings.HasPrefix(statement, c.statement) {
		return false
	}
	c.passes--
	return c.passes < 0
}

// evidenceConn counts the slices of rounds: each reads evidence once.
type evidenceConn struct {
	driver.Conn
	n int
}

func (c *evidenceConn) Query(ctx context.Context, query string, parameters ...any) (driver.Rows, error) {
	if strings.Contains(query, "AS packed") {
		c.n++
	}
	return c.Conn.Query(ctx, query, parameters...)
}
