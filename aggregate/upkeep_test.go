package aggregate

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// What is to be removed is removed in its order, and a statement that fails is made again. While editions follow each
// other each is followed by a rest.
func TestAggregator_DropSome(t *testing.T) {
	away := errors.New("away")
	const took = 10 * time.Millisecond
	var done []int
	fails := true
	var a Aggregator
	for i := range 5 {
		a.drops.left = append(a.drops.left, func(context.Context) error {
			if i == 1 && fails {
				return away
			}
			time.Sleep(took)
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
		{true, true, false, []int{0, 1, 2}, nil},
		{false, false, false, []int{0, 1, 2, 3, 4}, nil},
		{true, true, false, []int{0, 1, 2, 3, 4}, nil},
	} {
		a.pendingNow.Store(map[bool]int64{true: 1}[step.streaming])
		fails = step.fails
		if step.rested {
			a.drops.next = time.Time{}
		}
		if err := a.dropSome(t.Context()); !errors.Is(err, step.err) || !slices.Equal(done, step.done) {
			t.Fatalf("step %d: %v are done, want %v: %v", i, done, step.done, err)
		}
	}
	a.drops.left = append(a.drops.left, func(context.Context) error { return away })
	a.drops.next = time.Now().Add(time.Hour)
	a.pendingNow.Store(1)
	if err := a.dropSome(t.Context()); err != nil {
		t.Errorf("it does not rest: %v", err)
	}
	a.drops.next = time.Time{}
	a.drops.left = []func(context.Context) error{func(context.Context) error { time.Sleep(took); return nil }}
	if err := a.dropSome(t.Context()); err != nil || time.Until(a.drops.next) < (shareOfDrops-1)*took {
		t.Errorf("it rests for %v, want %v: %v", time.Until(a.drops.next), shareOfDrops*took, err)
	}
}
