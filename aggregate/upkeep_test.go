package aggregate

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// What is to be removed is removed in its order, a statement in a pass, and a statement that fails is made again. While
// editions follow each other each is followed by a rest.
func TestAggregator_DropSome(t *testing.T) {
	away := errors.New("away")
	var done []int
	fails := true
	var a Aggregator
	for i := range 4 {
		a.drops.left = append(a.drops.left, func(context.Context) error {
			if i == 1 && fails {
				return away
			}
			done = append(done, i)
			return nil
		})
	}
	for i, step := range []struct {
		streaming, rested, fails bool
		done                     []int
		err                      error
	}{
		{true, true, true, []int{0}, nil},
		{true, true, true, []int{0}, away},
		{false, false, true, []int{0}, away},
		{true, true, false, []int{0, 1}, nil},
		{true, false, false, []int{0, 1}, nil},
		{false, false, false, []int{0, 1, 2}, nil},
		{false, false, false, []int{0, 1, 2, 3}, nil},
		{true, true, false, []int{0, 1, 2, 3}, nil},
	} {
		a.pendingNow.Store(map[bool]int64{true: 1}[step.streaming])
		fails = step.fails
		if a.drops.next = time.Now().Add(time.Hour); step.rested {
			a.drops.next = time.Time{}
		}
		if err := a.dropSome(t.Context()); !errors.Is(err, step.err) || !slices.Equal(done, step.done) {
			t.Fatalf("step %d: %v are done, want %v: %v", i, done, step.done, err)
		}
	}
	const took = 10 * time.Millisecond
	a.drops.left = []func(context.Context) error{func(context.Context) error { time.Sleep(took); return nil }}
	began := time.Now()
	if err := a.dropSome(t.Context()); err != nil || a.drops.next.Before(began.Add((1+shareOfDrops)*took)) {
		t.Errorf("the next one is due after %v, want %v at least: %v", a.drops.next.Sub(began), (1+shareOfDrops)*took,
			err)
	}
}

// Upkeep removes what was replaced, a statement in a pass.
func TestAggregator_Upkeep_DropsOneByOne(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	for _, id := range []string{"m", "n"} {
		load(t, conn, id, []byte(line(id, "sent", at, submitted(at)...)), noon)
		settle(t, a)
	}
	before := count(t, conn, "SELECT count() FROM editions")
	later := time.Now().Add(2 * DefaultRetention)
	a.lastUpkeep = time.Time{}
	if err := a.upkeep(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	listed := len(a.drops.left)
	for a.lastUpkeep = later; len(a.drops.left) > 0; listed-- {
		if len(a.drops.left) != listed {
			t.Fatalf("%d statements are left, want %d", len(a.drops.left), listed)
		}
		a.drops.next = time.Time{}
		if err := a.upkeep(t.Context(), later); err != nil {
			t.Fatal(err)
		}
	}
	if after := count(t, conn, "SELECT count() FROM editions"); after >= before {
		t.Errorf("%d rows of editions, %d before", after, before)
	}
}
