package aggregate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// What is to be removed is removed in its order, a statement at a time while editions follow each other, and one that
// fails is tried again.
func TestAggregator_DropSome(t *testing.T) {
	away := errors.New("away")
	var done []int
	fails := true
	var a Aggregator
	for i := range 5 {
		a.drops.left = append(a.drops.left, func(context.Context) error {
			if i == 1 && fails {
				return away
			}
			done = append(done, i)
			return nil
		})
	}
	for i, step := range []struct {
		streaming, fails bool
		done             []int
		err              error
	}{
		{true, true, []int{0}, nil},
		{true, true, []int{0}, away},
		{false, true, []int{0}, away},
		{true, false, []int{0, 1}, nil},
		{true, false, []int{0, 1, 2}, nil},
		{false, false, []int{0, 1, 2, 3, 4}, nil},
		{true, false, []int{0, 1, 2, 3, 4}, nil},
	} {
		a.pendingNow.Store(map[bool]int64{true: 1}[step.streaming])
		fails = step.fails
		if err := a.dropSome(t.Context()); !errors.Is(err, step.err) || !slices.Equal(done, step.done) {
			t.Fatalf("step %d: %v are done, want %v: %v", i, done, step.done, err)
		}
	}
	if took, rest := a.drops.took, time.Until(a.drops.next); took <= 0 || rest > shareOfDrops*took {
		t.Error(fmt.Sprint("they took ", took, " and rest for ", rest))
	}
}
