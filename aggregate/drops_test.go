package aggregate

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// What is to be removed is removed in its order, one statement after the other, and a statement that fails is made
// again. While editions follow each other each is followed by a rest. Who does not own the work removes nothing, and
// what was listed before another one did is forgotten.
func TestAggregator_DropSome(t *testing.T) {
	away := errors.New("away")
	const took = 10 * time.Millisecond
	var done []int
	fails := true
	var a Aggregator
	for i := range 6 {
		a.drops.left = append(a.drops.left, func(context.Context) error {
			if time.Sleep(took); i == 1 && fails {
				return away
			}
			done = append(done, i)
			return nil
		})
	}
	a.drops.listed = time.Now()
	for i, step := range []struct {
		owning, streaming, fails, lost bool
		done                           []int
		least, most                    time.Duration // of the wait
		err                            error
	}{
		{owning: false, done: nil, most: time.Second},
		{owning: true, streaming: true, done: []int{0}, least: shareOfDrops * took, most: time.Second},
		{owning: true, streaming: true, fails: true, done: []int{0}, err: away},
		{owning: true, fails: true, done: []int{0}, err: away},
		{owning: true, done: []int{0, 1}},
		{owning: true, done: []int{0, 1, 2}},
		{owning: false, lost: true, done: []int{0, 1, 2}, most: time.Second},
		{owning: true, done: []int{0, 1, 2}, least: upkeepEvery / 2, most: upkeepEvery},
	} {
		a.owning.Store(step.owning)
		a.pendingNow.Store(map[bool]int64{true: 1}[step.streaming])
		fails = step.fails
		if step.lost {
			a.takeovers.Add(1)
		}
		wait, err := a.dropSome(t.Context())
		if !errors.Is(err, step.err) || !slices.Equal(done, step.done) || wait < step.least || wait > step.most {
			t.Fatalf("step %d: %v are done, want %v, and the next one waits for %v, want %v to %v: %v", i, done,
				step.done, wait, step.least, step.most, err)
		}
	}
}

// Beside the passes, all that was replaced is listed once and removed statement by statement.
func TestAggregator_DropSome_Lists(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	for _, id := range []string{"m", "n"} {
		load(t, conn, id, []byte(line(id, "sent", at, submitted(at)...)), noon)
		settle(t, a)
	}
	before := count(t, conn, "SELECT count() FROM editions")
	a.cfg.Retention = -time.Hour
	a.owning.Store(true)
	for turns := 0; ; turns++ {
		wait, err := a.dropSome(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if turns > 0 && len(a.drops.left) == 0 && wait > upkeepEvery/2 {
			break
		}
		if len(a.drops.left) != len(rollups)+8-turns {
			t.Fatalf("%d statements are left after %d turns", len(a.drops.left), turns)
		}
		a.lastWorked.Store(0)
	}
	if after := count(t, conn, "SELECT count() FROM editions"); after >= before {
		t.Errorf("%d rows of editions, %d before", after, before)
	}
}

// An edition of the pass that is under way is not taken for dead, however long the pass takes.
func TestAggregator_DropSome_KeepsWhatIsUnderWay(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	for i, id := range []string{"m", "n", "o"} {
		a.cfg.OnStep = func(step string) {
			if i > 1 && step == "computed" {
				dropReplaced(t, a, time.Now().Add(2*DefaultRetention))
			}
		}
		load(t, conn, id, []byte(line(id, "sent", at, submitted(at)...)), noon)
		settle(t, a)
	}
	if seen := visible(t, conn); seen.Attempted != 3 {
		t.Errorf("reports read %+v, want the message of the edition that was under way too", seen)
	}
}

// A pass that takes long before it begins its edition, as while orphans expire, has its id from the beginning.
func TestAggregator_Pass_IsUnderWay(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	load(t, conn, "m", []byte(line("m", "sent", noon.Add(-time.Hour), submitted(noon.Add(-time.Hour))...)), noon)
	settle(t, a)
	last, looked := a.generation, false
	a.lastUpkeep = time.Time{}
	a.cfg.Now = func() time.Time { // before upkeep
		if under := a.drops.underWay.Load(); under != last+1 {
			t.Errorf("%d is under way, want %d", under, last+1)
		}
		looked = true
		return noon
	}
	if _, err := a.pass(t.Context()); err != nil || !looked || a.drops.underWay.Load() != 0 {
		t.Errorf("%d is under way after a pass: %v", a.drops.underWay.Load(), err)
	}
}

// An attribution that died does not take the one with it that was published before.
func TestAggregator_DropSome_OptOutsThatDied(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	for _, statement := range []string{
		"INSERT INTO editions (edition, published) VALUES (1, false), (1, true), (2, false), (3, false), (3, true)",
		"INSERT INTO opt_outs (account, recipient, status, occurred_ms, generation, found) VALUES " +
			"('a', '" + number + "', 'blocked', 1, 1, true), ('a', '" + number + "', 'blocked', 1, 2, true)",
	} {
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	dropReplaced(t, a, time.Now().Add(2*DefaultRetention))
	if left := count(t, conn, "SELECT groupBitOr(generation) FROM opt_outs"); left != 1 {
		t.Errorf("generations %b are left, want the published one", left)
	}
}

// What runs beside the passes removes what was replaced, without being told.
func TestAggregator_Run_Drops(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	for _, id := range []string{"m", "n", "o"} {
		load(t, conn, id, []byte(line(id, "sent", at, submitted(at)...)), noon)
		settle(t, a)
	}
	before := count(t, conn, "SELECT count() FROM editions")
	b := New(Config{Exclusive: true, Retention: time.Microsecond, Poll: 10 * time.Millisecond,
		Now: func() time.Time { return noon }}, Deps{Conn: conn, Reject: noLetters})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	defer func() { stop(); <-ended }()
	waitFor(t, func() bool { return count(t, conn, "SELECT count() FROM editions") < before })
}
